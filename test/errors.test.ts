import {openSync} from 'node:fs';
import {expect, test} from 'vitest';
import {reasonOf} from '../src/lib/errors.ts';

test.each([
  ['/nowhere/at/all', 'no such file or directory'],
  ['/nowhere/one, two', 'no such file or directory'],
  ['/proc/self/status/below', 'not a directory'],
])('what opening %s says', (path, reason) => {
  const open = () => openSync(path, 'r');
  expect(open).toThrow(reason);
  try {
    open();
  } catch (error) {
    expect(reasonOf(error)).toBe(reason);
  }
});

test('what has no words of the system keeps its own', () => {
  expect(reasonOf(new Error('not a regular file'))).toBe('not a regular file');
});
