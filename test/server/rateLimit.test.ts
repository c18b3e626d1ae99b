import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {RateLimit} from '../../src/lib/server/request/limits.ts';

let limit: RateLimit;
beforeEach(() => {
  vi.useFakeTimers({toFake: ['performance', 'setTimeout']});
  limit = new RateLimit({burst: 3, perSecond: 2});
});
afterEach(() => vi.useRealTimers());

/** How many a user gets at once. */
function takeAll(uid: number): number {
  let count = 0;
  while (limit.take(uid)) count++;
  return count;
}

test('each user has a burst, and then so many a second, up to a burst again', () => {
  expect(takeAll(1)).toBe(3);
  expect(takeAll(2)).toBe(3);
  vi.advanceTimersByTime(499);
  expect(takeAll(1)).toBe(0);
  vi.advanceTimersByTime(1);
  expect(takeAll(1)).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(takeAll(1)).toBe(2);
  vi.advanceTimersByTime(60_000);
  expect(takeAll(1)).toBe(3);
});

test('whoever is refused does not wait the longer for it', () => {
  takeAll(1);
  for (let n = 0; n < 5; n++) {
    vi.advanceTimersByTime(100);
    expect(limit.take(1)).toBe(n === 4);
  }
});

test('what is given back may be taken again, and is never more than a burst', () => {
  limit.giveBack(1);
  expect(takeAll(1)).toBe(3);
  limit.giveBack(1);
  expect(takeAll(1)).toBe(1);
});

test('of so many users, the one who came longest ago is forgotten first', () => {
  const count = 1024;
  for (let uid = 0; uid < count; uid++) takeAll(uid);
  expect(takeAll(0)).toBe(0);
  expect(takeAll(count)).toBe(3);
  // User 1 is the one: user 0 has come again since.
  expect(takeAll(0)).toBe(0);
  expect(takeAll(2)).toBe(0);
  expect(takeAll(1)).toBe(3);
});
