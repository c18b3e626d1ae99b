import type {Socket} from 'node:net';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {WrittenMessages} from '../../../src/lib/ftp/control/writtenMessages.ts';

/** What the kernel says of the connection. */
const tcp = vi.hoisted(() => ({acknowledged: 0, open: true, reads: 0, watches: 0}));
vi.mock('../../../src/lib/transport/sockets/tcpProgress.ts', () => ({
  TcpWatch: class {
    constructor() {
      tcp.watches++;
    }
    read() {
      tcp.reads++;
      return {acknowledged: tcp.acknowledged, open: tcp.open};
    }
    close() {
      tcp.watches--;
    }
  },
}));

const socket = {bytesWritten: 0};
let shown: string[];
let settled: number;
let written: WrittenMessages;

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(tcp, {acknowledged: 0, open: true, reads: 0, watches: 0});
  socket.bytesWritten = 0;
  shown = [];
  settled = 0;
  written = new WrittenMessages(
    socket as Socket,
    (ids) => shown.push(...ids),
    () => settled++,
  );
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  expect(tcp.watches).toBe(0);
  vi.useRealTimers();
});

const messages = (...ids: string[]) => ids.map((id) => ({id, text: 'hi'}));

test('messages are shown when the client has acknowledged the last octet of their reply, not before', () => {
  written.add(messages('a', 'b'), 100);
  socket.bytesWritten = 100;
  written.add(messages('c'), 50);
  tcp.acknowledged = 99;
  written.look();
  expect([shown, written.areAwaited]).toEqual([[], true]);
  tcp.acknowledged = 100;
  written.look();
  expect([shown, written.areAwaited, settled]).toEqual([['a', 'b'], true, 0]);
  tcp.acknowledged = 150;
  written.look();
  expect([shown, written.areAwaited, settled]).toEqual([['a', 'b', 'c'], false, 1]);
  written.look();
  expect([shown, settled]).toEqual([['a', 'b', 'c'], 1]);
});

test('one that is on its way is not written again, shown or not', () => {
  const [a, b] = messages('a', 'b');
  expect(written.unwritten([a!, b!])).toEqual([a, b]);
  written.add([a!], 10);
  expect(written.unwritten([a!, b!])).toEqual([b]);
  tcp.open = false;
  written.look();
  expect(written.unwritten([a!, b!])).toEqual([b]);
});

test('a reply without messages costs nothing', () => {
  written.add([], 100);
  written.look();
  written.giveUp();
  expect([tcp.reads, tcp.watches, settled, vi.getTimerCount()]).toEqual([0, 0, 0, 0]);
});

test('is looked for soon and then less often, but each second; from the start again for the next message', () => {
  written.add(messages('a'), 10);
  for (const wait of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000]) {
    const {reads} = tcp;
    vi.advanceTimersByTime(wait - 1);
    expect(tcp.reads).toBe(reads);
    vi.advanceTimersByTime(1);
    expect(tcp.reads).toBe(reads + 1);
  }
  written.add(messages('b'), 10);
  expect(tcp.watches).toBe(1);
  tcp.acknowledged = 10;
  vi.advanceTimersByTime(1);
  expect([shown, settled]).toEqual([['a', 'b'], 1]);
});

test('a connection that has closed acknowledges nothing any more: what it had not is not shown', () => {
  written.add(messages('a'), 10);
  socket.bytesWritten = 10;
  written.add(messages('b'), 10);
  Object.assign(tcp, {acknowledged: 10, open: false});
  vi.advanceTimersByTime(1);
  expect([shown, written.areAwaited, settled]).toEqual([['a'], false, 1]);
});

test('given up, nothing more is shown, and that is said once', () => {
  written.add(messages('a'), 10);
  written.giveUp();
  written.giveUp();
  tcp.acknowledged = 10;
  written.look();
  vi.advanceTimersByTime(5000);
  expect([shown, written.areAwaited, settled]).toEqual([[], false, 1]);
});
