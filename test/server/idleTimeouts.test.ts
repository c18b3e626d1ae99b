import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {IdleTimeouts} from '../../src/lib/server/request/idleTimeouts.ts';

let dismissed: string[];
let room: IdleTimeouts<string>;

beforeEach(() => {
  vi.useFakeTimers();
  dismissed = [];
  room = new IdleTimeouts({most: 3, patience: 100}, (one) => dismissed.push(one));
});
afterEach(() => vi.useRealTimers());

test('whoever has waited too long must go, in the order of arrival', () => {
  room.enter('a');
  vi.advanceTimersByTime(60);
  room.enter('b');
  vi.advanceTimersByTime(39);
  expect(dismissed).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(dismissed).toEqual(['a']);
  vi.advanceTimersByTime(60);
  expect(dismissed).toEqual(['a', 'b']);
});

test('whoever has left is not dismissed', () => {
  room.enter('a');
  room.leave('a');
  vi.advanceTimersByTime(1000);
  expect(dismissed).toEqual([]);
  room.enter('b');
  vi.advanceTimersByTime(100);
  expect(dismissed).toEqual(['b']);
});

test('whoever enters again waits anew', () => {
  room.enter('a');
  vi.advanceTimersByTime(60);
  room.enter('a');
  vi.advanceTimersByTime(60);
  expect(dismissed).toEqual([]);
  vi.advanceTimersByTime(40);
  expect(dismissed).toEqual(['a']);
});

test('when it is full, whoever has waited longest must go', () => {
  for (const one of ['a', 'b', 'c', 'd']) room.enter(one);
  expect(dismissed).toEqual(['a']);
  expect(room.size).toBe(3);
});
