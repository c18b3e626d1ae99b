import {MAX_RANGES} from './limits.ts';

/** A set of session numbers as a flat list of first and last, ascending: `[1, 10000, 10002, 10002]`. */
export type Ranges = readonly number[];

/** The ranges of `numbers`, in lists of at most `MAX_RANGES` ranges. */
export function toRanges(numbers: Iterable<number>): Ranges[] {
  const lists: number[][] = [];
  let list: number[] = [];
  for (const number of Float64Array.from(numbers).sort()) {
    const last = list.length - 1;
    if (last > 0 && number <= list[last]! + 1) {
      list[last] = number;
      continue;
    }
    if (list.length === 0 || list.length === 2 * MAX_RANGES) {
      list = [];
      lists.push(list);
    }
    list.push(number, number);
  }
  return lists;
}

/** What `known` has for the numbers of `ranges`. At most `known.size` steps a range, however wide it is. */
export function* pick<T>(ranges: Ranges, known: ReadonlyMap<number, T>): Generator<T> {
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const [first, last] = [ranges[at]!, ranges[at + 1]!];
    if (last - first >= known.size) {
      for (const [number, value] of known) if (number >= first && number <= last) yield value;
    } else {
      for (let number = first; number <= last; number++) {
        const value = known.get(number);
        if (value !== undefined) yield value;
      }
    }
  }
}
