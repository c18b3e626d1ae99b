import {EventEmitter} from 'node:events';
import type {Socket} from 'node:net';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {expect, test} from 'vitest';
import {DataSender} from '../../../src/lib/ftp/data/dataSender.ts';

/** What a kernel with room takes at once. */
class FakeSocket extends EventEmitter {
  readonly steps: string[] = [];
  writableLength = 0;
  failure: Error | undefined;

  write(octets: Buffer, done: (error?: Error) => void): void {
    this.steps.push(octets.toString());
    setImmediate(() => {
      this.steps.push('a turn later');
      done(this.failure);
    });
  }

  destroy(): void {
    this.steps.push('closed');
    setImmediate(() => this.emit('close'));
  }
}

async function send(socket: FakeSocket, ...pieces: string[]): Promise<void> {
  const sender = new DataSender(socket as unknown as Socket);
  await pipeline(Readable.from(pieces.map((piece) => Buffer.from(piece))), sender);
}

test('octets are sent in their order, and the end in one turn with the last of them', async () => {
  const socket = new FakeSocket();
  await send(socket, 'a', 'b', 'c');
  const {steps} = socket;
  const untilClosed = steps.slice(0, steps.indexOf('closed') + 1);
  expect(untilClosed).toEqual(['a', 'a turn later', 'b', 'a turn later', 'c', 'closed']);
});

test('nothing is an end all the same', async () => {
  const socket = new FakeSocket();
  await send(socket);
  expect(socket.steps).toEqual(['closed']);
});

test('with more than the kernel has taken the end comes when it has', async () => {
  const socket = new FakeSocket();
  socket.writableLength = 1;
  await send(socket, 'a');
  expect(socket.steps).toEqual(['a', 'a turn later', 'closed']);
});

test('a client that has gone, or a connection that breaks, is the end of the transfer', async () => {
  const gone = new FakeSocket();
  const unfinished = pipeline(new Readable({read() {}}), new DataSender(gone as unknown as Socket));
  gone.emit('close');
  await expect(unfinished).rejects.toMatchObject({code: 'ERR_STREAM_PREMATURE_CLOSE'});
  const broken = new FakeSocket();
  broken.failure = new Error('EPIPE');
  broken.writableLength = 1;
  await expect(send(broken, 'a')).rejects.toThrow('EPIPE');
  const reset = new FakeSocket();
  const aborted = pipeline(new Readable({read() {}}), new DataSender(reset as unknown as Socket));
  reset.emit('error', new Error('ECONNRESET'));
  await expect(aborted).rejects.toThrow('ECONNRESET');
});
