import {Socket} from 'node:net';
import {closeDescriptor, connectPath, SystemCallError, sendWhole, streamSocket} from '../libc.ts';
import {bindClientPath, type ClientPath} from './clientPath.ts';

/** How one exchange over a controls socket went. `connect` failures are thrown. */
export type Exchange =
  /** The server has closed, or the reader has had enough. */
  | {readonly kind: 'closed'}
  /** The server has reset the connection. */
  | {readonly kind: 'reset'};

/** A connection with its request already written. */
export interface ControlsConnection {
  /** The path this end is bound to, or `undefined` where `/tmp` did not allow it. */
  readonly path: string | undefined;
  /** Hand over all bytes as they come, until `take` returns true, the server closes, or the connection is closed here. */
  read(take: (chunk: Buffer) => boolean): Promise<Exchange>;
  /** Close and remove the client path. May be called twice. */
  close(): void;
}

/**
 * Connect to a controls socket from a bound client path and write the whole frame in one write, at once: a server
 * that polls must find it there (1.3.8 reads once per field and does not wait).
 *
 * Where `/tmp` cannot be written to, the connection is made unbound; ProFTPD ≤ 1.3.9 and `ftpdctl serve` accept that.
 * @param mustBind throw instead
 * @throws SystemCallError from connect: `ENOENT`, `ECONNREFUSED`, `EACCES`, `ENAMETOOLONG`; `EAGAIN` when the server's
 * backlog is full; from send: `EPIPE`, `ECONNRESET` when it has closed already. Nothing was sent.
 */
export function openConnection(socketPath: string, frame: Buffer, mustBind = false): ControlsConnection {
  const fd = streamSocket();
  let bound: ClientPath | undefined;
  try {
    bound = mustBind ? bindClientPath(fd) : tryBind(fd);
    connectPath(fd, socketPath);
    sendWhole(fd, frame);
  } catch (error) {
    closeDescriptor(fd);
    bound?.remove();
    throw error;
  }
  return reading(new Socket({fd, readable: true, writable: true}), bound);
}

function tryBind(fd: number): ClientPath | undefined {
  try {
    return bindClientPath(fd);
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

function reading(socket: Socket, bound: ClientPath | undefined): ControlsConnection {
  const close = () => {
    bound?.remove();
    socket.destroy();
  };
  return {
    path: bound?.path,
    close,
    read: (take) =>
      new Promise<Exchange>((resolve) => {
        const settle = (exchange: Exchange) => {
          close();
          resolve(exchange);
        };
        socket.on('data', (chunk) => {
          if (take(chunk)) settle({kind: 'closed'});
        });
        socket.on('end', () => settle({kind: 'closed'}));
        socket.on('error', () => settle({kind: 'reset'}));
        socket.on('close', () => settle({kind: 'closed'}));
      }),
  };
}
