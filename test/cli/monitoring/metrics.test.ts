import {expect, test} from 'vitest';
import {expositionOf, metricsOf} from '../../../src/lib/cli/monitoring/metrics.ts';

test('a ProFTPD that does not run has one metric', () => {
  expect(expositionOf(metricsOf({kind: 'down', why: 'it does not'}))).toBe(
    '# HELP proftpd_up Whether the ProFTPD runs.\n# TYPE proftpd_up gauge\nproftpd_up 0\n',
  );
});

test("a label's value is escaped, and does nothing to a terminal", () => {
  const samples = [{labels: {class: 'a"b\\c\nd\u001b[2J'}, value: 1}];
  expect(expositionOf([{name: 'x', help: 'y', samples}]).split('\n')[2]).toBe(
    String.raw`x{class="a\"b\\c\\x0ad\\x1b[2J"} 1`,
  );
});

test('what is not known is left out', () => {
  const measured = {
    kind: 'up',
    isSuspended: false,
    pid: 2,
    startedAt: 1500,
    sessions: [],
    limit: null,
    socket: {known: true, value: null},
    queue: {known: false, why: 'nobody knows'},
  } as const;
  expect(metricsOf(measured).map(({name}) => name)).toEqual([
    'proftpd_up',
    'proftpd_start_time_seconds',
    'proftpd_sessions',
    'proftpd_sessions_authenticated',
    'proftpd_transfers',
    'proftpd_transfer_bytes',
  ]);
});
