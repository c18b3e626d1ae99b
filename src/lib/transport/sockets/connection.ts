import {chmodSync, lstatSync, readSync, type Stats, unlinkSync} from 'node:fs';
import {Socket} from 'node:net';
import {
  bindPath,
  closeDescriptor,
  connectPath,
  libc,
  SystemCallError,
  sendWhole,
  streamSocket,
  waitReadable,
} from '../libc.ts';
import {onExit} from '../processes/exitCleanup.ts';

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
  /** Block until there is something to read, for so many milliseconds at the most. To be called before `read`. */
  block(milliseconds: number): void;
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
  return reading(fd, bound);
}

function tryBind(fd: number): ClientPath | undefined {
  try {
    return bindClientPath(fd);
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

/** Room for an answer as servers give them; a longer one is read piece by piece. */
const CHUNK_BYTES = 16_384;

function reading(fd: number, bound: ClientPath | undefined): ControlsConnection {
  let open: {readonly kind: 'descriptor'} | {readonly kind: 'socket'; readonly socket: Socket} | undefined = {
    kind: 'descriptor',
  };
  const close = () => {
    bound?.remove();
    if (open?.kind === 'socket') open.socket.destroy();
    else if (open) closeDescriptor(fd);
    open = undefined;
  };
  const readSocket = (take: (chunk: Buffer) => boolean) =>
    new Promise<Exchange>((resolve) => {
      const socket = new Socket({fd, readable: true, writable: true});
      open = {kind: 'socket', socket};
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
    });
  return {
    path: bound?.path,
    close,
    block: (milliseconds) => waitReadable(fd, milliseconds),
    read: async (take) => {
      if (!open) return {kind: 'closed'};
      const exchange = readPresent(fd, take);
      if (!exchange) return readSocket(take);
      close();
      return exchange;
    },
  };
}

/** What there is already. @returns `undefined` when more may come */
function readPresent(fd: number, take: (chunk: Buffer) => boolean): Exchange | undefined {
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const bytes = readSync(fd, chunk);
      if (bytes === 0 || take(chunk.subarray(0, bytes))) return {kind: 'closed'};
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? undefined : {kind: 'reset'};
  }
}

/**
 * Where a client binds its own end: ProFTPD ≥ 1.3.10rc4 resets a client that is not bound to `/tmp/ftp.cl<digits>`,
 * a real socket of mode 0700 (measured). Stock clients write their process id there, which never has nine digits.
 */
const PREFIX = '/tmp/ftp.cl';
const FIRST = 100_000_000;
const COUNT = 100_000_000;
const TRIES = 16;

/**
 * Whether the path of a connected client is one of ours. Ours speak both dialects, so `ftpdctl serve` answers them
 * in JSON alone: a request that is offered in both is carried out once.
 */
export function isOurClientPath(path: string): boolean {
  return path.startsWith(PREFIX) && /^1\d{8}$/.test(path.slice(PREFIX.length));
}

/** A path that this process has made and must remove. */
export interface ClientPath {
  readonly path: string;
  /** Remove the socket file, if it is still ours. Never throws; may be called twice. */
  remove(): void;
}

/**
 * Bind a socket to a fresh client path. Nothing that is there already is followed, replaced or removed.
 * @throws SystemCallError when no path could be bound, for example `EACCES` or `EROFS` for `/tmp`.
 */
export function bindClientPath(fd: number): ClientPath {
  for (let attempt = 1; ; attempt++) {
    const path = `${PREFIX}${FIRST + Math.floor(Math.random() * COUNT)}`;
    try {
      return bindAt(fd, path);
    } catch (error) {
      if (!(error instanceof SystemCallError && error.code === 'EADDRINUSE' && attempt < TRIES)) throw error;
    }
  }
}

/** The signals are caught before there is a file: whenever one comes, it is dealt with after this. */
function bindAt(fd: number, path: string): ClientPath {
  let made: Stats | undefined;
  const removeFile = () => {
    try {
      const now = lstatSync(path);
      // Servers remove the file, too; by now the name may be somebody else's.
      if (now.dev === made?.dev && now.ino === made.ino) unlinkSync(path);
    } catch {}
  };
  const callOff = onExit(removeFile);
  const remove = () => {
    callOff();
    removeFile();
  };
  try {
    bindPath(fd, path);
    made = lstatSync(path);
    // No server looks at it before we connect.
    chmodSync(path, 0o700);
    return {path, remove};
  } catch (error) {
    remove();
    throw error;
  }
}

/** Where stock clients and ours bind their own end. */
const CLIENT_PATH = /^\/tmp\/ftp\.cl\d+$/;
/** `setfsuid` with a uid there cannot be changes nothing, and says which is in force. */
const ASK = 0xffffffff;

/**
 * Remove the socket that a client has bound its own end to: the stock clients leave it to the server (measured).
 *
 * The path is what the client says. It can have unlinked its socket meanwhile, and another user's can be there; so root
 * looks and removes with the rights of the client, and the kernel sees to it that it can be no other's. Never throws.
 */
export function removeClientPath(path: string, uid: number): void {
  if (!CLIENT_PATH.test(path)) return;
  const euid = process.geteuid!();
  if (euid === uid) removeSocket(path, uid);
  else if (euid === 0) withFileRightsOf(uid, () => removeSocket(path, uid));
}

function removeSocket(path: string, uid: number): void {
  try {
    const file = lstatSync(path);
    if (file.isSocket() && file.uid === uid) unlinkSync(path);
  } catch {
    // It is gone already, or not the client's to remove.
  }
}

let setfsuid: ((uid: number) => number) | undefined;

/** On Linux, for this thread and nothing but files (`setfsuid(2)`); synchronous, so that nobody else has these rights. */
function withFileRightsOf(uid: number, act: () => void): void {
  setfsuid ??= libc.func('int setfsuid(uint32_t uid)') as unknown as (uid: number) => number;
  setfsuid(uid);
  try {
    if (setfsuid(ASK) === uid) act();
  } finally {
    setfsuid(0);
  }
}
