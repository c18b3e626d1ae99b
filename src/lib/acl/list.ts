import {type AclDirective, type AclRule, directiveOf} from '../config/values/aclRule.ts';
import {OPEN_ACTION} from './evaluate.ts';
import {intersection, inWords, type Passing, passing, passingAcl, passingSocket} from './passing.ts';
import type {AccessControl, Acl} from './resolve.ts';

/** Who gets through to an action; or, for the socket, who may connect. */
export interface Access {
  /** `null`: the socket itself. */
  readonly action: string | null;
  /** `null` for `help`, which needs none. */
  readonly directive: AclRule['directive'] | null;
  /** Those in force. */
  readonly rules: readonly AclRule[];
  /** Whom the user list of the action alone lets pass. Either list is enough. */
  readonly users: Passing;
  /** Whom the group list of the action alone lets pass, by primary group. */
  readonly groups: Passing;
  /** Who may connect and run the action, in words: `no one`, `everybody`, `user a, b or group g`. */
  readonly who: string;
}

/** Those whose actions are listed although no line is there for them. */
const ALWAYS_LISTED: readonly AclDirective[] = ['AdminControlsACLs', 'ControlsACLs', 'MessageControlsACLs'];

/** Who may do what: the socket first, then every action by its name. */
export function listAccess(control: AccessControl): readonly Access[] {
  const connecting = passingSocket(control.socket);
  const open: Access = {
    action: OPEN_ACTION,
    directive: null,
    rules: [],
    users: {kind: 'everybody'},
    groups: {kind: 'everybody'},
    who: inWords(connecting),
  };
  const given = new Set([...ALWAYS_LISTED, ...control.rules.map(({rule}) => rule.directive)]);
  const actions = [...control.actions]
    .map(([action, acl]) => ({
      action,
      directive: directiveOf(action)!,
      ...lists(acl),
      who: inWords(intersection(connecting, passingAcl(acl))),
    }))
    .filter(({directive}) => given.has(directive));
  const byName = (a: Access, b: Access) => (a.action! < b.action! ? -1 : 1);
  const acl = control.socket.kind === 'set' ? control.socket.acl : {user: null, group: null};
  const connect: Access = {
    action: null,
    directive: 'ControlsSocketACL',
    ...lists(acl),
    who: inWords(connecting),
  };
  return [connect, ...[...actions, open].sort(byName)];
}

function lists({user, group}: Acl): Pick<Access, 'rules' | 'users' | 'groups'> {
  const rules = [user, group].flatMap((each) => (each === null ? [] : [each.rule]));
  return {rules, users: passing(user), groups: passing(group)};
}
