import {countOf} from '../../text.ts';
import {UsageError} from '../options/usageError.ts';

/** What is to happen, and when. Times are milliseconds since the epoch, durations milliseconds. */
export interface DrainPlan {
  /** Sessions that are in no transfer end. */
  readonly end: number;
  /** So do those that are. */
  readonly cut: number;
  /** In the order of their times. */
  readonly steps: readonly DrainStep[];
  /** What is said, with `{left}` where the time left stands. */
  readonly message: string;
  /** Nobody is told anything but the 421 at the end. */
  readonly isSilent: boolean;
}

export type DrainStep =
  /** Tell everybody how much time is left. */
  | {readonly kind: 'warn'; readonly at: number; readonly left: number}
  /** Let nobody in any more. */
  | {readonly kind: 'close'; readonly at: number}
  /** Tell those in a transfer, and end the others. */
  | {readonly kind: 'end'; readonly at: number}
  /** End who is left. */
  | {readonly kind: 'cut'; readonly at: number};

/** What a person has asked for, as it was written. */
export interface DrainTimes {
  readonly in?: string | undefined;
  readonly at?: string | undefined;
  readonly now?: boolean | undefined;
  /** Times before the end, separated by commas. */
  readonly warn?: string | undefined;
  readonly 'no-warn'?: boolean | undefined;
  /** How long before the end logins are closed. */
  readonly close?: string | undefined;
  /** How long transfers may go on after the end. */
  readonly grace?: string | undefined;
  readonly message?: string | undefined;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const DEFAULT_WARN = '60m,30m,15m,10m,5m,2m,1m';
const DEFAULT_CLOSE = '5m';
const DEFAULT_GRACE = '10m';
const LEFT = '{left}';
const DEFAULT_MESSAGE = `This server will be going offline for maintenance ${LEFT}`;

/** Beyond it `/etc/shutmsg` would let somebody in, or end everybody too early. */
const MAX_OFFSET_MS = DAY_MS;
/** The longest time that the options take. */
const MAX_IN_MS = 365 * DAY_MS;

/**
 * What a person has asked for, as steps.
 * @param now milliseconds since the epoch
 * @throws UsageError
 */
export function planDrain(times: DrainTimes, now: number): DrainPlan {
  const end = endOf(times, now);
  const grace = duration('--grace', times.grace ?? DEFAULT_GRACE, MAX_OFFSET_MS);
  const close = end - duration('--close', times.close ?? DEFAULT_CLOSE, MAX_OFFSET_MS);
  const isSilent = times['no-warn'] === true;
  if (isSilent && times.warn !== undefined) throw new UsageError('--no-warn and --warn exclude each other');
  const warnings = isSilent ? [] : warningsOf(times.warn ?? DEFAULT_WARN);
  const steps: DrainStep[] = [
    ...warnings
      .filter((left) => end - left >= now)
      .map((left) => ({kind: 'warn', at: end - left, left}) as const),
    {kind: 'close', at: Math.max(now, close)},
  ];
  steps.sort((a, b) => a.at - b.at);
  const cut = end + grace;
  return {
    end,
    cut,
    steps: [...steps, {kind: 'end', at: end}, {kind: 'cut', at: cut}],
    message: checkedMessage(times.message),
    isSilent,
  };
}

function endOf(times: DrainTimes, now: number): number {
  const given = [times.in !== undefined, times.at !== undefined, times.now === true].filter(Boolean).length;
  if (given !== 1) {
    const why = given === 0 ? 'drain: when is not said' : '--in, --at and --now exclude each other';
    throw new UsageError(why, 'ftpdctl drain --in 30m, --at 18:00 or --now');
  }
  if (times.now) return now;
  return times.in === undefined ? nextTime(times.at!, now) : now + duration('--in', times.in, MAX_IN_MS);
}

function warningsOf(text: string): number[] {
  const offsets = text.split(',').map((each) => duration('--warn', each, MAX_IN_MS));
  return [...new Set(offsets)].filter((offset) => offset > 0);
}

const UNITS: Readonly<Record<string, number>> = {s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS};

/** `90s`, `15m`, `1h30m`. @throws UsageError */
function duration(option: string, text: string, most: number): number {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * UNITS[unit!]!, 0);
  if (!isWhole)
    throw new UsageError(`${option} wants a time, not "${text}"`, 'for example 90s, 15m, 2h or 1h30m');
  if (sum > most) throw new UsageError(`${option}: ${text} is too long`, `at most ${spokenDuration(most)}`);
  return sum;
}

/** By how much clocks are put back, in all the world: what they have shown they show again so much later. */
const PUT_BACK_MS = [0, 30 * MINUTE_MS, HOUR_MS];

/** The next time that the clock shows that: on a day that it is put forward, perhaps not at all. @throws UsageError */
function nextTime(text: string, now: number): number {
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)];
  const isTime = hour < 24 && minute < 60 && second < 60;
  if (!isTime) throw new UsageError(`--at wants a time of day, not "${text}"`, 'for example 18:00');
  const isShown = (time: Date) => time.getHours() === hour && time.getMinutes() === minute;
  const times = [0, 1, 2].flatMap((days) => {
    const time = new Date(now);
    time.setDate(time.getDate() + days);
    time.setHours(hour, minute, second, 0);
    return PUT_BACK_MS.map((later) => new Date(time.getTime() + later)).filter(isShown);
  });
  // The second that it is now is not tomorrow's.
  const thisSecond = now - (now % SECOND_MS);
  return Math.min(...times.map((time) => time.getTime()).filter((time) => time >= thisSecond));
}

/** @throws UsageError */
function checkedMessage(text: string = DEFAULT_MESSAGE): string {
  if (text.trim() === '') throw new UsageError('--message is empty', 'say something, or use --no-warn');
  if (/[\r\n\0]/.test(text)) throw new UsageError('--message wants one line');
  return text.includes(LEFT) ? text : `${text} (${LEFT})`;
}

/** The message with the time left in it: `in 5 minutes`, `now`. */
export function messageWith({message}: Pick<DrainPlan, 'message'>, left: number): string {
  return message.replaceAll(LEFT, left > 0 ? `in ${spokenDuration(left)}` : 'now');
}

/** What is true before the end and after it: `at 18:00`. */
export function messageAtEnd({message, end}: Pick<DrainPlan, 'message' | 'end'>): string {
  return message.replaceAll(LEFT, `at ${clockTime(end).slice(0, -3)}`);
}

/** `18:00:00`, by the clock of this machine. */
export function clockTime(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** The same, with the day where it is not today's. */
export function clockTimeFrom(time: number, now: number): string {
  const date = new Date(time);
  if (date.toDateString() === new Date(now).toDateString()) return clockTime(time);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${day.join('-')} ${clockTime(time)}`;
}

const SPOKEN = [
  ['day', DAY_MS],
  ['hour', HOUR_MS],
  ['minute', MINUTE_MS],
  ['second', SECOND_MS],
] as const;

/** `5 minutes`, `1 hour 30 minutes`: the two largest units that count. */
function spokenDuration(ms: number): string {
  let left = Math.round(ms / SECOND_MS) * SECOND_MS;
  const parts = SPOKEN.flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left %= size;
    return count === 0 ? [] : [countOf(count, unit)];
  });
  return parts.slice(0, 2).join(' ') || '0 seconds';
}

/** `4:32`, `1:04:32`: time left, for a line that is drawn again and again. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'));
  const hours = Math.floor(seconds / 3600);
  return hours > 0 ? `${hours}:${parts.join(':')}` : parts.join(':').replace(/^0/, '');
}
