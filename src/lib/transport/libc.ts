import {existsSync, readdirSync, realpathSync} from 'node:fs';
import {constants} from 'node:os';
import type Koffi from 'koffi';
import {FtpdctlError} from '../errors.ts';
import {installedFolder, load} from './packages.ts';
import {MAX_SOCKET_PATH_BYTES} from './sockets/socketFile.ts';

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
/** `sockaddr_un`: a family of two bytes, the path and its closing NUL. */
const ADDRESS_BYTES = 2 + MAX_SOCKET_PATH_BYTES + 1;

function platform() {
  const known = platforms[process.platform];
  if (!known) {
    throw new FtpdctlError('PLATFORM', `controls sockets are not supported on ${process.platform}`, 1, {
      hint: 'use Linux or FreeBSD',
    });
  }
  return known;
}

/**
 * koffi's compiled half alone: the other half asks which C library this is and wraps what is not used here, which takes
 * eight times as long; and it would have Node look for the compiled half in other places, too. Required, not imported: the
 * module loader reads a CommonJS module's text for its exports, which takes longer than running it.
 *
 * @throws FtpdctlError `KOFFI_MISSING`
 */
function loadKoffi(): typeof Koffi {
  const index = installedFolder('koffi');
  const folder = index && compiledHalf(realpathSync(index));
  if (folder === undefined) {
    throw new FtpdctlError('KOFFI_MISSING', 'the compiled half of the package koffi is not installed', 1, {
      hint: 'install ftpdctl without --omit=optional',
    });
  }
  const {platform, arch} = process;
  try {
    return load(`${folder}/${platform}_${arch}/koffi.node`) as typeof Koffi;
  } catch {
    // For another C library, of which the package has one, too, or compiled on this machine.
    return load(folder) as typeof Koffi;
  }
}

/** A package of its own, which is optional; or what koffi's installation has compiled where there is none. */
function compiledHalf(koffi: string): string | undefined {
  const {platform, arch} = process;
  const prebuilt = installedFolder(`@koromix/koffi-${platform}-${arch}`, `${koffi}/index.cjs`);
  if (prebuilt !== undefined) return prebuilt;
  const built = `${koffi}/build/koffi`;
  const [toolchain] = existsSync(built) ? readdirSync(built) : [];
  return toolchain && `${built}/${toolchain}/koffi.node`;
}

const koffi = loadKoffi();
const libc = koffi.load(null);
const calls = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
  connect: libc.func('int connect(int fd, const uint8_t *address, uint32_t length)'),
  send: libc.func('intptr_t send(int fd, const uint8_t *bytes, size_t length, int flags)'),
  close: libc.func('int close(int fd)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  poll: libc.func('int poll(_Inout_ uint8_t *descriptors, unsigned long count, int timeout)'),
  accept4: libc.func('int accept4(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length, int flags)'),
  getsockopt: libc.func(
    'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  ),
  shutdown: libc.func('int shutdown(int fd, int how)'),
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
function pathOf(address: Buffer, length: number): string {
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

/** Make a bound socket take connections; `backlog` of them may wait to be accepted. */
export function listenOn(fd: number, backlog: number): void {
  checked('listen', calls.listen(fd, backlog));
}

/** Make `untilReadable` return, and every later connection be refused. The descriptor stays to be closed. */
export function shutdownDescriptor(fd: number): void {
  const SHUT_RDWR = 2;
  calls.shutdown(fd, SHUT_RDWR);
}

const POLLIN = 1;

/** What the kernel will write to, on threads of the pool: until then it must not be collected. */
const polled = new Set<Buffer>();

/** Wait, on a thread of the pool, until a descriptor has something to accept or has been shut down. */
export function untilReadable(fd: number): Promise<void> {
  const descriptor = pollInput(fd);
  polled.add(descriptor);
  return new Promise((resolve) =>
    calls.poll.async(descriptor, 1, -1, () => {
      polled.delete(descriptor);
      resolve();
    }),
  );
}

/** Block until a descriptor has something to read, for so many milliseconds at the most. */
export function waitReadable(fd: number, milliseconds: number): void {
  calls.poll(pollInput(fd), 1, milliseconds);
}

/** `struct pollfd { int fd; short events; short revents; }` */
function pollInput(fd: number): Buffer {
  const descriptor = Buffer.alloc(8);
  descriptor.writeInt32LE(fd, 0);
  descriptor.writeInt16LE(POLLIN, 4);
  return descriptor;
}

/**
 * Take one waiting connection: its descriptor and the path the client has bound (empty when it has none).
 * @returns `undefined` when none waits
 * @throws SystemCallError, for example `EMFILE` or, after a shutdown, `EINVAL`
 */
export function acceptFrom(fd: number): {fd: number; path: string} | undefined {
  const {nonblock, cloexec} = platform();
  const address = Buffer.alloc(ADDRESS_BYTES);
  const length = [ADDRESS_BYTES];
  try {
    const accepted = checked('accept', calls.accept4(fd, address, length, nonblock | cloexec));
    return {fd: accepted, path: pathOf(address, length[0]!)};
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === 'EAGAIN' || error.code === 'ECONNABORTED')) {
      return undefined;
    }
    throw error;
  }
}

/** Who a peer is, as the kernel says: its process, effective uid and primary gid when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** `SO_PEERCRED` of a connected Unix socket (Linux). @throws FtpdctlError elsewhere, SystemCallError. */
export function peerCredentials(fd: number): PeerCredentials {
  if (process.platform !== 'linux') {
    throw new FtpdctlError('PLATFORM', `peer credentials are not supported on ${process.platform}`, 1, {
      hint: 'run the server on Linux',
    });
  }
  const SOL_SOCKET = 1;
  const SO_PEERCRED = 17;
  const credentials = Buffer.alloc(12);
  checked('getsockopt', calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, [credentials.length]));
  return {
    pid: credentials.readInt32LE(0),
    uid: credentials.readUInt32LE(4),
    gid: credentials.readUInt32LE(8),
  };
}

export {koffi, libc};
