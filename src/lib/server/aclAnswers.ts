import {CONNECT} from '../acl/evaluate.ts';
import {explain} from '../acl/explain.ts';
import {type Finding, findings} from '../acl/findings.ts';
import {listAccess} from '../acl/list.ts';
import type {Caller} from '../acl/names.ts';
import type {AccessControl} from '../acl/resolve.ts';
import {type At, showAt} from '../config/at.ts';
import {FtpdctlError} from '../errors.ts';
import type {AclCheckDetails, AclListDetails} from '../protocol/details.ts';
import {STATUS} from '../protocol/status.ts';
import type {NameDirectory, Names} from './names.ts';

/** Whose right is asked about. */
export interface Subject extends Caller {
  readonly user: string;
  readonly group: string;
}

/** An answer in lines for people, and as facts. */
export interface AclAnswer<T> {
  readonly lines: readonly string[];
  readonly details: T;
}

/**
 * Whoever is named: a user with the primary group of that user, unless a group is named, too; a group alone stands for
 * the one who asks, in that group.
 *
 * @throws FtpdctlError for a name there is not
 */
export function subjectOf(names: Names, self: Caller, named: {user?: string; group?: string}): Subject {
  const {user, group} = named;
  const caller = user === undefined ? self : userNamed(names.directory, user);
  const gid = group === undefined ? caller.gid : groupNamed(names.directory, group);
  return {uid: caller.uid, gid, user: user ?? names.user(caller.uid), group: group ?? names.group(gid)};
}

function userNamed(directory: NameDirectory, name: string): Caller {
  return directory.user(name) ?? unknown('user', name);
}

function groupNamed(directory: NameDirectory, name: string): number {
  return directory.gid(name) ?? unknown('group', name);
}

function unknown(kind: 'user' | 'group', name: string): never {
  throw new FtpdctlError('NO_SUCH_NAME', `no such ${kind}: ${name}`, -STATUS.SUBJECT_NOT_FOUND);
}

/**
 * The verdict, the line that decided, and what is odd about the lines concerned.
 *
 * @param permission the action whose ACL decides, where it is another's
 */
export function checkAnswer(
  access: AccessControl,
  action: string,
  subject: Subject,
  permission = action,
): AclAnswer<AclCheckDetails> {
  const {user, group} = subject;
  const {allowed, sentence, decidedBy} = explain(access, permission, subject);
  const asked = permission === action ? action : `${action} (decided as ${permission} is)`;
  const concerned = [access.socket, access.actions.get(permission)].flatMap((acl) =>
    [acl?.user, acl?.group].flatMap((each) => (each ? [each.rule.at] : [])),
  );
  const odd = findings(access).filter(({at}) => at === null || concerned.includes(at));
  return {
    lines: [
      `${asked} by ${user}/${group} is ${sentence}`,
      ...odd.map((finding) => `note: ${showFinding(finding)}`),
    ],
    details: {
      action,
      user,
      group,
      allowed,
      why: sentence,
      ...(decidedBy === null ? {} : {decidedBy: origin(decidedBy)}),
    },
  };
}

/** Who may do what, and what in the configuration does not do what it seems to. */
export function listAnswer(access: AccessControl): AclAnswer<AclListDetails> {
  const actions = listAccess(access).map(({action, who, rules}) => ({
    action: action ?? CONNECT,
    who,
    rules: rules.map(origin),
  }));
  const odd = findings(access).map(showFinding);
  return {
    lines: [
      ...actions.map(({action, who}) => `${action}: ${who}`),
      ...odd.map((finding) => `note: ${finding}`),
    ],
    details: {actions, findings: odd},
  };
}

/** `FILE:LINE: what is odd`. */
export function showFinding({at, message}: Pick<Finding, 'at' | 'message'>): string {
  return at === null ? message : `${showAt(at)}: ${message}`;
}

function origin({at, text}: {readonly at: At; readonly text: string}) {
  return {file: at.file, line: at.line, text};
}
