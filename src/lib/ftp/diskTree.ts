import {constants, type Stats} from 'node:fs';
import {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  unlink,
} from 'node:fs/promises';
import {join, posix, relative, sep} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {type FileFacts, type FileTree, TreeError, type WriteMode} from './tree.ts';

const {O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY} =
  constants;

/** Non-blocking, or opening a FIFO would hold one of the process's few file threads until somebody writes to it. */
const SAFE = O_NOFOLLOW | O_NONBLOCK;

/** A path's last part: the file itself, or the symbolic link of that name. */
type LastPart = 'followed' | 'as it is';

/**
 * A directory on disk that nothing leads out of.
 *
 * Symbolic links are followed as long as they stay inside. Each path is first resolved by the kernel and checked;
 * then the resolved path is walked from the root, one directory descriptor at a time, never through a link, and what
 * is to be done is done relative to the last descriptor. So a directory that is exchanged for a link in between is an
 * error, not a way out. Node has no openat(2): on Linux `/proc/self/fd/N/name` is the same. Elsewhere the resolved path
 * is used as it is, which leaves a window for somebody who can already write to the directory on the machine itself.
 */
export class DiskTree implements FileTree {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** @throws TreeError when there is no such directory */
  static async open(directory: string): Promise<DiskTree> {
    const root = await rejectAsTreeError(realpath(directory));
    const handle = await rejectAsTreeError(open(root, O_RDONLY | O_DIRECTORY));
    await handle.close();
    return new DiskTree(root);
  }

  async facts(path: string): Promise<FileFacts> {
    return this.#at(path, 'followed', async (place) => factsOf(posix.basename(path), await lstat(place)));
  }

  async list(path: string): Promise<FileFacts[]> {
    const found = await this.#at(path, 'followed', listDirectory);
    const entries: FileFacts[] = [];
    for (const {name, stats} of found) {
      if (stats.isFile() || stats.isDirectory()) entries.push(factsOf(name, stats));
      const target = stats.isSymbolicLink() ? await this.#entry(posix.join(path, name)) : undefined;
      if (target !== undefined) entries.push(target);
    }
    return entries;
  }

  async read(path: string, offset: number): Promise<Readable> {
    return this.#at(path, 'followed', async (place) => {
      const handle = await openFile(place, O_RDONLY);
      return handle.createReadStream({start: offset});
    });
  }

  async write(path: string, mode: WriteMode): Promise<Writable> {
    const exists = await this.#entry(path);
    return this.#at(path, exists === undefined ? 'as it is' : 'followed', async (place) => {
      const handle = await openFile(place, O_WRONLY | O_CREAT | flagsOf(mode));
      return handle.createWriteStream(mode.kind === 'at' ? {start: mode.offset} : {});
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#at(path, 'as it is', (place) => mkdir(place));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#at(path, 'as it is', (place) => rmdir(place));
  }

  remove(path: string): Promise<void> {
    return this.#at(path, 'as it is', async (place) => {
      if ((await lstat(place)).isDirectory()) throw new TreeError('EISDIR');
      await unlink(place);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#at(from, 'as it is', (source) =>
      this.#at(to, 'as it is', (target) => rename(source, target)),
    );
  }

  changeMode(path: string, mode: number): Promise<void> {
    return this.#at(path, 'followed', async (place) => {
      if (!(await lstat(place)).isSymbolicLink()) await chmod(place, mode);
    });
  }

  /** `undefined`: not there, or a link that leads nowhere or outside: to a client that is the same. */
  async #entry(path: string): Promise<FileFacts | undefined> {
    try {
      return await this.facts(path);
    } catch {
      return undefined;
    }
  }

  /** Do something with the file at `path`, under a name for it that cannot be led astray meanwhile. */
  async #at<T>(path: string, last: LastPart, act: (place: string) => Promise<T>): Promise<T> {
    if (path.includes('\0')) throw new TreeError('EINVAL');
    try {
      const parts = this.#inside(await this.#resolve(path, last));
      if (process.platform !== 'linux') return await act(join(this.#root, ...parts));
      const parent = await descend(this.#root, parts.slice(0, -1));
      try {
        return await act(`/proc/self/fd/${parent.fd}/${parts.at(-1) ?? '.'}`);
      } finally {
        await parent.close();
      }
    } catch (error) {
      throw TreeError.from(error);
    }
  }

  async #resolve(path: string, last: LastPart): Promise<string> {
    if (last === 'followed' || path === '/') return realpath(join(this.#root, path));
    return join(await realpath(join(this.#root, posix.dirname(path))), posix.basename(path));
  }

  #inside(real: string): string[] {
    const parts = relative(this.#root, real)
      .split(sep)
      .filter((part) => part !== '');
    if (parts[0] === '..') throw new TreeError('EACCES');
    return parts;
  }
}

async function descend(root: string, parts: readonly string[]): Promise<FileHandle> {
  let handle = await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  for (const part of parts) {
    const parent = handle;
    try {
      handle = await open(`/proc/self/fd/${parent.fd}/${part}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } finally {
      await parent.close();
    }
  }
  return handle;
}

/** One entry after the other: a large directory must not have the process's file threads to itself. */
async function listDirectory(place: string): Promise<{name: string; stats: Stats}[]> {
  const handle = await open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const folder = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : place;
    const entries = [];
    for (const name of await readdir(folder)) {
      const stats = await lstat(join(folder, name)).catch(() => undefined);
      if (stats !== undefined) entries.push({name, stats});
    }
    return entries;
  } finally {
    await handle.close();
  }
}

/** Devices, sockets and FIFOs are not files to a client; opening some of them has effects, so look first. */
async function openFile(place: string, flags: number): Promise<FileHandle> {
  const stats = await lstat(place).catch(() => undefined);
  if (stats?.isDirectory()) throw new TreeError((flags & O_WRONLY) === 0 ? 'ENOTREG' : 'EISDIR');
  if (stats !== undefined && !stats.isFile()) throw new TreeError('ENOTREG');
  const handle = await open(place, flags | SAFE, 0o644);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new TreeError('ENOTREG');
}

function flagsOf(mode: WriteMode): number {
  if (mode.kind === 'replace') return O_TRUNC;
  if (mode.kind === 'append') return O_APPEND;
  return mode.kind === 'new' ? O_EXCL : 0;
}

function factsOf(name: string, stats: Stats): FileFacts {
  if (!stats.isFile() && !stats.isDirectory()) throw new TreeError('ENOTREG');
  return {
    name,
    kind: stats.isDirectory() ? 'directory' : 'file',
    size: stats.isFile() ? stats.size : 0,
    modified: stats.mtime,
    mode: stats.mode & 0o7777,
    unique: `${stats.dev.toString(16)}U${stats.ino.toString(16)}`,
  };
}

async function rejectAsTreeError<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw TreeError.from(error);
  }
}
