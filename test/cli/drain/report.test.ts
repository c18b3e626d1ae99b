import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {DrainEvent} from '../../../src/lib/cli/drain/events.ts';
import {DrainReport} from '../../../src/lib/cli/drain/report.ts';
import {progressTexts, wordsOf} from '../../../src/lib/cli/drain/words.ts';

const PLAN = {
  event: 'plan',
  end: new Date(2026, 10, 28, 18, 0, 0).getTime(),
  cut: new Date(2026, 10, 28, 18, 10, 0).getTime(),
  steps: [],
  reopen: false,
  cannot: [],
  sessions: [],
} as const satisfies DrainEvent;
const CLOSED = {event: 'logins-closed', by: 'shutmsg'} as const satisfies DrainEvent;
const FAILED = {event: 'warning-failed', left: 60, reason: 'no \x1b[31mserver'} as const satisfies DrainEvent;

const OPTIONS = {json: false, quiet: false, verbose: false};
const {lines} = vi.hoisted(() => ({lines: [] as string[]}));
vi.mock('../../../src/lib/cli/output/output.ts', async (original) => ({
  ...(await original<object>()),
  printLine: (line: string) => lines.push(line),
}));

let written: string[];
let errors: string[];
beforeEach(() => {
  written = [];
  errors = [];
  lines.length = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

describe('each event', () => {
  test('is a line, and one in the log with who drains', () => {
    const log: string[] = [];
    const report = new DrainReport(OPTIONS, (line) => log.push(line));
    for (const event of [PLAN, CLOSED, FAILED] as const) report.emit(event);
    vi.restoreAllMocks();
    expect(lines.at(-1)).toBe('logins are closed (/etc/shutmsg)');
    expect(log).toEqual([
      expect.stringMatching(/^drain by \S+: begins, ends at 18:00:00$/),
      expect.stringMatching(/^drain by \S+: logins are closed \(\/etc\/shutmsg\)$/),
      expect.stringMatching(/^drain by \S+: warning not sent: no .*server$/),
    ]);
  });

  test('is told with -q only when something has failed', () => {
    const report = new DrainReport({...OPTIONS, quiet: true}, null);
    for (const event of [PLAN, CLOSED, FAILED] as const) report.emit(event);
    const told = [lines, written, errors];
    vi.restoreAllMocks();
    expect(told).toEqual([[], [], ['ftpdctl: warning not sent: no \\x1b[31mserver\n']]);
  });

  test('is a line of JSON, the exit status the last', () => {
    const report = new DrainReport({...OPTIONS, json: true}, null);
    report.emit(FAILED);
    report.end();
    const events = written.map((line) => JSON.parse(line));
    vi.restoreAllMocks();
    const at = expect.any(Number);
    expect(events).toEqual([
      {at, ...FAILED},
      {at, event: 'exit', exitStatus: 0},
    ]);
  });

  test('the plan that was shown with the question is not shown again', () => {
    const report = new DrainReport(OPTIONS, null);
    report.showPlan(PLAN, process.stdout);
    report.emit(PLAN);
    report.emit(CLOSED);
    vi.restoreAllMocks();
    expect(written).not.toEqual([]);
    expect(lines).toEqual(['logins are closed (/etc/shutmsg)']);
  });
});

test('who is left is named, and how many more', () => {
  const session = (pid: number) => ({user: pid === 1 ? null : 'dave', host: 'h', pid}) as never;
  const remaining = (count: number, unlisted: number): DrainEvent => ({
    event: 'remaining',
    sessions: Array.from({length: count}, (_, index) => session(index + 1)),
    unlisted,
  });
  expect(wordsOf(remaining(2, 0))).toEqual(['2 sessions still there: (none)@h (pid 1), dave@h (pid 2)']);
  expect(wordsOf(remaining(6, 0))[0]).toMatch(/dave@h \(pid 5\) and others$/);
  expect(wordsOf(remaining(1, 2))[0]).toMatch(/, and 2 sessions that the scoreboard does not have$/);
  expect(wordsOf({event: 'remaining', sessions: null, unlisted: 0})).toEqual(['nobody can see who is left']);
});

test('the line that stays gets shorter', () => {
  const sessions = [
    {command: 'RETR a', transfer: {direction: 'download'}},
    {command: 'STOR a', transfer: {direction: 'upload'}},
    {command: 'LIST', transfer: null},
    {command: null, transfer: null},
    {command: null, transfer: null},
  ];
  const texts = progressTexts('4:32', 'left', sessions, 'close logins 17:55:00');
  expect(texts[0]).toBe(
    '4:32 left, 5 sessions (1 downloading, 1 uploading, 1 busy, 2 idle), next: close logins 17:55:00',
  );
  expect(texts.at(-1)).toBe('4:32, 5 sessions');
  const lengths = texts.map(({length}) => length);
  expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
});
