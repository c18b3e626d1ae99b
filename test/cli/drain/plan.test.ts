import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {
  clockTime,
  clockTimeFrom,
  countdown,
  type DrainTimes,
  messageAtEnd,
  messageWith,
  planDrain,
} from '../../../src/lib/cli/drain/plan.ts';

const NOW = new Date(2026, 10, 28, 17, 30, 0).getTime();
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The steps, in minutes from now. */
const stepsOf = (times: DrainTimes) =>
  planDrain(times, NOW).steps.map(({kind, at}) => `${kind} ${(at - NOW) / MINUTE}`);

describe('the steps', () => {
  test.each([
    [{in: '30m'}, 'warn 0, warn 15, warn 20, warn 25, close 25, warn 28, warn 29, end 30, cut 40'],
    [{in: '2m'}, 'warn 0, close 0, warn 1, end 2, cut 12'],
    [{in: '1h30m', warn: '15m,1m', close: '2m', grace: '1h'}, 'warn 75, close 88, warn 89, end 90, cut 150'],
    [{at: '18:00', 'no-warn': true}, 'close 25, end 30, cut 40'],
    [{at: '17:29', 'no-warn': true, grace: '0s'}, 'close 1434, end 1439, cut 1439'],
    [{now: true}, 'close 0, end 0, cut 10'],
    [{in: '1m', warn: '0s,30s,30s'}, 'close 0, warn 0.5, end 1, cut 11'],
  ] satisfies readonly (readonly [DrainTimes, string])[])('%j', (times, expected) => {
    expect(stepsOf(times)).toEqual(expected.split(', '));
  });

  test.each([0, 999])('the same second that it is now is not tomorrow’s (%i ms of it)', (ms) => {
    const {end} = planDrain({at: '17:30:00', 'no-warn': true}, NOW + ms);
    expect(end).toBe(NOW);
  });
});

describe('a time of day is the next that the clock shows', () => {
  const {TZ} = process.env;
  beforeAll(() => {
    process.env['TZ'] = 'Europe/Berlin';
  });
  afterAll(() => {
    if (TZ === undefined) delete process.env['TZ'];
    else process.env['TZ'] = TZ;
  });

  test.each([
    // Put back at 3:00 of summer time (+02:00) to 2:00 (+01:00), when it shows the hour a second time.
    ['2026-10-25T01:00:00+02:00', '02:30', '2026-10-25T02:30:00+02:00'],
    ['2026-10-25T02:45:00+02:00', '02:30', '2026-10-25T02:30:00+01:00'],
    ['2026-10-25T02:45:00+01:00', '02:30', '2026-10-26T02:30:00+01:00'],
    ['2026-10-24T18:00:00+02:00', '03:00', '2026-10-25T03:00:00+01:00'],
    // Put forward at 2:00 (+01:00) to 3:00 of summer time: nothing is shown of the hour in between.
    ['2027-03-28T01:00:00+01:00', '02:30', '2027-03-29T02:30:00+02:00'],
    ['2027-03-28T01:00:00+01:00', '03:00', '2027-03-28T03:00:00+02:00'],
    ['2027-03-27T23:30:00+01:00', '00:00', '2027-03-28T00:00:00+01:00'],
  ])('at %s, %s is %s', (now, at, end) => {
    expect(new Date(planDrain({at}, Date.parse(now)).end)).toEqual(new Date(end));
  });
});

describe('what is refused', () => {
  test.each([
    [{}, 'when is not said'],
    [{in: '5m', now: true}, 'exclude each other'],
    [{in: '5m', at: '18:00'}, 'exclude each other'],
    [{in: '5'}, '--in wants a time, not "5"'],
    [{in: ''}, '--in wants a time'],
    [{in: '5m '}, '--in wants a time'],
    [{in: 'm5'}, '--in wants a time'],
    [{in: '400d'}, 'too long'],
    [{in: '2d', close: '25h'}, '--close: 25h is too long'],
    [{in: '5m', grace: '1d1s'}, '--grace: 1d1s is too long'],
    [{in: '5m', warn: '1m,'}, '--warn wants a time, not ""'],
    [{in: '5m', warn: '1m', 'no-warn': true}, 'exclude each other'],
    [{at: '24:00'}, '--at wants a time of day'],
    [{at: '18:60'}, '--at wants a time of day'],
    [{at: 'noon'}, '--at wants a time of day'],
    [{in: '5m', message: ' '}, '--message is empty'],
    [{in: '5m', message: 'a\nb'}, '--message wants one line'],
  ] satisfies readonly (readonly [DrainTimes, string])[])('%j', (times, why) => {
    expect(() => planDrain(times, NOW)).toThrow(why);
  });
});

describe('the message', () => {
  const plan = (message?: string) => planDrain({in: '30m', message}, NOW);

  test.each([
    [90 * MINUTE, 'in 1 hour 30 minutes'],
    [5 * MINUTE, 'in 5 minutes'],
    [MINUTE, 'in 1 minute'],
    [90 * SECOND, 'in 1 minute 30 seconds'],
    [24 * HOUR + 61 * SECOND, 'in 1 day 1 minute'],
    [0, 'now'],
  ])('%i ms left: %s', (left, said) => {
    expect(messageWith(plan(), left)).toBe(`This server will be going offline for maintenance ${said}`);
  });

  test('has the time where it is wanted, else at its end', () => {
    expect(messageWith(plan('{left}: new disks, {left}!'), MINUTE)).toBe(
      'in 1 minute: new disks, in 1 minute!',
    );
    expect(messageWith(plan('new disks'), MINUTE)).toBe('new disks (in 1 minute)');
  });

  test('is true after the end, too', () => {
    expect(messageAtEnd(plan('off {left}'))).toBe('off at 18:00');
  });
});

test('times of a clock', () => {
  expect(clockTime(NOW)).toBe('17:30:00');
  expect(clockTimeFrom(NOW + HOUR, NOW)).toBe('18:30:00');
  expect(clockTimeFrom(NOW + 24 * HOUR, NOW)).toBe('2026-11-29 17:30:00');
  expect([0, 999, 61_000, 3_600_000, -5].map(countdown)).toEqual(['0:00', '0:01', '1:01', '1:00:00', '0:00']);
});
