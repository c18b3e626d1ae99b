import {type Audience, audienceFilter, NOT_LOGGED_IN} from '../audience.ts';
import {FtpdctlError} from '../errors.ts';
import {exitStatusOf, STATUS} from '../protocol/message.ts';
import {asInScoreboard} from '../scoreboard/scoreboard.ts';
import {countOf, nearMiss} from '../text.ts';
import type {
  AudienceWords,
  DeliveryResult,
  Session,
  SessionFilter,
  SessionsResult,
  Unsupported,
} from './daemon.ts';

/**
 * The sessions that the words of a message mean.
 * @throws FtpdctlError `UNKNOWN_HOST`, `USAGE`
 */
export async function meant(
  [kind, name = '']: AudienceWords,
  sessions: readonly Session[],
): Promise<readonly Session[]> {
  switch (kind) {
    case 'all':
      return sessions;
    case 'host':
      return sessions.filter(audienceFilter(await hostAudience(name)));
    case 'user':
    case 'class':
      return sessions.filter(audienceFilter({kind, name}));
    case 'session':
      return sessions.filter(({id, pid}) => id === name || String(pid) === name);
    default:
      throw new FtpdctlError('USAGE', `unknown msg type requested: '${kind}'`, -STATUS.WRONG_PARAMETERS);
  }
}

/** What `kick` takes a name of; `session` is ours. */
export const KICK_AUDIENCES: readonly string[] = ['user', 'host', 'class'];

/** Words of `kick` after the first: names, and among them `-n COUNT`, the most sessions of each that are ended. */
export function kickWords(words: readonly string[]): {names: readonly string[]; limit: number} {
  const at = words.indexOf('-n');
  if (at === -1) return {names: words, limit: Number.POSITIVE_INFINITY};
  const count = Number.parseInt(words[at + 1] ?? '', 10);
  return {
    names: [...words.slice(0, at), ...words.slice(at + 2)],
    limit: count > 0 ? count : Number.POSITIVE_INFINITY,
  };
}

/**
 * Whom `kick` would end among the sessions there are.
 * @throws FtpdctlError `UNKNOWN_HOST`, `USAGE`
 */
export async function kickTargetsAmong(
  result: SessionsResult,
  words: readonly string[],
): Promise<DeliveryResult | Unsupported> {
  if (result.kind === 'unsupported') return result;
  if (result.kind === 'refused') return {kind: 'answered', answer: result.answer};
  const sessions = await meantByKick(words, result.sessions);
  const [verdict, line] =
    sessions.length === 0
      ? [STATUS.SUBJECT_NOT_FOUND, 'no such client connected']
      : [STATUS.OK, `would end ${countOf(sessions.length, 'session')}`];
  const answer = {status: verdict, verdict, responses: [line]};
  return {kind: 'answered', answer, recipients: sessions.length, sessions};
}

async function meantByKick(
  [kind = '', ...rest]: readonly string[],
  sessions: readonly Session[],
): Promise<readonly Session[]> {
  const {names, limit} = kind === 'session' ? {names: rest.slice(0, 1), limit: 1} : kickWords(rest);
  if ((kind !== 'session' && !KICK_AUDIENCES.includes(kind)) || names.length === 0) {
    const usage = 'kick user|host|class [-n COUNT] NAME..., or kick session ID';
    throw new FtpdctlError('USAGE', 'kick: nobody is named', -STATUS.WRONG_PARAMETERS, {hint: usage});
  }
  const found = await Promise.all(names.map((name) => meant([kind, name], sessions)));
  return [...new Set(found.flatMap((each) => each.slice(0, limit)))];
}

/** Of a kind and names: what a session is called that was probably meant by one that is none's. */
export function nearestName(
  [kind, ...names]: AudienceWords,
  sessions: readonly Session[],
): string | undefined {
  const known = new Set(sessions.flatMap((session) => namesOf(kind, session)));
  for (const name of names) {
    if (known.has(name)) continue;
    const cut = asInScoreboard(name);
    const near = known.has(cut) ? cut : nearMiss(name, known);
    if (near !== undefined) return near;
  }
  return undefined;
}

/** What a session may be called by. */
function namesOf(kind: string | undefined, {id, user, host, address, class: className}: Session): string[] {
  switch (kind) {
    case 'user':
      return [user ?? NOT_LOGGED_IN];
    case 'host':
      return [host, address];
    case 'class':
      return className === null ? [] : [className];
    case 'session':
      return [id];
    default:
      return [];
  }
}

/** The sessions that meet every name given. @throws FtpdctlError `UNKNOWN_HOST` where the host's name does not resolve */
export async function matching(
  {user, host, class: className}: SessionFilter,
  sessions: readonly Session[],
): Promise<readonly Session[]> {
  const audiences: Audience[] = [
    ...(user === undefined ? [] : [{kind: 'user' as const, name: user}]),
    ...(className === undefined ? [] : [{kind: 'class' as const, name: className}]),
    ...(host === undefined ? [] : [await hostAudience(host)]),
  ];
  const filters = audiences.map(audienceFilter);
  return sessions.filter((session) => filters.every((isMeant) => isMeant(session)));
}

/** A host by all of its addresses, as mod_msg has it. @throws FtpdctlError `UNKNOWN_HOST`, exit status 4 */
async function hostAudience(name: string): Promise<Audience> {
  // Loading it sets up a resolver of its own, which takes milliseconds.
  const {lookup} = await import('node:dns/promises');
  try {
    const found = await lookup(name, {all: true});
    return {kind: 'host', name, addresses: found.map(({address}) => address)};
  } catch (cause) {
    throw new FtpdctlError(
      'UNKNOWN_HOST',
      `the host name "${name}" does not resolve`,
      exitStatusOf(STATUS.SUBJECT_NOT_FOUND),
      {cause, hint: 'give the address'},
    );
  }
}
