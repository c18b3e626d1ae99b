import {readSync} from 'node:fs';
import type {Socket} from 'node:net';
import koffi from 'koffi';
import type {ControlRequest} from '../../src/lib/protocol/message.ts';

/** `sockaddr_un`: the family in 2 bytes, a path in 108. */
const ADDRESS_SIZE = 110;
const FAMILY_SIZE = 2;

const getpeername = koffi
  .load('libc.so.6')
  .func('int getpeername(int, _Out_ uint8_t *, _Inout_ uint32_t *)') as (
  fd: number,
  address: Uint8Array,
  length: [number],
) => number;

/**
 * One accepted connection, read by hand as a C server does: just the bytes asked for, just when they are asked for.
 * What is not read stays with the kernel, so that closing resets the client, as with the real daemons. (Node itself
 * always reads all there is; hence its descriptor is used here, which it does not document.)
 */
export class HeldConnection {
  /** Which connection of its server this is, from 0. */
  readonly index: number;
  /** Path the client bound its own socket to before it connected; '' when it did not. */
  readonly clientPath: string;
  /** The request that was carried out, once one was. */
  executed: ControlRequest | null = null;
  readonly #socket: Socket;
  readonly #fd: number;
  #received: Buffer[] = [];
  #open = true;

  /** `socket` must come from a server with `pauseOnConnect`. */
  constructor(socket: Socket, index: number) {
    this.index = index;
    this.#socket = socket;
    this.#fd = (socket as unknown as {_handle: {fd: number}})._handle.fd;
    this.clientPath = peerPath(this.#fd);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open = false;
    });
  }

  /** Whether this side still has it open. */
  get open(): boolean {
    return this.#open;
  }

  /** All bytes read so far. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Reads at most `count` bytes of those that are there; `null` when none are there yet, empty at the end. */
  take(count: number): Buffer | null {
    const bytes = Buffer.alloc(count);
    try {
      const taken = bytes.subarray(0, count === 0 ? 0 : readSync(this.#fd, bytes, 0, count, null));
      this.#received.push(taken);
      return taken;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
      return Buffer.alloc(0);
    }
  }

  /** Writes all of it, however slowly the client reads; gives up when the client is gone. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Closes at once. The client sees a reset when bytes of it are unread, else an end. */
  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }
}

function peerPath(fd: number): string {
  const address = Buffer.alloc(ADDRESS_SIZE);
  const length: [number] = [ADDRESS_SIZE];
  if (getpeername(fd, address, length) !== 0) return '';
  return address.toString('utf8', FAMILY_SIZE, length[0]).replace(/\0.*$/s, '');
}
