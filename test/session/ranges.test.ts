import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {MAX_RANGES} from '../../src/lib/session/limits.ts';
import {pick, toRanges} from '../../src/lib/session/schema.ts';

describe('toRanges', () => {
  it.each([
    [[], []],
    [[7], [[7, 7]]],
    [[1, 2, 3], [[1, 3]]],
    [[3, 1, 2, 9, 10, 2], [[1, 3, 9, 10]]],
    [[2 ** 40, 1], [[1, 1, 2 ** 40, 2 ** 40]]],
  ])('%j is %j', (numbers, ranges) => {
    expect(toRanges(numbers)).toEqual(ranges);
  });

  it('starts another list when one is full', () => {
    const odd = Array.from({length: 2 * MAX_RANGES + 1}, (_, at) => 2 * at + 1);
    expect(toRanges(odd).map(({length}) => length)).toEqual([2 * MAX_RANGES, 2 * MAX_RANGES, 2]);
  });

  it('loses no number and invents none', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({max: 300})),
        fc.uniqueArray(fc.nat({max: 300})),
        (numbers, known) => {
          const map = new Map(known.map((number) => [number, number]));
          const picked = toRanges(numbers).flatMap((ranges) => [...pick(ranges, map)]);
          expect(new Set(picked)).toEqual(new Set(numbers.filter((number) => map.has(number))));
          expect(picked).toHaveLength(new Set(picked).size);
        },
      ),
    );
  });
});

describe('pick', () => {
  const known = new Map([1, 2, 5].map((number) => [number, `s${number}`]));

  it.each([
    [
      [1, Number.MAX_SAFE_INTEGER],
      ['s1', 's2', 's5'],
    ],
    [[5, 1], []],
    [[2], []],
    [[2, 3, 4], ['s2']],
  ])('takes no harm from %j', (ranges, picked) => {
    expect([...pick(ranges, known)]).toEqual(picked);
  });
});
