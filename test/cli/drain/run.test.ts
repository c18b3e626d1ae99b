import {mkdtempSync, rmSync} from 'node:fs';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import type {DrainEvent} from '../../../src/lib/cli/drain/events.ts';
import {type DrainTimes, planDrain} from '../../../src/lib/cli/drain/plan.ts';
import type {DrainRecord} from '../../../src/lib/cli/drain/record.ts';
import {Drain} from '../../../src/lib/cli/drain/run.ts';
import type {Ask} from '../../../src/lib/cli/options/ask.ts';
import type {Daemon, MaintenanceAbilities} from '../../../src/lib/daemon/daemon.ts';

const MINUTE = 60_000;

/** What the clock shows, and how long it has been, in milliseconds. */
const clock = vi.hoisted(() => ({shown: 0, elapsed: 0}));
vi.mock('node:timers/promises', () => ({
  setTimeout: async (time: number) => {
    clock.shown += time;
    clock.elapsed += time;
  },
}));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync('/tmp/fdrain-');
  clock.shown = new Date(2026, 10, 28, 17, 0, 0).getTime();
  clock.elapsed = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => clock.shown);
  vi.spyOn(performance, 'now').mockImplementation(() => clock.elapsed);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, {recursive: true});
});

const CANNOT = {kind: 'unsupported', reason: 'not here'} as const;

interface Hooks {
  /** Called about once a second while it waits. */
  readonly onTick?: () => void;
  /** Called at each look at the sessions. */
  readonly onLook?: () => void;
  /** Whether somebody is seen, who never ends. */
  readonly isSeen?: boolean;
}

async function run(
  times: DrainTimes,
  {onTick = () => {}, onLook = () => {}, isSeen = false}: Hooks = {},
): Promise<DrainEvent[]> {
  const events: DrainEvent[] = [];
  const abilities: MaintenanceAbilities = {
    logins: CANNOT,
    ending: isSeen ? {kind: 'supported'} : CANNOT,
    seesTransfers: true,
  };
  const daemon = {
    message: async () => ({answer: {verdict: 0, responses: []}, recipients: 1}),
    sessions: async () => ({
      kind: 'sessions',
      sessions: [{id: '1-a', pid: 1, command: null, transfer: null}],
    }),
    maintenance: async () => ({identity: null, endSessions: async () => {}}),
  } as unknown as Daemon;
  const ask: Ask = (work) => work(daemon);
  const plan = planDrain(times, Date.now());
  const tools = {
    ask,
    emit: (event: DrainEvent) => events.push(event),
    file: {directory, name: 'drain.json', isReadable: false},
    signal: new AbortController().signal,
    onTick,
    onLook,
  };
  const outcome = await new Drain(plan, abilities, {phase: 'warning'} as DrainRecord, tools, null).run();
  expect(outcome.kind).toBe('remaining');
  return events;
}

const warnings = (events: readonly DrainEvent[]) =>
  events.flatMap((event) => (event.event === 'warning' ? [event.left / 60] : []));

test('each warning says how much time is left', async () => {
  expect(warnings(await run({in: '60m', warn: '30m,20m,10m'}))).toEqual([30, 20, 10]);
});

test('of warnings whose time has passed in a suspended machine the last is given, with the time that is left', async () => {
  let isAwake = false;
  const onTick = () => {
    if (!isAwake) clock.shown += 45 * MINUTE;
    isAwake = true;
  };
  const left = warnings(await run({in: '60m', warn: '30m,20m,10m'}, {onTick}));
  expect(left).toHaveLength(2);
  expect(left[0]).toBeCloseTo(15, 0);
  expect(left[1]).toBe(10);
});

test('none is given when the end has passed, too', async () => {
  const onTick = () => {
    clock.shown += 90 * MINUTE;
  };
  expect(warnings(await run({in: '60m', warn: '30m,20m,10m'}, {onTick}))).toEqual([]);
});

test('a clock that is put back while the last sessions end lets nobody wait for it', async () => {
  const end = clock.shown + MINUTE;
  let looks = 0;
  const onLook = () => {
    if (clock.shown < end) return;
    looks += 1;
    if (looks === 5) clock.shown -= 60 * MINUTE;
  };
  await run({in: '1m', grace: '0s', 'no-warn': true}, {onLook, isSeen: true});
  expect(clock.elapsed).toBeLessThan(2 * MINUTE);
});
