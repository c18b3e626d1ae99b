import type {ControlsClient} from '../../client/client.ts';
import {FtpdctlError} from '../../errors.ts';
import type {AclCheckDetails, AclListDetails} from '../../protocol/details.ts';
import {exitStatusOf, STATUS} from '../../protocol/status.ts';
import {type AclAnswer, checkAnswer, listAnswer, subjectOf} from '../../server/aclAnswers.ts';
import {resolveConfiguration} from '../../server/configuration.ts';
import {Names} from '../../server/names.ts';
import {nameService} from '../../transport/nameService.ts';
import type {GlobalOptions} from '../options/baseCommand.ts';
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
  client: ControlsClient,
): Promise<AclAnswer<AclCheckDetails>> {
  const named = {...(user === undefined ? {} : {user}), ...(group === undefined ? {} : {group})};
  if (config === undefined)
    return ask<AclCheckDetails>(client, ['check', action, ...Object.entries(named).flat()]);
  const self = {uid: process.geteuid!(), gid: process.getegid!()};
  return checkAnswer(accessIn(config), action, subjectOf(new Names(nameService), self, named));
}

/** Who may run what. @throws FtpdctlError */
export async function listAccess(
  {config}: Pick<Question, 'config'>,
  client: ControlsClient,
): Promise<AclAnswer<AclListDetails>> {
  return config === undefined ? ask<AclListDetails>(client, ['list']) : listAnswer(accessIn(config));
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

async function ask<T>(client: ControlsClient, args: readonly string[]): Promise<AclAnswer<T>> {
  const {verdict, responses, server} = await client.request('acl', args);
  if (verdict === STATUS.OK && server?.details !== undefined)
    return {lines: responses, details: server.details as T};
  if (verdict === STATUS.UNSUPPORTED_OPERATION) {
    throw new FtpdctlError(
      'UNSUPPORTED',
      'the server that answers cannot be asked about its ACLs',
      exitStatusOf(verdict),
      {hint: 'a ProFTPD cannot; judge its configuration instead: --config /etc/proftpd/proftpd.conf'},
    );
  }
  throw new FtpdctlError('REFUSED', responses.join('; '), exitStatusOf(verdict) || 1);
}
