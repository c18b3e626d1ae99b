import {string} from '@oclif/core/flags';
import {type AclAnswer, judgeConfiguration} from '../../acl/answers.ts';
import {quoted} from '../../config/errors.ts';
import type {AccessQuestion} from '../../daemon/daemon.ts';
import type {AclCheckDetails, AclListDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import {type ProftpdVersion, parseVersion} from '../../protocol/version.ts';
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
  {user, group, ...how}: Question,
  ask: Ask,
): Promise<AclAnswer<AclCheckDetails>> {
  return answerTo<AclCheckDetails>({kind: 'check', action, user, group}, how, ask);
}

/** Who may run what. @throws FtpdctlError */
export async function listAccess(
  how: Pick<Question, 'config' | 'proftpd'>,
  ask: Ask,
): Promise<AclAnswer<AclListDetails>> {
  return answerTo<AclListDetails>({kind: 'list'}, how, ask);
}

/** By a configuration, as the ProFTPD that is meant would judge (the installed one, else the newest), or by a daemon. */
async function answerTo<T>(
  question: AccessQuestion,
  {config, proftpd}: Pick<Question, 'config' | 'proftpd'>,
  ask: Ask,
): Promise<AclAnswer<T>> {
  if (config === undefined) return askDaemon<T>(ask, question);
  const version = proftpd === undefined ? await installedVersion() : versionOf(proftpd);
  const self = {uid: process.geteuid!(), gid: process.getegid!()};
  const answer = judgeConfiguration(loadConfiguration(config, process.env, version), question, {
    names: nameService,
    self,
    version,
  });
  return {lines: answer.lines, details: answer.details as T};
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
