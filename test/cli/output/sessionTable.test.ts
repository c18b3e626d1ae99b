import {expect, test} from 'vitest';
import {sessionTable, table} from '../../../src/lib/cli/output/sessionTable.ts';
import type {Session} from '../../../src/lib/daemon/daemon.ts';

const session: Session = {
  id: '17',
  pid: 17,
  user: 'dave',
  host: 'client.example',
  address: '192.0.2.7',
  class: null,
  server: '192.0.2.1#21',
  protocol: 'ftps',
  command: 'RETR big.iso',
  idle: 0,
  connectedAt: 0,
  transfer: {direction: 'download', bytes: 1_500_000, size: 3_000_000, rate: 999_949},
  engine: null,
  waiting: null,
  source: 'scoreboard',
};

const lines = (sessions: readonly Session[]) =>
  sessionTable(sessions, Number.POSITIVE_INFINITY)
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

test('a session of a scoreboard: what nothing is known of has no column', () => {
  expect(lines([session])).toEqual([
    ['ID', 'USER', 'HOST', 'CLASS', 'SERVER', 'PROTOCOL', 'COMMAND', 'IDLE', 'TRANSFER'],
    [
      '17',
      'dave',
      'client.example',
      '-',
      '192.0.2.1#21',
      'ftps',
      'RETR big.iso',
      '0 s',
      'download 1.5 MB of 3.0 MB, 999.9 kB/s',
    ],
  ]);
});

test('a session of ftpdctl serve', () => {
  const served: Session = {
    ...session,
    user: null,
    command: null,
    transfer: null,
    waiting: 2,
    engine: true,
    source: 'serve',
  };
  expect(lines([served, {...served, engine: false}])).toEqual([
    ['ID', 'USER', 'HOST', 'CLASS', 'SERVER', 'IDLE', 'WAITING'],
    ['17', '(none)', 'client.example', '-', '192.0.2.1#21', '0 s', '2'],
    ['17', '(none)', 'client.example', '-', '192.0.2.1#21', '0 s', 'engine off'],
  ]);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [1e15, '1000.0 TB'],
])('%d bytes are told as %s', (bytes, told) => {
  const transfer = {direction: 'upload', bytes, size: null, rate: null} as const;
  expect(lines([{...session, transfer}])[1]!.at(-1)).toBe(`upload ${told}`);
});

const HEADER = ['ID', 'USER'];
const ROWS = [
  ['1.2', 'dave'],
  ['1.30', 'alice'],
];
const COLUMNS = 'ID    USER\n1.2   dave\n1.30  alice\n';

test.each([
  ['no terminal', Number.POSITIVE_INFINITY, COLUMNS],
  ['a terminal that holds it', 11, COLUMNS],
  ['a narrower one', 10, 'ID    1.2\nUSER  dave\n\nID    1.30\nUSER  alice\n'],
])('%s', (_name, width, text) => expect(table(HEADER, ROWS, width)).toBe(text));
