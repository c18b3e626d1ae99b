import {subactionsOf} from '../config/aclRule.ts';
import {formatLocation, type Location} from '../config/errors.ts';
import type {LoadedConfig} from '../config/load.ts';
import {FtpdctlError} from '../errors.ts';
import type {AclCheckDetails, AclListDetails} from '../protocol/details.ts';
import {STATUS} from '../protocol/message.ts';
import {formatVersion, type ProftpdVersion} from '../protocol/version.ts';
import {CONNECT} from './evaluate.ts';
import {explain, type Reader} from './explain.ts';
import {type Finding, findings} from './findings.ts';
import {type Caller, type NameDirectory, Names} from './names.ts';
import {listAccess} from './passing.ts';
import {type AccessControl, resolveAcls, resolveSocketOwner} from './resolve.ts';

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

interface CheckOptions {
  /** The action whose ACL decides, where it is another's. */
  readonly permission?: string;
  /** A caller is told nothing but the verdict and what concerns themselves. */
  readonly reader?: Reader;
}

/** The verdict, the line that decided, and what is odd about the lines concerned. */
export function checkAnswer(
  access: AccessControl,
  action: string,
  subject: Subject,
  {permission = action, reader = 'administrator'}: CheckOptions = {},
): AclAnswer<AclCheckDetails> {
  const {user, group} = subject;
  const {allowed, sentence, decidedBy} = explain(access, permission, subject, reader);
  const asked = permission === action ? action : `${action} (decided as ${permission} is)`;
  const verdict = allowed === null ? sentence : `is ${sentence}`;
  const told = {action, user, group, allowed, why: sentence};
  const line = `${asked} by ${user}/${group}${allowed === null ? ':' : ''} ${verdict}`;
  if (reader === 'caller') return {lines: [line], details: told};
  const notes = notesOn(access, permission).map(showFinding);
  return {
    lines: [line, ...notes.map(noteLine)],
    details: {...told, ...(decidedBy === null ? {} : {decidedBy: origin(decidedBy)}), notes},
  };
}

/** What is odd about the lines that decide on an action, and about those that are not there. */
function notesOn(access: AccessControl, permission: string): readonly Finding[] {
  const {socket, actions} = access;
  const decided = subactionsOf(permission).concat(permission);
  const acls = [...(socket.kind === 'set' ? [socket.acl] : []), ...decided.map((each) => actions.get(each))];
  const concerned = acls.flatMap((acl) =>
    [acl?.user, acl?.group].flatMap((each) => (each ? [each.rule.at] : [])),
  );
  return findings(access).filter(
    ({at, code}) => at === null || code === 'engine-off' || concerned.includes(at),
  );
}

/** Who may do what, and what in the configuration does not do what it seems to. */
export function listAnswer(
  access: AccessControl,
  has: (action: string) => boolean = () => true,
): AclAnswer<AclListDetails> {
  const listed = listAccess(access).filter(({action}) => action === CONNECT || has(action));
  const actions = listed.map(({rules, ...each}) => ({...each, rules: rules.map(origin)}));
  const odd = findings(access).map(showFinding);
  return {
    lines: [...actions.map(({action, who}) => `${action}: ${who}`), ...odd.map(noteLine)],
    details: {actions, findings: odd},
  };
}

/** Whom a question is about; without a name, whoever asks. */
export type AclQuestion =
  | {readonly kind: 'list'}
  | {
      readonly kind: 'check';
      readonly action: string;
      readonly user?: string | undefined;
      readonly group?: string | undefined;
    };

/** Who asks, and as which ProFTPD to judge. */
export interface Judge {
  readonly names: NameDirectory;
  readonly self: Caller;
  /** The newest without it. */
  readonly version?: ProftpdVersion | undefined;
  /** What else is to be said. */
  readonly notes?: readonly string[];
}

/**
 * What a configuration says, and what is odd in it.
 * @throws FtpdctlError for a name there is not
 */
export function judgeConfiguration(
  {settings, warnings}: Pick<LoadedConfig, 'settings' | 'warnings'>,
  question: AclQuestion,
  {names, self, version, notes: others = []}: Judge,
): AclAnswer<AclCheckDetails | AclListDetails> {
  const {engine, owner} = settings.controls;
  const access = resolveAcls(settings.acls, names, {engine, version});
  const notes = [...[...warnings, ...resolveSocketOwner(owner, names).warnings].map(showFinding), ...others];
  const proftpd = version === undefined ? {} : {proftpd: formatVersion(version)};
  if (question.kind === 'list') {
    const {lines, details} = listAnswer(access);
    return {
      lines: [...lines, ...notes.map(noteLine)],
      details: {...details, findings: [...details.findings, ...notes], ...proftpd},
    };
  }
  const {action, user, group} = question;
  const named = {...(user === undefined ? {} : {user}), ...(group === undefined ? {} : {group})};
  const {lines, details} = checkAnswer(access, action, subjectOf(new Names(names), self, named));
  return {
    lines: [...lines, ...notes.map(noteLine)],
    details: {...details, notes: [...(details.notes ?? []), ...notes], ...proftpd},
  };
}

/** A line about what is odd, under an answer. */
export function noteLine(what: string): string {
  return `note: ${what}`;
}

/** `FILE:LINE: what is odd`. */
export function showFinding({at, message}: Pick<Finding, 'at' | 'message'>): string {
  return at === null ? message : `${formatLocation(at)}: ${message}`;
}

function origin({at, text}: {readonly at: Location; readonly text: string}) {
  return {file: at.file, line: at.line, text};
}
