import {existsSync, lstatSync, type Stats, unlinkSync} from 'node:fs';
import path from 'node:path';
import {getSystemErrorMap, getSystemErrorName} from 'node:util';
import {FtpdctlError} from '../../errors.ts';
import {foldersOf, installedFolder, load} from '../packages.ts';
import {
  checkSocketDirectory,
  checkSocketPath,
  type ProbeResult,
  replaceStale,
  SocketFile,
} from './socketFile.ts';

/*
 * Unix datagram sockets over the package unix-dgram 2.0.7, whose faults are worked around here and nowhere else.
 * Each was seen in its src/unix_dgram.cc and provoked, unless it says otherwise.
 *
 * 1. Only a *connected* socket waits for room (`Send`); `SendTo` reports EAGAIN and never says when to try again.
 *    → Every peer gets a connected, nameless socket of its own to send through, and nothing is sent from the bound one.
 * 2. Two sockets connected to each other: when one connects elsewhere or closes with datagrams unread, the kernel sets
 *    an error on the other, poll reports it, and `assert(0 == status)` aborts the process.
 *    → A bound socket is never connected, a connected one never bound: nobody can be connected to a sender.
 * 3. Readable and writable in one poll event, with the socket closed by the first callback: the second works on a
 *    closing handle (by reading; libuv asserts). → By 1 and 2 a socket has either reader or writer events, never both.
 * 4. A failed receive calls back with a null buffer, and the package's own JavaScript throws on it (by reading). The
 *    kernel has no cause to fail a receive on a socket that is bound, unconnected and not shared with another process.
 * 5. `close` twice: `assert(iter != watchers.end())` aborts the process. → Closed is a state here.
 * 6. A datagram over 65,536 bytes is cut without a word (MSG_TRUNC is not looked at).
 *    → None over MAX_DATAGRAM_BYTES is sent, and one that fills the buffer is over every limit its reader compares.
 * 7. `bind` and `connect` cut a path that is too long for sockaddr_un, and use another socket. → Refused here.
 * 8. `bind` creates the file with the process's umask, and `close` leaves the file behind. → Both are done here.
 * 9. Full is the *number* 1, other errors carry a number for a code, and a failed `bind` or `connect` is an 'error' event,
 *    emitted at once, that keeps the descriptor open. → A union of results; the descriptor is closed.
 * 10. Where the kernel calls a socket writable although its peer is full (ENOBUFS; FreeBSD's local datagrams), waiting
 *    for it is a busy loop. → The second wake-up in a row that led to nothing, and each after it, waits on a timer.
 * 11. A socket keeps the event loop alive, and cannot be told not to. → Whoever opens one closes it.
 */

/** The largest datagram that may be sent, in bytes. The library receives 65,536 at most. */
export const MAX_DATAGRAM_BYTES = 60_000;

/** The "error code" with which the package says that the peer is full. */
const FULL = 1;

/** How long to wait before a congested socket is tried again, when its wake-ups lead to nothing: milliseconds. */
const CONGESTION_WAIT_MS = {first: 10, last: 1000} as const;

export type SendResult =
  /** The kernel holds it for the peer. */
  | {readonly kind: 'sent'}
  /** The peer's queue is full. Nothing was sent; `onWritable` follows. */
  | {readonly kind: 'full'}
  /** Nobody listens at the path any more. */
  | {readonly kind: 'gone'}
  | {readonly kind: 'failed'; readonly cause: Error};

export type ConnectResult =
  | {readonly kind: 'connected'; readonly sender: DatagramSender}
  | {readonly kind: 'gone'}
  /** It is no socket, or another user's. */
  | {readonly kind: 'untrusted'; readonly cause: Error}
  /** For want of a descriptor, say: it may work later. */
  | {readonly kind: 'failed'; readonly cause: Error};

/** What is used of the package: it has no types of its own. */
interface NativeSocket {
  on(event: 'message', listener: (bytes: Buffer) => void): void;
  on(event: 'writable', listener: () => void): void;
  on(event: 'error', listener: (error: NativeError) => void): void;
  bind(path: string): void;
  connect(path: string): void;
  send(bytes: Buffer, callback: (error?: NativeError) => void): void;
  close(): void;
}

/** `errno` is negative as libuv has it; `code` is the same number, or 1 for "full". */
interface NativeError extends Error {
  readonly errno?: number;
  readonly code: number;
}

/** A named socket that receives. */
export class DatagramReceiver {
  #socket: NativeSocket | null;
  readonly #file: SocketFile;

  private constructor(
    readonly path: string,
    socket: NativeSocket,
    /** When the socket was made that one of our own dead processes had left there. */
    readonly replaced: Date | null,
  ) {
    this.#socket = socket;
    this.#file = new SocketFile(path);
  }

  /**
   * Bind a socket at `socketPath`, readable and writable by its owner alone, and call `onDatagram` for each datagram
   * as it comes. A socket that one of our own dead processes left there is replaced; anything else is left alone.
   *
   * @throws FtpdctlError when the path is too long, is taken, or lies where everybody may replace it; and when the
   *   package unix-dgram is not installed
   */
  static bind(socketPath: string, onDatagram: (bytes: Buffer) => void): DatagramReceiver {
    checkSocketPath(socketPath);
    checkSocketDirectory(socketPath);
    const replaced = replaceStale(socketPath, (file) => probe(socketPath, file));
    const socket = openSocket();
    const umask = process.umask(0o177);
    const failure = attempt(socket, 'bind', socketPath);
    process.umask(umask);
    if (failure !== undefined) {
      socket.close();
      const why = failure.errno === undefined ? failure.message : errnoText(failure.errno);
      throw new FtpdctlError('SOCKET_BIND', `cannot bind ${socketPath}: ${why}`, 1, {cause: failure});
    }
    socket.on('message', onDatagram);
    return new DatagramReceiver(socketPath, socket, replaced);
  }

  /** Close the socket and remove its file, if it is still the one that was bound; or leave it, as a dead process does. */
  close({leaveFile = false}: {leaveFile?: boolean} = {}): void {
    if (this.#socket === null) return;
    this.#socket.close();
    this.#socket = null;
    if (leaveFile) this.#file.leave();
    else this.#file.remove();
  }
}

type SenderState =
  /** `failures`: how many sends in a row have met a full peer. */
  | {readonly kind: 'ready'; readonly failures: number}
  | {readonly kind: 'congested'; readonly failures: number; timer?: NodeJS.Timeout}
  | {readonly kind: 'closed'};

/** A nameless socket, connected to one receiver. */
export class DatagramSender {
  #state: SenderState = {kind: 'ready', failures: 0};

  readonly #socket: NativeSocket;
  readonly #onWritable: () => void;

  private constructor(socket: NativeSocket, onWritable: () => void) {
    this.#socket = socket;
    this.#onWritable = onWritable;
    socket.on('writable', () => this.#woken());
  }

  /**
   * Connect to the receiver at `socketPath`, if its file is a socket (no symbolic link) of an owner whom `trusts`
   * approves. `onWritable` is called once after each `full`: sending makes sense again.
   */
  static connect(
    socketPath: string,
    {trusts, onWritable}: {trusts: (uid: number) => boolean; onWritable: () => void},
  ): ConnectResult {
    const file = lstat(socketPath);
    if (file === undefined) return {kind: 'gone'};
    if (!file.isSocket()) return {kind: 'untrusted', cause: new Error('it is not a socket')};
    if (!trusts(file.uid)) return {kind: 'untrusted', cause: new Error(`it belongs to uid ${file.uid}`)};
    const connected = connectSocket(socketPath);
    if (connected.kind !== 'connected') return connected;
    return {kind: 'connected', sender: new DatagramSender(connected.socket, onWritable)};
  }

  /** Send one datagram of at most `MAX_DATAGRAM_BYTES` bytes. Never blocks; while the peer is full, costs nothing. */
  send(bytes: Buffer): SendResult {
    if (this.#state.kind === 'closed') return {kind: 'gone'};
    if (this.#state.kind === 'congested') return {kind: 'full'};
    if (bytes.length > MAX_DATAGRAM_BYTES) {
      return {kind: 'failed', cause: new Error(`a datagram of ${bytes.length} bytes is too large`)};
    }
    const failure = attemptSend(this.#socket, bytes);
    if (failure?.code === FULL) {
      this.#state = {kind: 'congested', failures: this.#state.failures + 1};
      return {kind: 'full'};
    }
    this.#state = {kind: 'ready', failures: 0};
    return failure === undefined ? {kind: 'sent'} : notReached(failure);
  }

  /** Whether sending is of no use until `onWritable`. */
  get isCongested(): boolean {
    return this.#state.kind === 'congested';
  }

  close(): void {
    if (this.#state.kind === 'closed') return;
    if (this.#state.kind === 'congested') clearTimeout(this.#state.timer);
    this.#state = {kind: 'closed'};
    this.#socket.close();
  }

  #woken(): void {
    if (this.#state.kind !== 'congested') return;
    const {failures} = this.#state;
    if (failures === 1) {
      this.#ready(failures);
    } else {
      const wait = Math.min(CONGESTION_WAIT_MS.first * 2 ** (failures - 2), CONGESTION_WAIT_MS.last);
      this.#state.timer = setTimeout(() => this.#ready(failures), wait);
    }
  }

  #ready(failures: number): void {
    this.#state = {kind: 'ready', failures};
    this.#onWritable();
  }
}

/** Whether a process still receives at `socketPath`. Asks the kernel; the process itself notices nothing. */
export function isListening(socketPath: string): boolean {
  const probe = connectSocket(socketPath);
  if (probe.kind === 'connected') probe.socket.close();
  return probe.kind !== 'gone';
}

/** Remove a socket's file that may be gone already, or may not be ours to remove: then somebody else will. */
export function removeSocketFile(socketPath: string): void {
  try {
    unlinkSync(socketPath);
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error;
  }
}

function connectSocket(
  socketPath: string,
): {kind: 'connected'; socket: NativeSocket} | Extract<SendResult, {kind: 'gone' | 'failed'}> {
  checkSocketPath(socketPath);
  let socket: NativeSocket;
  try {
    socket = openSocket();
  } catch (error) {
    // Without unix-dgram nothing works, and that must be heard; what is left is having no more descriptors.
    if (error instanceof FtpdctlError) throw error;
    return notReached(error as NativeError);
  }
  const failure = attempt(socket, 'connect', socketPath);
  if (failure === undefined) return {kind: 'connected', socket};
  socket.close();
  return notReached(failure);
}

function attempt(
  socket: NativeSocket,
  operation: 'bind' | 'connect',
  socketPath: string,
): NativeError | undefined {
  const failures: NativeError[] = [];
  socket.on('error', (error) => failures.push(error));
  socket[operation](socketPath);
  return failures[0];
}

function attemptSend(socket: NativeSocket, bytes: Buffer): NativeError | undefined {
  const failures: NativeError[] = [];
  socket.send(bytes, (error) => {
    if (error !== undefined) failures.push(error);
  });
  return failures[0];
}

function notReached(error: NativeError): Extract<SendResult, {kind: 'gone' | 'failed'}> {
  const name = errnoName(error);
  // A socket whose peer died says ECONNREFUSED once, is disconnected by that, and says ENOTCONN from then on.
  if (['ECONNREFUSED', 'ENOENT', 'ENOTCONN', 'ECONNRESET', 'EPIPE'].includes(name)) return {kind: 'gone'};
  const why = error.errno === undefined ? error.message : errnoText(error.errno);
  return {kind: 'failed', cause: new Error(why, {cause: error})};
}

function errnoName(error: NativeError): string {
  return error.errno === undefined ? error.message : getSystemErrorName(error.errno);
}

/** In the C library's words: `EACCES: permission denied`. */
function errnoText(errno: number): string {
  const [name, words] = getSystemErrorMap().get(errno) ?? ['EUNKNOWN', 'unknown error'];
  return `${name}: ${words}`;
}

/** What cannot be looked at counts as absent: binding or connecting then says why. */
function lstat(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch {
    return undefined;
  }
}

/** A dead socket is replaced only if it was ours: in a directory that is everybody's, anybody could have made it. */
function probe(socketPath: string, {uid}: Stats): ProbeResult {
  if (uid !== process.geteuid!()) return {kind: 'taken', why: `it belongs to uid ${uid}`};
  return isListening(socketPath) ? {kind: 'taken', why: 'another process listens there'} : {kind: 'dead'};
}

function openSocket(): NativeSocket {
  return loadUnixDgram().createSocket('unix_dgram');
}

/**
 * The package is native and optional, so it is loaded with the first socket and not before; or by this, when the first
 * socket will be opened by a user who may not be able to read it.
 *
 * @throws FtpdctlError when it is not installed
 */
export function loadUnixDgram(): {createSocket(type: 'unix_dgram'): NativeSocket} {
  try {
    const folder = installedFolder('unix-dgram');
    if (folder === undefined) throw new Error("Cannot find module 'unix-dgram'");
    return load(folder) as ReturnType<typeof loadUnixDgram>;
  } catch (cause) {
    throw new FtpdctlError('UNIX_DGRAM_MISSING', 'the session queue needs the package unix-dgram', 1, {
      cause,
      hint: `${installCommand('unix-dgram')}: it is compiled, by a C++ compiler, make and Python 3`,
    });
  }
}

/**
 * The command that compiles an optional package. npm reports success whether it could or not: it leaves the sources where
 * it ran no install scripts, and takes the package away where they failed (measured with npm 11).
 */
function installCommand(name: string): string {
  const ours = foldersOf('ftpdctl').find((folder) => existsSync(folder));
  if (ours === undefined) return `npm install ${name}`;
  const folder = path.dirname(path.dirname(ours));
  const isGlobal = path.basename(folder) === 'lib' && !existsSync(path.join(folder, 'package.json'));
  const where = isGlobal ? `--global --prefix ${path.dirname(folder)}` : `--prefix ${folder}`;
  if (foldersOf(name).some((candidate) => existsSync(candidate))) return `npm rebuild ${where} ${name}`;
  return isGlobal ? `npm install ${where} ftpdctl` : `npm install ${where}`;
}
