import {type Ban, bansIn} from '../client/bans.ts';
import type {ControlAnswer} from '../client/client.ts';
import {ClientError} from '../client/errors.ts';
import {FtpdctlError} from '../errors.ts';
import {exitStatusOf, STATUS} from '../protocol/message.ts';
import type {Ask} from './options/ask.ts';
import type {GlobalOptions} from './options/flags.ts';
import {printError, printJson} from './output/output.ts';
import {table} from './output/sessionTable.ts';

/** List who is banned. @throws FtpdctlError where the server does not tell */
export async function listBans({json, quiet}: GlobalOptions, ask: Ask): Promise<void> {
  const {answer, isWhole} = await askForBans(ask);
  const bans = answer.verdict === STATUS.OK ? bansIn(answer.responses) : undefined;
  if (bans === undefined) throw noList(answer);
  if (json) printJson({bans, whole: isWhole, exitStatus: 0});
  else if (!quiet) process.stdout.write(bans.length === 0 ? 'no bans\n' : banTable(bans));
  if (!isWhole) printError('there are too many bans for one answer with reasons and times: left out');
}

/**
 * With reasons and times, which take three lines a ban more: of more than 341 ProFTPD 1.3.8 makes an answer that no
 * client of it takes (measured). Then without.
 */
async function askForBans(ask: Ask): Promise<{answer: ControlAnswer; isWhole: boolean}> {
  try {
    return {answer: await ask((daemon) => daemon.request('ban', ['info', '-v'])), isWhole: true};
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'ANSWER_LOST') throw error;
    return {answer: await ask((daemon) => daemon.request('ban', ['info'])), isWhole: false};
  }
}

function noList({verdict, responses}: ControlAnswer): FtpdctlError {
  const said = responses.join('; ') || 'nothing';
  const exitStatus = verdict === STATUS.OK ? exitStatusOf(STATUS.GENERIC_ERROR) : exitStatusOf(verdict);
  return new FtpdctlError(
    'NO_BAN_LIST',
    `no list of bans: the server says: ${said}`,
    exitStatus,
    hintOf(verdict, said),
  );
}

function hintOf(verdict: number, said: string): {hint?: string} {
  if (verdict === STATUS.UNSUPPORTED_OPERATION)
    return {hint: 'LoadModule mod_ban.c, BanEngine on and BanTable let it have one'};
  if (verdict === STATUS.ACCESS_DENIED) return {hint: 'BanControlsACLs says who may'};
  return /^mod_ban\S* not enabled/.test(said) ? {hint: 'BanEngine on turns it on'} : {};
}

function banTable(bans: readonly Ban[]): string {
  const rows = bans.map(({who, kind, since, until, reason, server}) => [
    who,
    kind,
    since === null ? '-' : localTime(since),
    until === null ? (since === null ? '-' : 'for ever') : localTime(until),
    reason ?? '-',
    server ?? 'all',
  ]);
  return table(['WHO', 'KIND', 'SINCE', 'UNTIL', 'REASON', 'SERVER'], rows);
}

/** `2026-11-28 18:00:18`, as the server's clock has it. */
function localTime(time: number): string {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}
