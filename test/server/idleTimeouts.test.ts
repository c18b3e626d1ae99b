import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {IdleTimeouts} from '../../src/lib/server/request/idleTimeouts.ts';

let evicted: string[];
let timeouts: IdleTimeouts<string>;

beforeEach(() => {
  vi.useFakeTimers();
  evicted = [];
  timeouts = new IdleTimeouts({most: 3, timeout: 100, ownerOf: (one) => one.charCodeAt(0)}, (one) =>
    evicted.push(one),
  );
});
afterEach(() => vi.useRealTimers());

test('whoever has waited too long must go, in the order of arrival', () => {
  timeouts.add('a');
  vi.advanceTimersByTime(60);
  timeouts.add('b');
  vi.advanceTimersByTime(39);
  expect(evicted).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(evicted).toEqual(['a']);
  vi.advanceTimersByTime(60);
  expect(evicted).toEqual(['a', 'b']);
});

test('whoever has left is not evicted', () => {
  timeouts.add('a');
  timeouts.delete('a');
  vi.advanceTimersByTime(1000);
  expect(evicted).toEqual([]);
  timeouts.add('b');
  vi.advanceTimersByTime(100);
  expect(evicted).toEqual(['b']);
});

test('whoever enters again waits anew', () => {
  timeouts.add('a');
  vi.advanceTimersByTime(60);
  timeouts.add('a');
  vi.advanceTimersByTime(60);
  expect(evicted).toEqual([]);
  vi.advanceTimersByTime(40);
  expect(evicted).toEqual(['a']);
});

test('when there are too many of different users, whoever has waited longest must go', () => {
  for (const one of ['a', 'b', 'c', 'd']) timeouts.add(one);
  expect(evicted).toEqual(['a']);
  expect(timeouts.size).toBe(3);
});

test('when there are too many, the oldest of the user who has most must go', () => {
  for (const one of ['ann', 'e1', 'e2', 'e3', 'bob', 'e4']) timeouts.add(one);
  expect(evicted).toEqual(['e1', 'e2', 'e3']);
  timeouts.delete('e4');
  for (const one of ['b2', 'b3']) timeouts.add(one);
  expect(evicted).toEqual(['e1', 'e2', 'e3', 'bob']);
});
