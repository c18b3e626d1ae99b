import type {Socket} from 'node:net';
import {Writable} from 'node:stream';
import {sendLastWithEnd} from '../../transport/sockets/tcpProgress.ts';

/**
 * What goes out over a data connection. Its last octets are held back until the end has come, and then the socket is closed
 * in the same turn: a client that asks at once after the last octet whether there are more (Perl's Net::FTP, with a timeout
 * of 0) must see the end. `Socket.end` would send it a turn of the loop later.
 */
export class DataSender extends Writable {
  readonly #socket: Socket;
  #held: Buffer | null = null;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy(this.writableFinished ? undefined : gone()));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const ready = this.#held;
    this.#held = chunk;
    if (ready === null) done();
    else this.#socket.write(ready, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    sendLastWithEnd(this.#socket);
    if (this.#held !== null) this.#socket.write(this.#held, (error) => this.#close(done, error));
    // What the kernel has is not lost by closing, and the callback comes a turn later.
    if (this.#held === null) this.#close(done);
    else if (this.#socket.writableLength === 0) this.#socket.destroy();
  }

  #close(done: (error?: Error | null) => void, error?: Error | null): void {
    done(error);
    this.#socket.destroy();
  }
}

function gone(): Error {
  return Object.assign(new Error('the data connection was closed'), {code: 'ERR_STREAM_PREMATURE_CLOSE'});
}
