import {UsageError} from './usageError.ts';

/** The longest time a timer of Node takes, in seconds. */
const MAX_SECONDS = 2_147_483;

/** Seconds as a person writes them, in milliseconds. @throws UsageError unless a number above 0. */
export function parseSeconds(option: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new UsageError(`${option} wants a number of seconds, not "${text}"`, `for example ${option}=30`);
  }
  return Math.ceil(seconds * 1000);
}
