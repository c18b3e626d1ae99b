import type {AclRule} from '../config/aclRule.ts';
import {OPEN_ACTION} from './evaluate.ts';
import {directiveOf} from './explain.ts';
import type {AccessControl, Acl, ResolvedRule} from './resolve.ts';

/** Whom one list lets pass. Names are those that exist. */
export type Passing =
  | {readonly kind: 'nobody'}
  | {readonly kind: 'everybody'}
  | {readonly kind: 'only'; readonly names: readonly string[]}
  | {readonly kind: 'all-but'; readonly names: readonly string[]};

/** Who may run an action, once connected; or, for the socket, who may connect. */
export interface Access {
  /** `null`: the socket itself. */
  readonly action: string | null;
  /** `null` for `help`, which needs none. */
  readonly directive: AclRule['directive'] | null;
  /** Those in force. */
  readonly rules: readonly AclRule[];
  /** Whom the user list lets pass. Either list is enough. */
  readonly users: Passing;
  /** Whom the group list lets pass, by primary group. */
  readonly groups: Passing;
  /** `everybody`, `nobody`, `user a, b or group g`, `everybody but user a`. */
  readonly who: string;
}

/** Who may do what: the socket first, then every action by its name. */
export function listAccess(control: AccessControl): readonly Access[] {
  const open: Access = {
    action: OPEN_ACTION,
    directive: null,
    rules: [],
    users: {kind: 'everybody'},
    groups: {kind: 'everybody'},
    who: 'everybody',
  };
  const actions = [...control.actions].map(([action, acl]) => access(action, directiveOf(action)!, acl));
  const byName = (a: Access, b: Access) => (a.action! < b.action! ? -1 : 1);
  return [access(null, 'ControlsSocketACL', control.socket), ...[...actions, open].sort(byName)];
}

function access(action: string | null, directive: AclRule['directive'], acl: Acl): Access {
  const rules = [acl.user, acl.group].flatMap((each) => (each === null ? [] : [each.rule]));
  const users = passing(acl.user);
  const groups = passing(acl.group);
  return {action, directive, rules, users, groups, who: inWords(users, groups)};
}

/** Whom a list lets pass; no list lets nobody pass. */
export function passing(resolved: ResolvedRule | null): Passing {
  if (resolved === null) return {kind: 'nobody'};
  const denies = resolved.rule.effect === 'deny';
  if (resolved.everybody) return {kind: denies ? 'nobody' : 'everybody'};
  const names = resolved.names.filter(({id}) => id !== undefined).map(({name}) => name);
  if (names.length === 0) return {kind: denies ? 'everybody' : 'nobody'};
  return {kind: denies ? 'all-but' : 'only', names};
}

function inWords(users: Passing, groups: Passing): string {
  if (users.kind === 'everybody' || groups.kind === 'everybody') return 'everybody';
  if (users.kind === 'all-but' && groups.kind === 'all-but') {
    return `everybody but user ${users.names.join(', ')} with primary group ${groups.names.join(', ')}`;
  }
  const only = [onlyPart('user', users), onlyPart('group', groups)];
  const others = [allButPart('user', users), allButPart('group', groups)];
  const parts = [...only, ...others].filter((words) => words !== '');
  return parts.length === 0 ? 'nobody' : parts.join(' or ');
}

function onlyPart(kind: 'user' | 'group', passing: Passing): string {
  return passing.kind === 'only' ? `${kind} ${passing.names.join(', ')}` : '';
}

function allButPart(kind: 'user' | 'group', passing: Passing): string {
  return passing.kind === 'all-but' ? `everybody but ${kind} ${passing.names.join(', ')}` : '';
}
