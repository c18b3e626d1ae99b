import {EventEmitter} from 'node:events';
import {beforeEach, expect, test, vi} from 'vitest';
import {Connection} from '../../src/lib/server/request/connection.ts';
import type {Accepted} from '../../src/lib/transport/sockets/listener.ts';
import {requestFrame} from '../helpers/frames.ts';

/** A client's socket, which takes what is written when it is told to. */
class FakeSocket extends EventEmitter {
  readonly pause = vi.fn();
  readonly destroy = vi.fn();
  readonly written: Buffer[] = [];
  #taken = () => {};

  write(bytes: Buffer, taken: () => void): void {
    this.written.push(bytes);
    this.#taken = taken;
  }

  takeAll(): void {
    this.#taken();
  }
}

let socket: FakeSocket;
let connection: Connection;
let heard: unknown[];

beforeEach(() => {
  socket = new FakeSocket();
  heard = [];
  const accepted = {socket, credentials: {uid: 1, gid: 2, pid: 3}, path: '/tmp/p'} as unknown as Accepted;
  connection = new Connection(
    accepted,
    {client: 'a/b', isLogged: true},
    {
      request: (_, {dialect, message}) => heard.push({dialect, action: message.action}),
      broken: (_, error) => heard.push(error.code),
      closed: () => heard.push('closed'),
    },
  );
});

test.each([
  'binary',
  'json',
] as const)('a request in the %s dialect is heard once, in one piece or byte by byte', (dialect) => {
  const frame = requestFrame(dialect, 'lsctrl');
  socket.emit('data', frame.subarray(0, 6));
  expect([connection.isReading, connection.dialect, heard]).toEqual([true, dialect, []]);
  for (const byte of frame.subarray(6)) socket.emit('data', Buffer.of(byte));
  expect([connection.isReading, connection.dialect, heard]).toEqual([
    false,
    'json',
    [{dialect, action: 'lsctrl'}],
  ]);
  expect(socket.pause).toHaveBeenCalledTimes(1);
  socket.emit('data', frame);
  socket.emit('end');
  expect(heard).toHaveLength(1);
});

test('the dialect is JSON until the first four bytes have said otherwise', () => {
  expect(connection.dialect).toBe('json');
  socket.emit('data', Buffer.of(0, 0, 0));
  socket.emit('data', Buffer.of(0, 0, 0, 0, 0));
  expect(connection.dialect).toBe('json');
});

test.each([
  [
    'that ends in the middle',
    () => void socket.emit('data', requestFrame('json', 'lsctrl').subarray(0, 10)),
    'PROTOCOL_TRUNCATED',
  ],
  ['of no bytes', () => {}, 'PROTOCOL_TRUNCATED'],
])('a request %s is broken, not unheard', (_what, send, code) => {
  send();
  socket.emit('end');
  expect(heard).toEqual([code]);
  expect(connection.isReading).toBe(false);
});

test('an answer is followed by the end once the kernel has it, and not before', () => {
  socket.emit('data', requestFrame('json', 'lsctrl'));
  connection.answer(Buffer.from('answer'));
  expect([socket.written.join(), socket.destroy.mock.calls.length]).toEqual(['answer', 0]);
  socket.takeAll();
  expect(socket.destroy).toHaveBeenCalledTimes(1);
});

test('a client that has gone is answered no more, and its bytes are no request', () => {
  socket.emit('error', new Error('ECONNRESET'));
  socket.emit('close');
  expect([connection.isReading, heard]).toEqual([false, ['closed']]);
  socket.emit('data', requestFrame('json', 'lsctrl'));
  connection.answer(Buffer.from('answer'));
  expect([heard, socket.written]).toEqual([['closed'], []]);
});
