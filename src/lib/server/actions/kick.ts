import {type Audience, selectSessions} from '../../audience.ts';
import type {KickDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import type {SessionInfo} from '../../session/queue/sessions.ts';
import {countOf} from '../../text.ts';
import {type ControlResult, failure, success} from '../controlResult.ts';
import type {Action, ServerView} from './action.ts';

/** What may be kicked, and how mod_ctrls_admin calls the names of each where they are missing (measured). */
const MISSING = {
  user: 'user name(s)',
  host: 'host(s)',
  class: 'class name(s)',
  /** Not in ProFTPD: what `who` calls a session. */
  session: 'session ID(s)',
} as const;

type Kind = keyof typeof MISSING;

/**
 * Words, order and statuses of mod_ctrls_admin (measured on 1.3.8). It says `(N clients)` for the N of `-n`, whoever
 * was there; here it is the number of those that have ended.
 */
export const kick: Action = {
  name: 'kick',
  module: 'mod_ctrls_admin.c',
  description: 'disconnect a class, host, or user',
  permission: 'kick',
  async run({args: [kind, ...words]}, server) {
    if (kind === undefined) return wrong('missing required parameters');
    if (!isKind(kind)) return wrong(`unknown kick type requested: '${kind}'`);
    const options = takeOptions(kind, words);
    if (options.kind === 'refused') return options.result;
    const {most, names} = options;
    if (names.length === 0) return wrong(`kick ${kind}: missing required ${MISSING[kind]}`);
    await server.messages.answered();
    const outcomes: Outcome[] = [];
    for (const name of names) outcomes.push(await kickName(kind, name, most, server));
    const sum = (of: 'ended' | 'meant') => outcomes.reduce((total, outcome) => total + outcome[of], 0);
    const details: KickDetails = {ended: sum('ended'), meant: sum('meant')};
    const lines = outcomes.map(({line}) => line);
    if (!outcomes.some(({hasFailed}) => hasFailed)) return success(lines, details);
    return {status: STATUS.GENERIC_ERROR, lines, details};
  },
};

function isKind(word: string): word is Kind {
  return Object.hasOwn(MISSING, word);
}

interface Outcome extends KickDetails {
  readonly line: string;
  /** Sessions that were told to end are still there. */
  readonly hasFailed?: true;
}

async function kickName(
  kind: Kind,
  name: string,
  most: number | undefined,
  {messages, hosts}: ServerView,
): Promise<Outcome> {
  let audience: Audience;
  let shown = name;
  if (kind === 'host') {
    const resolution = await hosts.resolve(name);
    if (resolution.kind !== 'found') {
      return {line: `kick host: error resolving '${name}': ${resolution.why}`, ended: 0, meant: 0};
    }
    const {addresses} = resolution;
    shown = addresses[0] ?? name;
    audience = {kind, name, addresses};
  } else audience = {kind, name};
  const meant = selectSessions(audience, messages.sessions());
  if (meant.length === 0) return {line: `${kind} '${shown}' not connected`, ended: 0, meant: 0};
  const kicked = oldestFirst(meant).slice(0, most);
  const ended = await messages.kick(kicked);
  const left = kicked.length - ended;
  if (left > 0) {
    const line = `error kicking ${kind} '${shown}': ${countOf(left, 'session')} did not end`;
    return {line, ended, meant: meant.length, hasFailed: true};
  }
  const count = most === undefined ? '' : ` (${ended} clients)`;
  return {line: `kicked ${kind} '${shown}'${count}`, ended, meant: meant.length};
}

/** As in the scoreboard, where a session keeps its place. */
function oldestFirst(sessions: readonly SessionInfo[]): readonly SessionInfo[] {
  return [...sessions].sort((a, b) => a.connectedAt.getTime() - b.connectedAt.getTime());
}

type Options =
  | {readonly kind: 'options'; readonly most: number | undefined; readonly names: readonly string[]}
  | {readonly kind: 'refused'; readonly result: ControlResult};

/** As getopt(3) parts them: `-n COUNT` or `-nCOUNT` before the first name, which `--` ends, too. */
function takeOptions(kind: Kind, words: readonly string[]): Options {
  let most: number | undefined;
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--') return {kind: 'options', most, names: words.slice(at + 1)};
    if (!word.startsWith('-') || word === '-') break;
    const digits = word.slice(2) || words[++at];
    if (word[1] !== 'n' || digits === undefined) return refused(`unsupported option: '${word[1]}'`);
    most = Number.parseInt(digits, 10);
    if (!(most > 0)) return refused(`bad ${kind === 'class' ? 'client number' : 'number'}: ${digits}`);
  }
  return {kind: 'options', most, names: words.slice(at)};
}

function refused(line: string): Options {
  return {kind: 'refused', result: wrong(line)};
}

function wrong(line: string): ControlResult {
  return failure(STATUS.WRONG_PARAMETERS, line);
}
