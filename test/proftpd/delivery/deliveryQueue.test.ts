import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {DeliveryQueue, separate} from '../../../src/lib/proftpd/delivery/deliveryQueue.ts';
import {FileLock} from '../../../src/lib/transport/files/fileLock.ts';
import {makeQueue, type TestQueue} from '../../helpers/sysvQueue.ts';

const texts = (...words: string[]) => words.map((word) => Buffer.from(`${word}\0`));

test.each([
  ['nothing there', '', 'a', '', ''],
  ['only ours', 'a b', 'a b', 'a b', ''],
  ['some taken', 'b', 'a b', 'b', ''],
  ['others around', 'x a y b z', 'a b', 'a b', 'x y z'],
  ['the same words of others before', 'a x a', 'a', 'a', 'a x'],
  ['the same words twice', 'a a a', 'a a', 'a a', 'a'],
  ['the start of a word is another', 'ab', 'a', '', 'ab'],
])('%s', (_name, all, wanted, own, others) => {
  const words = (text: string) => texts(...text.split(' ').filter(Boolean));
  expect(separate(words(all), words(wanted))).toEqual({own: words(own), others: words(others)});
});

describe('a shared queue', () => {
  const SESSION = 12_345;
  let made: TestQueue;
  let queue: DeliveryQueue;
  beforeEach(() => {
    made = makeQueue();
    queue = new DeliveryQueue(made.queue, process.pid);
  });
  afterEach(() => {
    queue.close();
    made.remove();
  });
  const send = (type: number, ...words: string[]) => {
    for (const text of texts(...words)) expect(queue.send(type, text)).toBe(true);
  };
  const left = () =>
    made.queue.list()!.map(({type, bytes}) => [type, bytes.toString('latin1', 0, bytes.length - 1)]);

  test('gives back ours and keeps others in their order', () => {
    send(SESSION, 'x', 'a', 'y', 'b', 'a');
    send(99, 'a');
    expect(queue.withdraw(SESSION, texts('a', 'b'))).toEqual({withdrawn: 2, putBack: 3, lost: 0});
    expect(left()).toEqual([
      [99, 'a'],
      [SESSION, 'x'],
      [SESSION, 'a'],
      [SESSION, 'y'],
    ]);
    expect(queue.withdraw(SESSION, texts('b'))).toMatchObject({withdrawn: 0, putBack: 3});
  });

  test('counts by taking where it cannot be listed, and changes no order', () => {
    send(SESSION, 'x', 'a', 'y');
    expect(queue.countByTaking(SESSION, texts('a', 'b'))).toBe(1);
    expect(left().map(([, text]) => text)).toEqual(['x', 'a', 'y']);
  });

  test('is not looked at while another sender holds what it will put back', () => {
    send(SESSION, 'a');
    const other = FileLock.open(`/proc/${process.pid}/environ`);
    expect(other.tryLock('exclusive')).toBe(true);
    expect(queue.list()).toBeUndefined();
    other.unlock();
    expect(queue.list()).toHaveLength(1);
    // One that was stopped meanwhile keeps nobody from withdrawing.
    other.tryLock('exclusive');
    expect(queue.withdraw(SESSION, texts('a'))).toMatchObject({withdrawn: 1});
    other.close();
  });
});
