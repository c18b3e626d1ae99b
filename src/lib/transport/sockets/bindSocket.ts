import {closeSync, constants, fstatSync, lstatSync, openSync, unlinkSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {FileLock} from '../files/fileLock.ts';
import {closeDescriptor, connectPath, SystemCallError, streamSocket} from '../libc.ts';
import {
  checkSocketDirectory,
  checkSocketPath,
  type ProbeResult,
  replaceStale,
  SocketFileError,
} from './socketFile.ts';

/** Whoever binds a socket holds the lock for less than a millisecond. Milliseconds. */
const LOCK_PAUSE = 20;
const LOCK_TRIES = 100;

/**
 * Bind a listening socket at a path, unless a process listens there already. The socket of one that has died is
 * replaced; anything else that is there is left alone.
 *
 * Two that bind at the same path at once take turns, by a lock that the kernel drops with its holder: without it, both
 * could find a dead socket, and the slower one would remove the live socket of the faster.
 *
 * @param bind called at most once, when nothing is at the path; must not wait
 * @throws SocketFileError; SystemCallError and whatever else `bind` throws
 */
export async function bindSocket<T>(path: string, bind: () => T): Promise<T> {
  checkSocketPath(path);
  checkSocketDirectory(path);
  const lockPath = `${path}.lock`;
  const lock = await takeLock(path, lockPath);
  try {
    replaceStale(path, () => probe(path));
    return bind();
  } finally {
    unlinkSync(lockPath);
    lock.close();
  }
}

/**
 * A lock on a file that nobody but us and root can open: one on something that others can read, like the directory,
 * could be held by them for ever.
 */
async function takeLock(path: string, lockPath: string): Promise<FileLock> {
  for (let tries = 1; tries <= LOCK_TRIES; tries++) {
    const lock = new FileLock(openLock(path, lockPath));
    if (lock.tryLock('exclusive') && isAt(lock.fd, lockPath)) return lock;
    lock.close();
    await sleep(LOCK_PAUSE);
  }
  throw new SocketFileError('SOCKET_UNAVAILABLE', path, `${lockPath} stays locked by another process`);
}

function openLock(path: string, lockPath: string): number {
  const {O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY} = constants;
  let fd: number;
  try {
    fd = openSync(lockPath, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (cause) {
    const why = `its lock ${lockPath} cannot be opened: ${(cause as NodeJS.ErrnoException).code}`;
    throw new SocketFileError('SOCKET_UNAVAILABLE', path, why, {cause});
  }
  const file = fstatSync(fd);
  if (file.isFile() && file.uid === process.geteuid!() && (file.mode & 0o077) === 0) return fd;
  closeSync(fd);
  throw new SocketFileError('SOCKET_UNAVAILABLE', path, `${lockPath} is in the way, and not ours alone`, {
    hint: `remove ${lockPath}, or choose another directory`,
  });
}

/** Whoever had the lock before us has removed its file. */
function isAt(fd: number, lockPath: string): boolean {
  const {dev, ino} = fstatSync(fd);
  const now = lstatSync(lockPath, {throwIfNoEntry: false});
  return now?.ino === ino && now.dev === dev;
}

function probe(path: string): ProbeResult {
  const answer = connect(path);
  if (answer === 'ENOENT') return {kind: 'gone'};
  if (answer === 'ECONNREFUSED') return {kind: 'dead'};
  if (answer === 'EPROTOTYPE') return {kind: 'taken', why: 'it is there already, and is a datagram socket'};
  if (answer !== undefined && answer !== 'EAGAIN')
    return {kind: 'taken', why: `what is there cannot be asked: ${answer}`};
  return {
    kind: 'taken',
    why: 'another server listens there',
    hint: 'end it first, or choose another ControlsSocket',
  };
}

/** Why a connection is refused; `undefined` when it was not. */
function connect(path: string): string | undefined {
  const fd = streamSocket();
  try {
    connectPath(fd, path);
    return undefined;
  } catch (error) {
    if (error instanceof SystemCallError) return error.code;
    throw error;
  } finally {
    closeDescriptor(fd);
  }
}
