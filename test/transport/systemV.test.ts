import {statSync} from 'node:fs';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {fileKey, SystemVQueue} from '../../src/lib/transport/systemV.ts';
import {makeQueue, type TestQueue} from '../helpers/sysvQueue.ts';

const PROJECT = 0xf6;

let made: TestQueue;
beforeEach(() => {
  made = makeQueue();
});
afterEach(() => made.remove());

test('has the key that mod_msg gives it', () => {
  const {dev, ino} = statSync(made.file);
  expect(made.key).toBe((PROJECT << 24) | ((dev & 0xff) << 16) | (ino & 0xffff));
  expect(() => fileKey(`${made.file}/none`, PROJECT)).toThrow('ENOTDIR');
});

test('is opened, never made', () => {
  expect(SystemVQueue.open(made.key)?.id).toBe(made.queue.id);
  made.remove();
  expect(SystemVQueue.open(made.key)).toBeUndefined();
  expect(SystemVQueue.open(made.key)).toBeUndefined();
});

test('gives messages by type, in order, each once', () => {
  const {queue} = made;
  const sent = [
    [7, 'a'],
    [9, 'x'],
    [7, 'b\0c'],
    [7, ''],
  ] as const;
  for (const [type, text] of sent) expect(queue.send(type, Buffer.from(text))).toBe(true);
  expect(queue.list()?.map(({type, bytes}) => [type, bytes.toString()])).toEqual(sent);
  expect([1, 2, 3, 4].map(() => queue.receive(7)?.toString())).toEqual(['a', 'b\0c', '', undefined]);
  expect(queue.list()).toHaveLength(1);
});

test('says when it is full, and how full', () => {
  const {queue} = made;
  expect(queue.status()).toMatchObject({messages: 0, bytes: 0, lastReceived: 0});
  const size = Math.floor(queue.status().capacity / 4);
  for (let sent = 0; sent < 4; sent += 1) expect(queue.send(5, Buffer.alloc(size))).toBe(true);
  expect(queue.send(5, Buffer.alloc(size))).toBe(false);
  expect(queue.status()).toMatchObject({messages: 4, bytes: 4 * size});

  const before = Math.floor(Date.now() / 1000);
  queue.receive(5);
  expect(queue.status().lastReceived).toBeGreaterThanOrEqual(before);
});

test('says so when it is gone, and when a message cannot be', () => {
  const {queue} = made;
  expect(() => queue.send(5, Buffer.alloc(1 << 20))).toThrow('EINVAL');
  expect(() => queue.send(0, Buffer.from('x'))).toThrow('EINVAL');
  made.remove();
  for (const use of [() => queue.send(5, Buffer.from('x')), () => queue.list(), () => queue.status()]) {
    expect(use).toThrow(/EIDRM|EINVAL/);
  }
});
