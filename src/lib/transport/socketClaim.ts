import {closeSync, lstatSync, openSync, realpathSync, type Stats, statSync, unlinkSync} from 'node:fs';
import {dirname} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {FtpdctlError} from '../errors.ts';
import {
  closeDescriptor,
  connectPath,
  libc,
  MAX_SOCKET_PATH_BYTES,
  SystemCallError,
  streamSocket,
} from './libc.ts';

const flock = libc.func('int flock(int fd, int operation)');
const LOCK_EX_NB = 2 | 4;
/** Whoever claims a socket holds the lock for less than a millisecond. Milliseconds. */
const LOCK_PAUSE = 20;
const LOCK_TRIES = 100;

/** The place of a socket cannot be had. */
export class SocketClaimError extends FtpdctlError {
  override readonly name = 'SocketClaimError';

  constructor(path: string, why: string, options: {cause?: unknown; hint?: string} = {}) {
    super('SOCKET_UNAVAILABLE', `cannot listen at ${path}: ${why}`, 1, options);
  }
}

/**
 * Bind a listening socket at a path, unless a process listens there already. The socket of one that has died is
 * replaced; anything else that stands there is left alone.
 *
 * Two that claim the same path at once take turns, by a lock on the directory that the kernel drops with its holder:
 * without it, both could find a dead socket, and the slower one would remove the live socket of the faster.
 *
 * @param bind called at most once, when nothing stands at the path; must not wait
 * @throws SocketClaimError; SystemCallError and whatever else `bind` throws
 */
export async function claimSocketPath<T>(path: string, bind: () => T): Promise<T> {
  checkLength(path);
  checkDirectories(path);
  const lock = await lockDirectory(path);
  try {
    removeStale(path);
    return bind();
  } finally {
    closeSync(lock);
  }
}

function checkLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  const why = `the path has ${bytes} bytes, and ${MAX_SOCKET_PATH_BYTES} are the most for a Unix socket`;
  throw new SocketClaimError(path, why, {hint: 'choose a shorter directory'});
}

/**
 * Who may write to a directory above the socket could put another in its place. The members of root's group and of
 * our own primary one are no strangers; where the sticky bit is set (`/tmp`), strangers cannot replace what is ours.
 */
function checkDirectories(path: string): void {
  for (const directory of directoriesAbove(path)) {
    const {mode, gid} = statSync(directory);
    const strangers =
      (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0 && gid !== process.getegid?.());
    if (!strangers || (mode & 0o1000) !== 0) continue;
    throw new SocketClaimError(path, `others may write to the directory ${directory}`, {
      hint: `chmod go-w ${directory}, or choose another ControlsSocket`,
    });
  }
}

/** All directories on the way, as written and with symbolic links followed. */
function directoriesAbove(path: string): Set<string> {
  const found = new Set<string>();
  try {
    for (let each of [dirname(path), realpathSync(dirname(path))]) {
      for (; !found.has(each); each = dirname(each)) found.add(each);
    }
  } catch (cause) {
    const {code} = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such directory' : `its directory cannot be used: ${code}`;
    throw new SocketClaimError(path, why, {cause});
  }
  return found;
}

async function lockDirectory(path: string): Promise<number> {
  const fd = openDirectory(path);
  for (let tries = 1; flock(fd, LOCK_EX_NB) < 0; tries++) {
    if (tries === LOCK_TRIES) {
      closeSync(fd);
      throw new SocketClaimError(path, `the directory ${dirname(path)} stays locked by another process`);
    }
    await sleep(LOCK_PAUSE);
  }
  return fd;
}

function openDirectory(path: string): number {
  try {
    return openSync(dirname(path), 'r');
  } catch (cause) {
    throw new SocketClaimError(
      path,
      `its directory cannot be read: ${(cause as NodeJS.ErrnoException).code}`,
      {
        cause,
      },
    );
  }
}

function removeStale(path: string): void {
  const file = lstatSync(path, {throwIfNoEntry: false});
  if (file === undefined) return;
  if (!file.isSocket()) throw new SocketClaimError(path, `it is there already, and is ${kindOf(file)}`);
  const answer = knock(path);
  if (answer === 'ENOENT') return;
  if (answer === 'EPROTOTYPE')
    throw new SocketClaimError(path, 'it is there already, and is a datagram socket');
  if (answer !== 'ECONNREFUSED') {
    const listens = answer === undefined || answer === 'EAGAIN';
    const why = listens ? 'another server listens there' : `what stands there cannot be asked: ${answer}`;
    throw new SocketClaimError(
      path,
      why,
      listens ? {hint: 'end it first, or choose another ControlsSocket'} : {},
    );
  }
  remove(path);
}

/** Where the sticky bit is set, a dead socket is removed by its owner only. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    const why = `a dead socket is in the way and cannot be removed: ${(cause as NodeJS.ErrnoException).code}`;
    throw new SocketClaimError(path, why, {cause, hint: 'remove it, or choose another ControlsSocket'});
  }
}

/** Why nobody lets us in; `undefined` when somebody did. */
function knock(path: string): string | undefined {
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

function kindOf(file: Stats): string {
  if (file.isSymbolicLink()) return 'a symbolic link';
  return file.isDirectory() ? 'a directory' : 'no socket';
}
