import {countOf} from '../../text.ts';
import {nameService} from '../../transport/nameService.ts';
import type {DrainEvent, PlannedGate, PlannedStep} from './events.ts';
import {clockTime, clockTimeFrom} from './plan.ts';
import type {DrainPhase} from './record.ts';

/** An event in words, a line each. */
export function wordsOf(event: DrainEvent): readonly string[] {
  switch (event.event) {
    case 'plan':
      return planWords(event);
    case 'started':
      return startedWords(event);
    case 'warning':
      return [`told ${recipients(event.sessions)}: ${event.message}`];
    case 'warning-failed':
      return [`warning not sent: ${event.reason}`];
    case 'logins-closed':
      return [`logins are closed (${event.by === 'shutmsg' ? '/etc/shutmsg' : 'down'})`];
    case 'ending':
      return [`ending ${sessionsAndTransfers(event)}`];
    case 'ending-failed':
      return [`not ended: ${event.reason}`];
    case 'sessions':
      return [`${countOf(event.ended, 'session')} ended, ${sessionsAndTransfers(event)} left`];
    case 'grace-over':
      return [`the time for transfers is over: ending ${sessionsAndTransfers(event)}`];
    case 'drained':
      return ['nobody is left'];
    case 'remaining':
      return [remainingWords(event)];
    case 'command':
      return [
        event.status === 0 ? `done: ${event.command}` : `failed (${statusWords(event)}): ${event.command}`,
      ];
    case 'logins-kept-closed':
      return ['logins stay closed until "ftpdctl drain --cancel"'];
    case 'logins-opened':
      return ['logins are open'];
    case 'logins-still-closed':
      return [`logins stay closed: ${event.reason}`];
    case 'cancelled':
      return [`called off (${event.by})`];
    case 'told':
      return [`told ${recipients(event.sessions)}: ${event.message}`];
    case 'telling-failed':
      return [`nobody was told: ${event.reason}`];
    case 'drain':
      return drainWords(event);
    case 'none':
      return [noneWords(event)];
    case 'exit':
      return [];
    case 'error':
      return [
        event.error['hint']
          ? `${event.error['message']} (${event.error['hint']})`
          : `${event.error['message']}`,
      ];
  }
}

/** Whether it is told on standard error, with `-q`, too. */
export function isFailure({event}: DrainEvent): boolean {
  return FAILURES.has(event);
}

const FAILURES = new Set<DrainEvent['event']>([
  'warning-failed',
  'ending-failed',
  'remaining',
  'logins-still-closed',
  'telling-failed',
  'error',
]);

type Of<E extends DrainEvent['event']> = Extract<DrainEvent, {event: E}>;

function planWords({steps, closes, command, reopen, cannot, sessions, end}: Of<'plan'>): string[] {
  const now = steps[0]?.at ?? end;
  const after = [
    ...(command === undefined ? [] : [`then, when nobody is left: ${command}`]),
    ...(closes === undefined ? [] : [reopen ? 'then logins are opened again' : KEPT_CLOSED]),
  ];
  return [
    `now: ${sessions === null ? 'nobody can see who is connected' : `${countOf(sessions.length, 'session')}`}`,
    ...steps.flatMap((step) =>
      stepWords(step, closes).map((line) => `${clockTimeFrom(step.at, now)}  ${line}`),
    ),
    ...after,
    ...cannotWords(cannot),
  ];
}

function cannotWords(cannot: readonly string[]): string[] {
  return cannot.map((reason) => `cannot be done: ${reason}`);
}

/** Without pid and seconds: hosts that have begun in the same minute say the same. */
function startedWords({startedAt, end, cut, cannot}: Of<'started'>): string[] {
  const [ended, over] = [end, cut].map((time) => clockTimeFrom(time, startedAt).slice(0, -3));
  return [
    `the drain has begun, and goes on by itself: end ${ended}, for transfers ${over}`,
    ...cannotWords(cannot),
  ];
}

const KEPT_CLOSED = 'then logins stay closed until "ftpdctl drain --cancel"';

function stepWords({step, message}: PlannedStep, closes: PlannedGate | undefined): string[] {
  switch (step) {
    case 'warn':
      return [`tell everybody: ${message}`];
    case 'close':
      return closes === undefined ? [] : [gateWords(closes)];
    case 'end':
      return ['end the sessions that are in no transfer'];
    case 'cut':
      return ['end those that still are'];
  }
}

function gateWords(gate: PlannedGate): string {
  if (gate.by === 'down') return `take down ${gate.servers.join(', ')}`;
  const daemons = gate.daemons.map(
    ({pid, ports}) => `pid ${pid}${ports.length === 0 ? '' : ` (port ${ports.join(', ')})`}`,
  );
  return `close logins by ${gate.path}, to every ProFTPD of this machine: ${daemons.join(', ')}`;
}

function recipients(sessions: number | null): string {
  return sessions === null ? 'everybody' : countOf(sessions, 'session');
}

function sessionsAndTransfers({
  sessions,
  transfers,
}: {
  readonly sessions: number;
  readonly transfers: number;
}): string {
  return `${countOf(sessions, 'session')}${transfers === 0 ? '' : `, ${transfers} of them in a transfer`}`;
}

function remainingWords({sessions, unlisted}: Of<'remaining'>): string {
  if (sessions === null) return 'nobody can see who is left';
  const others = unlisted === 0 ? [] : [`${countOf(unlisted, 'session')} that the scoreboard does not have`];
  if (sessions.length === 0) return `still there: ${others.join()}`;
  const names = sessions.slice(0, 5).map(({user, host, pid}) => `${user ?? '(none)'}@${host} (pid ${pid})`);
  const more = sessions.length > names.length ? ' and others' : '';
  const left = `${countOf(sessions.length, 'session')} still there: ${names.join(', ')}${more}`;
  return [left, ...others].join(', and ');
}

function statusWords({status}: Of<'command'>): string {
  return status === null ? 'ended by a signal' : `exit status ${status}`;
}

const PHASES: Readonly<Record<DrainPhase, string>> = {
  warning: 'warnings are sent',
  closed: 'warnings are sent',
  ending: 'sessions are being ended',
  command: 'nobody is left, and the command runs',
  over: 'over',
  opening: 'being taken back',
};

function drainWords({
  pid,
  uid,
  isRunning,
  startedAt,
  end,
  cut,
  phase,
  loginsClosed,
  message,
}: Of<'drain'>): string[] {
  const state = isRunning ? 'under way' : phase === 'over' ? 'over' : 'left behind: its process was ended';
  return [
    `drain of ${userName(uid)} (pid ${pid}, since ${clockTime(startedAt)}): ${state}`,
    `end ${clockTimeFrom(end, startedAt)}, for transfers ${clockTimeFrom(cut, startedAt)}`,
    `${PHASES[phase]}; logins are ${loginsClosed ? 'closed' : 'open'}`,
    `message: ${message}`,
  ];
}

function noneWords({shutmsg, text}: Of<'none'>): string {
  if (shutmsg === 'none') return 'no drain';
  if (shutmsg === 'ours') return `logins are closed by /etc/shutmsg of an earlier drain: "${text}"`;
  return `no drain, but /etc/shutmsg of somebody else keeps logins closed: "${text}"`;
}

export function userName(uid: number): string {
  return nameService.userOf(uid)?.name ?? `uid ${uid}`;
}

/** One line while a drain goes on, from the longest to the shortest that says enough. */
export function progressTexts(
  time: string,
  what: string,
  sessions: readonly {
    readonly command: string | null;
    readonly transfer: {readonly direction: string} | null;
  }[],
  next: string | undefined,
): string[] {
  const of = (direction: string) => sessions.filter(({transfer}) => transfer?.direction === direction).length;
  const busy = sessions.filter(({command, transfer}) => transfer === null && command !== null).length;
  const doing = [
    [of('download'), 'downloading'],
    [of('upload'), 'uploading'],
    [busy, 'busy'],
    [sessions.filter(({command, transfer}) => transfer === null && command === null).length, 'idle'],
  ].flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]));
  const people = countOf(sessions.length, 'session');
  const then = next === undefined ? '' : `, next: ${next}`;
  return [
    `${time} ${what}, ${people}${doing.length === 0 ? '' : ` (${doing.join(', ')})`}${then}`,
    `${time} ${what}, ${people}${then}`,
    `${time} ${what}, ${people}${then.replace(' next:', '')}`,
    `${time} ${what}, ${people}`,
    `${time}, ${people}`,
  ];
}
