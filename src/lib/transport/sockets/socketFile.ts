import {lstatSync, realpathSync, type Stats, statSync, unlinkSync} from 'node:fs';
import {dirname} from 'node:path';
import {FtpdctlError} from '../../errors.ts';

/*
 * Where a Unix socket may be bound, what it may replace, and whose file it is afterwards: one policy for the stream
 * socket of the controls and the datagram sockets of the session queue.
 */

/** Bytes of a socket's path: `sun_path` less its terminating NUL (108 bytes on Linux, 104 on FreeBSD). */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'freebsd' ? 103 : 107;

export type SocketFileErrorCode =
  | 'SOCKET_PATH_TOO_LONG'
  | 'SOCKET_DIRECTORY'
  | 'SOCKET_TAKEN'
  | 'SOCKET_UNAVAILABLE';

/** A path where no socket can be bound, and why. */
export class SocketFileError extends FtpdctlError {
  override readonly name = 'SocketFileError';

  constructor(
    override readonly code: SocketFileErrorCode,
    path: string,
    why: string,
    options: {cause?: unknown; hint?: string} = {},
  ) {
    super(code, `cannot listen at ${path}: ${why}`, 1, options);
  }
}

/** @throws SocketFileError for a path that the kernel would refuse, or the package unix-dgram would cut */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  const why = `the path has ${bytes} bytes, and ${MAX_SOCKET_PATH_BYTES} are the most for a Unix socket`;
  throw new SocketFileError('SOCKET_PATH_TOO_LONG', path, why, {hint: 'choose a shorter directory'});
}

/**
 * Who may write to a directory above the socket could put another in its place. The members of root's group and of
 * our own primary one are no strangers; where the sticky bit is set (`/tmp`), strangers cannot replace what is ours.
 *
 * @throws SocketFileError
 */
export function checkSocketDirectory(path: string): void {
  for (const [directory, {mode, gid}] of directoriesAbove(path)) {
    const strangers =
      (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0 && gid !== process.getegid?.());
    if (!strangers || (mode & 0o1000) !== 0) continue;
    throw new SocketFileError('SOCKET_DIRECTORY', path, `others may write to the directory ${directory}`, {
      hint: `chmod go-w ${directory}, or choose another directory`,
    });
  }
}

/** All directories on the way, as written and with symbolic links followed. */
function directoriesAbove(path: string): Map<string, Stats> {
  const found = new Map<string, Stats>();
  try {
    for (let each of [dirname(path), realpathSync.native(`${dirname(path)}/`)]) {
      for (; !found.has(each); each = dirname(each)) found.set(each, statSync(each));
    }
  } catch (cause) {
    const {code} = cause as NodeJS.ErrnoException;
    const missing = code === 'ENOENT';
    const why = missing ? 'there is no such directory (ENOENT)' : `its directory cannot be used: ${code}`;
    throw new SocketFileError('SOCKET_DIRECTORY', path, why, {
      cause,
      ...(missing ? {hint: `mkdir -p -m 755 ${dirname(path)}`} : {}),
    });
  }
  return found;
}

/** What a probe finds out about the socket that is at a path already. */
export type ProbeResult =
  /** Nobody listens any more: its file may be replaced. */
  | {readonly kind: 'dead'}
  /** The file has gone meanwhile. */
  | {readonly kind: 'gone'}
  | {readonly kind: 'taken'; readonly why: string; readonly hint?: string};

/**
 * Make room for a socket: remove the file of one that nobody listens at. Anything else at the path is left alone.
 *
 * @returns when the socket was made whose file was removed
 * @throws SocketFileError
 */
export function replaceStale(path: string, probe: (file: Stats) => ProbeResult): Date | null {
  const file = lstatSync(path, {throwIfNoEntry: false});
  if (file === undefined) return null;
  if (!file.isSocket()) {
    throw new SocketFileError('SOCKET_TAKEN', path, `it is there already, and is ${kindOf(file)}`);
  }
  const found = probe(file);
  if (found.kind === 'gone') return null;
  if (found.kind === 'taken') {
    const {why, hint} = found;
    throw new SocketFileError('SOCKET_TAKEN', path, why, hint === undefined ? {} : {hint});
  }
  removeDead(path);
  return file.mtime;
}

/** Where the sticky bit is set, a dead socket is removed by its owner only. */
function removeDead(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    const {code} = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    const why = `a dead socket is in the way and cannot be removed: ${code}`;
    throw new SocketFileError('SOCKET_TAKEN', path, why, {cause, hint: 'remove it, or choose another path'});
  }
}

function kindOf(file: Stats): string {
  if (file.isSymbolicLink()) return 'a symbolic link';
  return file.isDirectory() ? 'a directory' : 'not a socket';
}

const files = new Set<SocketFile>();

/** The file of a socket that this process has bound. It is removed at the latest when the process exits. */
export class SocketFile {
  readonly #inode: Pick<Stats, 'dev' | 'ino'> | undefined;

  /** @param path where a socket has just been bound */
  constructor(readonly path: string) {
    this.#inode = lstat(path);
    if (files.size === 0) process.on('exit', removeAll);
    files.add(this);
  }

  /** Whether the name still leads to this socket. */
  get isStillOurs(): boolean {
    const now = lstat(this.path);
    return now !== undefined && now.ino === this.#inode?.ino && now.dev === this.#inode.dev;
  }

  /** Leave it where it is, as a process that has died does. */
  leave(): void {
    files.delete(this);
    if (files.size === 0) process.off('exit', removeAll);
  }

  /** Remove it, if it is still ours and ours to remove. Never throws; may be called twice. */
  remove(): void {
    this.leave();
    if (!this.isStillOurs) return;
    try {
      unlinkSync(this.path);
    } catch {}
  }
}

function removeAll(): void {
  for (const file of files) file.remove();
}

/** What cannot be looked at counts as absent. */
function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, {throwIfNoEntry: false});
  } catch {
    return undefined;
  }
}
