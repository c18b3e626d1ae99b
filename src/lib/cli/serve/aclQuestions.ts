import type {AccessQuestion} from '../../daemon/daemon.ts';
import type {AclCheckDetails, AclListDetails} from '../../protocol/details.ts';
import {type AclAnswer, checkAnswer, listAnswer, subjectOf} from '../../server/aclAnswers.ts';
import {resolveConfiguration} from '../../server/configuration.ts';
import {Names} from '../../server/names.ts';
import {nameService} from '../../transport/nameService.ts';
import type {Ask} from '../options/ask.ts';
import type {GlobalOptions} from '../options/globalFlags.ts';
import {unsupported} from '../options/usageError.ts';
import {printJson, printLine} from '../output/output.ts';
import {loadConfiguration} from './configuration.ts';

interface Question {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  /** Judge this file; without it the running server is asked. */
  readonly config?: string | undefined;
}

/** Whether somebody, or whoever asks, may run an action. @throws FtpdctlError */
export async function checkAccess(
  action: string,
  {user, group, config}: Question,
  ask: Ask,
): Promise<AclAnswer<AclCheckDetails>> {
  if (config === undefined) return askDaemon<AclCheckDetails>(ask, {kind: 'check', action, user, group});
  const self = {uid: process.geteuid!(), gid: process.getegid!()};
  return checkAnswer(
    accessIn(config),
    action,
    subjectOf(new Names(nameService), self, {
      ...(user === undefined ? {} : {user}),
      ...(group === undefined ? {} : {group}),
    }),
  );
}

/** Who may run what. @throws FtpdctlError */
export async function listAccess(
  {config}: Pick<Question, 'config'>,
  ask: Ask,
): Promise<AclAnswer<AclListDetails>> {
  return config === undefined ? askDaemon<AclListDetails>(ask, {kind: 'list'}) : listAnswer(accessIn(config));
}

/** Print the answer, and set the exit status. */
export function reportAccess(
  {lines, details}: AclAnswer<object>,
  {json, quiet}: GlobalOptions,
  exitStatus: number,
): void {
  process.exitCode = exitStatus;
  if (json) printJson({...details, exitStatus});
  else if (!(quiet && exitStatus === 0)) for (const line of lines) printLine(line);
}

function accessIn(file: string) {
  return resolveConfiguration(loadConfiguration(file, process.env), nameService).access;
}

async function askDaemon<T>(ask: Ask, question: AccessQuestion): Promise<AclAnswer<T>> {
  const result = await ask((daemon) => daemon.access(question));
  if (result.kind === 'unsupported') throw unsupported(result);
  return {lines: result.lines, details: result.details as T};
}
