import {createRequire} from 'node:module';
import {constants} from 'node:os';
import type Koffi from 'koffi';
import {FtpdctlError} from '../errors.ts';

/**
 * The C library calls that Node does not offer: a client socket bound to a path before it connects, the peer's
 * path and credentials at accept, and account look-ups through NSS. Reached with koffi, never through internals of Node.
 */
const platforms: Record<string, {nonblock: number; cloexec: number; lengthByte: boolean}> = {
  linux: {nonblock: 0x800, cloexec: 0x80000, lengthByte: false},
  freebsd: {nonblock: 0x20000000, cloexec: 0x10000000, lengthByte: true},
};

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** `send(2)`: fail with EPIPE, do not raise SIGPIPE. */
const MSG_NOSIGNAL = process.platform === 'linux' ? 0x4000 : 0x20000;
/** Bytes of `sun_path`, its closing NUL among them. */
const SUN_PATH_BYTES = process.platform === 'linux' ? 108 : 104;
const ADDRESS_BYTES = 2 + SUN_PATH_BYTES;

/** The longest path a Unix socket may have, in bytes. */
export const MAX_SOCKET_PATH_BYTES = SUN_PATH_BYTES - 1;

function platform() {
  const known = platforms[process.platform];
  if (!known) {
    throw new FtpdctlError('PLATFORM', `controls sockets are not supported on ${process.platform}`, 1, {
      hint: 'use Linux or FreeBSD',
    });
  }
  return known;
}

// Required, not imported: the module loader reads a CommonJS module's text for its exports, which takes longer than
// running it.
const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
const libc = koffi.load(null);
const calls = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
  connect: libc.func('int connect(int fd, const uint8_t *address, uint32_t length)'),
  send: libc.func('intptr_t send(int fd, const uint8_t *bytes, size_t length, int flags)'),
  close: libc.func('int close(int fd)'),
};

/** A failed call, with the name of its `errno`: `ENOENT`, `EAGAIN`, … */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';

  constructor(
    readonly syscall: string,
    readonly code: string,
  ) {
    super(`${syscall}: ${code}`);
  }
}

/** @throws SystemCallError when the result of a call says that it failed. */
export function checked(syscall: string, result: number): number {
  if (result >= 0) return result;
  throw new SystemCallError(syscall, errnoName(koffi.errno()));
}

function errnoName(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

/** A `sockaddr_un` for a path. @throws SystemCallError `ENAMETOOLONG`. */
function addressOf(path: string): Buffer {
  const bytes = Buffer.from(path, 'utf8');
  if (bytes.length > MAX_SOCKET_PATH_BYTES) throw new SystemCallError('bind', 'ENAMETOOLONG');
  const address = Buffer.alloc(2 + bytes.length + 1);
  if (platform().lengthByte) address.set([address.length, AF_UNIX]);
  else address.writeUInt16LE(AF_UNIX);
  bytes.copy(address, 2);
  return address;
}

/** The path in a `sockaddr_un` that the kernel filled in; empty for an unbound or abstract peer. */
export function pathOf(address: Buffer, length: number): string {
  const bytes = address.subarray(2, Math.min(length, ADDRESS_BYTES));
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

/** A new non-blocking Unix stream socket. The caller closes it. */
export function streamSocket(): number {
  const {nonblock, cloexec} = platform();
  return checked('socket', calls.socket(AF_UNIX, SOCK_STREAM | nonblock | cloexec, 0));
}

/** @throws SystemCallError `EADDRINUSE` when anything at all stands at that path: `bind` replaces and follows nothing. */
export function bindPath(fd: number, path: string): void {
  const address = addressOf(path);
  checked('bind', calls.bind(fd, address, address.length));
}

/** @throws SystemCallError `ENOENT`, `ECONNREFUSED`, `EACCES`, …; `EAGAIN` when the server's backlog is full. */
export function connectPath(fd: number, path: string): void {
  const address = addressOf(path);
  checked('connect', calls.connect(fd, address, address.length));
}

/** Write all bytes in one call. @throws SystemCallError; `EMSGSIZE` when the kernel did not take them whole. */
export function sendWhole(fd: number, bytes: Buffer): void {
  const sent = checked('send', Number(calls.send(fd, bytes, bytes.length, MSG_NOSIGNAL)));
  if (sent !== bytes.length) throw new SystemCallError('send', 'EMSGSIZE');
}

export function closeDescriptor(fd: number): void {
  calls.close(fd);
}

export {libc};
