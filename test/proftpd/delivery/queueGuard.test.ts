import {expect, test} from 'vitest';
import {assessQueue, type QueueState} from '../../../src/lib/proftpd/delivery/queueGuard.ts';

const CAPACITY = 16_384;
const state = (changes: Partial<QueueState> = {}): QueueState => ({
  ...{capacity: CAPACITY, bytes: 0, isUntouched: false, stuck: null},
  ...changes,
});
const stuck = (bytes: number, forLiving: boolean) => state({bytes, stuck: {bytes, forLiving}});

test.each([
  // Measured: 70 bytes to 200 sessions take 0.4 s; 999 bytes 4.7 s.
  ['fits with room to spare', state(), 12, 1000, 'ok'],
  ['the last byte that surely fits', state(), 1, 12_287, 'ok'],
  ['nobody to send to, whatever lies there', stuck(CAPACITY, true), 0, 100, 'ok'],
  ['70 bytes to 200', state(), 200, 70, 'ok'],
  ['999 bytes to 200', state(), 200, 999, 'too much'],
  ['just short of a second', state(), 1, 1000, 'ok'],
  ['2.5 queues more than there is room for', state(), 57, 1000, 'ok'],
  ['a little more than that', state(), 58, 1000, 'too much'],
  ['what lies there may be on its way', state({bytes: 8000}), 9, 1000, 'wait'],
  ['little lies there, little is to come', state({bytes: 500}), 5, 1000, 'ok'],
  ['all was taken meanwhile', state({bytes: 0, stuck: {bytes: 0, forLiving: false}}), 13, 1000, 'ok'],
  [
    'others are at it, but nothing is stuck',
    state({bytes: 8000, stuck: {bytes: 0, forLiving: false}}),
    9,
    1000,
    'ok',
  ],
  ['a full queue of the dead', stuck(16_000, false), 1, 1000, 'no room'],
  ['exactly as much as is left', stuck(CAPACITY - 1001, false), 1, 1000, 'ok'],
  ['one byte too few', stuck(CAPACITY - 1000, false), 1, 1000, 'no room'],
  ['more than any queue', state(), 1, CAPACITY, 'no room'],
  ['beside the dead', stuck(8000, false), 9, 1000, 'ok'],
  ['much, beside the dead', stuck(8000, false), 40, 1000, 'too much'],
  ['a living session that takes nothing', stuck(8000, true), 9, 1000, 'session stuck'],
  ['that session, but room enough', stuck(2000, true), 5, 1000, 'ok'],
  ['much, and nobody ever took anything', state({isUntouched: true}), 13, 1000, 'nobody takes'],
  ['little, and nobody ever took anything', state({isUntouched: true}), 12, 1000, 'ok'],
])('%s', (_name, queue, recipients, bytes, verdict) => {
  const result = assessQueue(queue, recipients, bytes);
  expect(result.kind === 'refuse' ? result.why : result.kind).toBe(verdict);
});

test('a refusal has the numbers', () => {
  expect(assessQueue(state({bytes: 384, stuck: {bytes: 384, forLiving: false}}), 200, 999)).toEqual({
    ...{kind: 'refuse', why: 'too much', need: 200_000, free: 16_000, stuck: 384, capacity: CAPACITY},
    spinMs: 4600,
  });
  expect(assessQueue(state(), 1, CAPACITY)).toMatchObject({spinMs: null});
  expect(assessQueue(state({bytes: 8000}), 9, 1000)).toEqual({kind: 'wait', milliseconds: 600});
});
