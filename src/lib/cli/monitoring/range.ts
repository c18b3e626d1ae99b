import {UsageError} from '../options/usageError.ts';

/**
 * Where a value is as expected, in the grammar of the Monitoring Plugins' guidelines ("Threshold and Ranges"):
 * `10` (0 to 10), `10:`, `~:10` (no lower bound), `10:20`, and `@10:20` (outside of it). Both ends belong to it.
 */
export interface Range {
  /** As it was written. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Expected is what lies outside. */
  readonly isInverted: boolean;
}

const NUMBER = '-?[0-9]+(?:\\.[0-9]+)?';
const RANGE = new RegExp(`^(@?)(?:(~|${NUMBER}):)?(${NUMBER})?$`);

/** @throws UsageError */
export function parseRange(option: string, text: string): Range {
  const [, inverted, from, to] = RANGE.exec(text) ?? [];
  if (inverted === undefined || (from === undefined && to === undefined)) throw notARange(option, text);
  const start = from === '~' ? Number.NEGATIVE_INFINITY : Number(from ?? 0);
  const end = to === undefined ? Number.POSITIVE_INFINITY : Number(to);
  if (start > end) throw notARange(option, text);
  return {text, start, end, isInverted: inverted === '@'};
}

function notARange(option: string, text: string): UsageError {
  return new UsageError(
    `${option}: expected a range such as 50, 10:50, 10:, ~:50 or @10:50, not "${text}"`,
    'the first number is the smaller one',
  );
}

export function isWithin({start, end, isInverted}: Range, value: number): boolean {
  return (value >= start && value <= end) !== isInverted;
}
