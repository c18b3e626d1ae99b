import {string} from '@oclif/core/flags';
import {
  type AclAnswer,
  checkAnswer,
  listAnswer,
  noteLine,
  showFinding,
  subjectOf,
} from '../../acl/answers.ts';
import {Names} from '../../acl/names.ts';
import {resolveAcls, resolveSocketOwner} from '../../acl/resolve.ts';
import {quoted} from '../../config/errors.ts';
import type {AccessQuestion} from '../../daemon/daemon.ts';
import type {AclCheckDetails, AclListDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import {formatVersion, type ProftpdVersion, parseVersion} from '../../protocol/version.ts';
import {nameService} from '../../transport/nameService.ts';
import {installedVersion} from '../../transport/processes/proftpdProgram.ts';
import type {Ask} from '../options/ask.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {UsageError, unsupported} from '../options/usageError.ts';
import {printError, printJson, printLine} from '../output/output.ts';
import {loadConfiguration} from './configuration.ts';

/** As which ProFTPD a file is judged. */
export const proftpdFlag = string({
  helpValue: 'VERSION',
  summary: 'judge the file as this ProFTPD would (default: the installed one, else the newest)',
  dependsOn: ['config'],
});

/** What `acl check` exits with. */
export function exitStatusOfVerdict(allowed: boolean | null): number {
  if (allowed === null) return -STATUS.OPERATION_IGNORED;
  return allowed ? 0 : -STATUS.ACCESS_DENIED;
}

interface Question {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  /** Judge this file; without it the running server is asked. */
  readonly config?: string | undefined;
  /** As which ProFTPD to judge it. */
  readonly proftpd?: string | undefined;
}

/** Whether somebody, or whoever asks, may run an action. @throws FtpdctlError */
export async function checkAccess(
  action: string,
  {user, group, config, proftpd}: Question,
  ask: Ask,
): Promise<AclAnswer<AclCheckDetails>> {
  if (config === undefined) return askDaemon<AclCheckDetails>(ask, {kind: 'check', action, user, group});
  const self = {uid: process.geteuid!(), gid: process.getegid!()};
  const {access, notes, version} = await judge(config, proftpd);
  const named = {...(user === undefined ? {} : {user}), ...(group === undefined ? {} : {group})};
  const {lines, details} = checkAnswer(access, action, subjectOf(new Names(nameService), self, named));
  return {
    lines: [...lines, ...notes.map(noteLine)],
    details: {...details, notes: [...(details.notes ?? []), ...notes], ...version},
  };
}

/** Who may run what. @throws FtpdctlError */
export async function listAccess(
  {config, proftpd}: Pick<Question, 'config' | 'proftpd'>,
  ask: Ask,
): Promise<AclAnswer<AclListDetails>> {
  if (config === undefined) return askDaemon<AclListDetails>(ask, {kind: 'list'});
  const {access, notes, version} = await judge(config, proftpd);
  const {lines, details} = listAnswer(access);
  return {
    lines: [...lines, ...notes.map(noteLine)],
    details: {...details, findings: [...details.findings, ...notes], ...version},
  };
}

/** Print the answer, and set the exit status. */
export function reportAccess(
  {lines, details}: AclAnswer<object>,
  {json, quiet}: GlobalOptions,
  exitStatus: number,
): void {
  process.exitCode = exitStatus;
  if (json) printJson({...details, exitStatus});
  else if (!(quiet && exitStatus === 0)) for (const line of lines) (quiet ? printError : printLine)(line);
}

/** Who may do what by a configuration, as the ProFTPD that is meant would judge: the installed one, else the newest. */
async function judge(file: string, proftpd: string | undefined) {
  const {settings, warnings} = loadConfiguration(file, process.env);
  const version = proftpd === undefined ? await installedVersion() : versionOf(proftpd);
  const {engine, owner} = settings.controls;
  return {
    access: resolveAcls(settings.acls, nameService, {engine, version}),
    notes: [...warnings, ...resolveSocketOwner(owner, nameService).warnings].map(showFinding),
    version: version === undefined ? {} : {proftpd: formatVersion(version)},
  };
}

function versionOf(word: string): ProftpdVersion {
  const version = parseVersion(word);
  if (version !== undefined) return version;
  throw new UsageError(`--proftpd: expected a version such as 1.3.8 or 1.3.10rc3, not ${quoted(word)}`);
}

async function askDaemon<T>(ask: Ask, question: AccessQuestion): Promise<AclAnswer<T>> {
  const result = await ask((daemon) => daemon.access(question));
  if (result.kind === 'unsupported') throw unsupported(result);
  return {lines: result.lines, details: result.details as T};
}
