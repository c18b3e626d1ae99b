import {expect, test} from 'vitest';
import {sessionsIn} from '../../src/lib/fleet/ftpwho.ts';

const CONNECTION = {
  pid: 25218,
  connected_since_ms: 1_000_000,
  remote_name: 'client.example',
  remote_address: '192.0.2.7',
  local_address: '192.0.2.1',
  local_port: 21,
  user: 'dave',
  class: 'staff',
  protocol: 'ftp',
  location: '/',
};
const sessions = (...connections: object[]) =>
  sessionsIn(JSON.stringify({server: {}, connections}), 1_060_000);

test('a session that is idle, one in a transfer, one before its login (as ftpwho of 1.3.8 prints them)', () => {
  const {user: _, ...nobody} = CONNECTION;
  const transfer = {command: 'RETR', command_args: 'big', downloading: true, transfer_bytes: 2_506_752};
  expect(
    sessions(
      {...CONNECTION, idling: true, idle_since_ms: 1_050_000},
      {...CONNECTION, ...transfer},
      {...nobody, authenticating: true, idling: true},
    ),
  ).toMatchObject([
    {
      id: '25218',
      user: 'dave',
      host: 'client.example',
      server: '192.0.2.1#21',
      command: 'idle',
      idle: 10,
      transfer: null,
    },
    {
      command: 'RETR big',
      idle: 0,
      transfer: {direction: 'download', bytes: 2_506_752, size: null, rate: null},
    },
    {user: null, class: 'staff', idle: 60, connectedAt: 1_000_000},
  ]);
});

test.each([
  '',
  'no users connected',
  '{}',
  '{"connections":{}}',
  '[]',
  'null',
])('%j is no answer', (output) => {
  expect(sessionsIn(output, 0)).toBeUndefined();
});

test('what is no connection is left out', () => {
  expect(sessions({}, {pid: 'x'}, CONNECTION)).toHaveLength(1);
});
