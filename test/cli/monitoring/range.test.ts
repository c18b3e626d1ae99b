import {describe, expect, test} from 'vitest';
import {isWithin, parseRange} from '../../../src/lib/cli/monitoring/range.ts';

/** The examples of the Monitoring Plugins' guidelines, and what a value must be to be as expected. */
describe.each<[string, readonly number[], readonly number[]]>([
  ['10', [0, 5, 10], [-1, 11]],
  ['10:', [10, 1000], [9, -1]],
  ['~:10', [10, -1000], [11]],
  ['10:20', [10, 15, 20], [9, 21]],
  ['@10:20', [9, 21], [10, 15, 20]],
  ['0', [0], [1, -1]],
  ['~:', [-5, 5], []],
  ['-5:-1', [-5, -1], [0, -6]],
  ['1.5', [0, 1.5], [1.6]],
  ['@5', [6, -1], [0, 5]],
])('%s', (text, inside, outside) => {
  const range = parseRange('-w', text);
  test.each(inside)('%d is as expected', (value) => expect(isWithin(range, value)).toBe(true));
  test.each(outside)('%d is not', (value) => expect(isWithin(range, value)).toBe(false));
});

test.each([
  '',
  '@',
  ':',
  ':10',
  'a',
  '10:5',
  '5%',
  '10:20:30',
  '1e3',
  ' 5',
  '~',
  '@~',
])('%j is no range', (text) => {
  expect(() => parseRange('-w', text)).toThrow(expect.objectContaining({code: 'USAGE', exitStatus: 3}));
});
