import {kickWords} from '../daemon/audience.ts';
import type {SessionFilter, SessionsResult} from '../daemon/daemon.ts';
import {countOf} from '../text.ts';
import {nearestConnected, type SendTools} from './message/send.ts';
import type {Ask} from './options/ask.ts';
import type {GlobalOptions} from './options/flags.ts';
import {didYouMean, UsageError, unsupported} from './options/usageError.ts';
import {printError, printJson, printLine} from './output/output.ts';
import {sessionTable} from './output/sessionTable.ts';
import {watch} from './output/terminal.ts';

export interface WhoOptions extends GlobalOptions, SessionFilter {
  /** Milliseconds between two looks. */
  readonly watch?: number | undefined;
}

export interface WhoTools {
  readonly ask: Ask;
  /** Print the answer of a daemon that does not say. */
  readonly refuse: (answer: Extract<SessionsResult, {kind: 'refused'}>['answer']) => void;
}

/** List the sessions once, or until Ctrl-C. @throws FtpdctlError where the daemon cannot say */
export async function listSessions(options: WhoOptions, {ask, refuse}: WhoTools): Promise<void> {
  const {user, host, class: className} = options;
  const look = async () => {
    const result = await ask((daemon) => daemon.sessions({user, host, class: className}));
    if (result.kind === 'unsupported') throw unsupported(result);
    return result;
  };
  if (options.watch !== undefined) return watchSessions(look, options, options.watch);
  const result = await look();
  if (result.kind === 'refused') return refuse(result.answer);
  const {sessions, omitted} = result;
  if (options.json) printJson({sessions, omitted, exitStatus: 0});
  else if (!options.quiet) process.stdout.write(sessionTable(sessions));
  if (omitted > 0) printError(`and ${countOf(omitted, 'session')} more`);
}

/** What ends the watching, in good order. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function watchSessions(
  look: () => Promise<SessionsResult>,
  {json, quiet}: GlobalOptions,
  interval: number,
): Promise<void> {
  if (json || quiet || !process.stdout.isTTY) {
    throw new UsageError(
      '--watch needs a terminal, and neither -q nor --json',
      'ask again and again instead',
    );
  }
  const stop = new AbortController();
  const end = () => stop.abort();
  for (const signal of ENDS) process.on(signal, end);
  try {
    await watch(async () => frame(await look(), interval), interval, stop.signal);
  } finally {
    for (const signal of ENDS) process.off(signal, end);
  }
}

function frame(result: SessionsResult, interval: number): string {
  const ends = `every ${interval / 1000} s, Ctrl-C ends`;
  if (result.kind !== 'sessions') {
    const why = result.kind === 'refused' ? result.answer.responses.join('; ') : result.reason;
    return `${ends}\n\n${why}`;
  }
  const {sessions, omitted} = result;
  const table = sessionTable(sessions, Number.POSITIVE_INFINITY);
  return `${countOf(sessions.length + omitted, 'session')}, ${ends}\n\n${table}`.trimEnd();
}

/** What the words after `kick` may begin with. */
const KICKED = ['user', 'host', 'class', 'session'] as const;
const KICK_USAGE = 'ftpdctl kick user|host|class [-n COUNT] NAME..., or ftpdctl kick session ID';

/** @throws UsageError for words that every server refuses, a ProFTPD at its next poll */
function checkKick([kind, ...names]: readonly string[]): void {
  if (kind === undefined) throw new UsageError('kick: missing required parameters', KICK_USAGE);
  if (!KICKED.some((known) => known === kind)) {
    const hint = kind === 'all' ? 'nothing ends all at once; ftpdctl who lists them' : KICK_USAGE;
    throw new UsageError(`kick: unknown kind of session "${kind}"`, didYouMean(kind, KICKED, hint));
  }
  if (kind === 'session' && names.length > 1)
    throw new UsageError('kick session: one id is wanted', KICK_USAGE);
  if (names.length > 0) return;
  const missing = kind === 'session' ? 'id' : `${kind} name`;
  throw new UsageError(`kick ${kind}: missing required ${missing}`, KICK_USAGE);
}

/** The options of `kick`. */
export interface KickOptions extends GlobalOptions {
  readonly 'dry-run': boolean;
}

/**
 * End sessions, and report how many have ended; or say whom it would be.
 * @param words those after `kick`
 * @throws FtpdctlError where what answers cannot end one session, or cannot say who is there
 */
export async function kickSessions(
  words: readonly string[],
  options: KickOptions,
  {ask, report}: SendTools,
): Promise<void> {
  checkKick(words);
  const request = {action: 'kick', args: words};
  const named = [...words.slice(0, 1), ...kickWords(words.slice(1)).names];
  if (options['dry-run']) {
    const result = await ask((daemon) => daemon.kickTargets(words));
    if (result.kind === 'unsupported')
      throw unsupported({...result, reason: `${result.reason}; nobody was ended`});
    const hint = await nearestConnected(named, result.answer, ask);
    const {sessions = []} = result;
    report(request, result.answer, {hint, fields: {sessions}});
    if (sessions.length > 0 && !options.json && !options.quiet) process.stdout.write(sessionTable(sessions));
    return;
  }
  const result = await ask((daemon) => daemon.kick(words));
  if (result.kind === 'unsupported') throw unsupported(result);
  const {answer, ended, meant} = result;
  const counts = ended === undefined || meant === undefined ? undefined : {ended, meant};
  report(request, answer, {
    hint: await nearestConnected(named, answer, ask),
    ...(counts && {fields: counts}),
  });
  if (counts && answer.via !== 'direct' && !options.json && !options.quiet) {
    printLine(`ended ${counts.ended} of ${countOf(counts.meant, 'session')}`);
  }
}
