import type {Socket} from 'node:net';
import {expect, test, vi} from 'vitest';
import {RunningTransfer} from '../../../src/lib/ftp/data/runningTransfer.ts';

function socket() {
  return {bytesRead: 0, bytesWritten: 0, destroy: vi.fn()};
}

test('counts the octets of both directions, and none before it is open', () => {
  const transfer = new RunningTransfer();
  const data = socket();
  expect(transfer.octets).toBe(0);
  Object.assign(data, {bytesRead: 3, bytesWritten: 4});
  transfer.opened(data as unknown as Socket);
  expect(transfer.octets).toBe(7);
});

test('is idle since the last octet moved, whether it is open or not', () => {
  const transfer = new RunningTransfer();
  expect(transfer.idle(1000)).toBe(0);
  expect(transfer.idle(1500)).toBe(500);
  const data = socket();
  transfer.opened(data as unknown as Socket);
  expect(transfer.idle(2000)).toBe(1000);
  data.bytesRead = 1;
  expect(transfer.idle(2500)).toBe(0);
  data.bytesWritten = 1;
  expect(transfer.idle(3000)).toBe(0);
  expect(transfer.idle(3100)).toBe(100);
});

test('is ended once: its first reason is the one that counts, and its connection is closed', () => {
  const transfer = new RunningTransfer();
  expect([transfer.reason, transfer.signal.aborted]).toEqual([null, false]);
  transfer.abort('ABOR');
  const data = socket();
  transfer.opened(data as unknown as Socket);
  transfer.abort('closing');
  expect([transfer.reason, transfer.signal.aborted]).toEqual(['ABOR', true]);
  expect(transfer.signal.reason.message).toBe('transfer ended: ABOR');
  expect(data.destroy).toHaveBeenCalled();
});
