import {constants, openSync, type Stats} from 'node:fs';
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

/** Non-blocking: opening a FIFO would block one of the process's few file threads until it has a writer. */
const SAFE = O_NOFOLLOW | O_NONBLOCK;

/** Linux: a descriptor that says which file is meant, and does nothing to it, whatever it is. Node has no name for it. */
const O_PATH = 0x200000;

/** A path's last part: the file itself, or the symbolic link of that name. */
type LastPart = 'followed' | 'as it is';

/**
 * A directory on disk that no path leads out of.
 *
 * Symbolic links are followed as long as they stay inside. Each path is first resolved by the kernel and checked;
 * then the resolved path is walked from the root, one directory descriptor at a time, never through a link, and the
 * operation is done relative to the last descriptor. A directory that is replaced by a link in between is therefore an
 * error; and a file is checked by the descriptor through which it is then opened or changed. The root is a descriptor,
 * too: it stays the same directory. Node has no openat(2): on Linux `/proc/self/fd/N/name` is the same. Elsewhere the
 * resolved path is used as it is, which leaves a race for a local user who can write to the directory.
 */
export class DiskTree implements FileTree {
  /** A name of the root: by its descriptor, which is open as long as the process, where there is such a name. */
  readonly #root: string;

  private constructor(directory: string) {
    const descriptor = openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    this.#root = process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : directory;
  }

  /** @throws TreeError when there is no such directory */
  static async open(directory: string): Promise<DiskTree> {
    try {
      return new DiskTree(await realpath(directory));
    } catch (error) {
      throw TreeError.from(error);
    }
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
    return this.#at(path, 'followed', (place) => changeModeOf(place, mode));
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
      const parts = await this.#resolve(path, last);
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

  /** The parts of a path without links, from the root on. */
  async #resolve(path: string, last: LastPart): Promise<string[]> {
    const root = await realpath(this.#root);
    if (last === 'followed' || path === '/') return inside(root, await realpath(join(this.#root, path)));
    return [...inside(root, await realpath(join(this.#root, posix.dirname(path)))), posix.basename(path)];
  }
}

function inside(root: string, real: string): string[] {
  const parts = relative(root, real)
    .split(sep)
    .filter((part) => part !== '');
  if (parts[0] === '..') throw new TreeError('EACCES');
  return parts;
}

async function descend(root: string, parts: readonly string[]): Promise<FileHandle> {
  let handle = await open(root, O_RDONLY | O_DIRECTORY);
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
  const found = (flags & O_EXCL) === 0 ? await identify(place) : undefined;
  if (found === undefined) return checkedFile(await open(place, flags | SAFE, 0o644));
  try {
    const stats = await found.handle.stat();
    if (stats.isDirectory()) throw new TreeError((flags & O_WRONLY) === 0 ? 'ENOTREG' : 'EISDIR');
    if (!stats.isFile()) throw new TreeError('ENOTREG');
    return checkedFile(await open(found.place, (flags & ~O_CREAT) | O_NONBLOCK));
  } finally {
    await found.handle.close();
  }
}

async function checkedFile(handle: FileHandle): Promise<FileHandle> {
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new TreeError('ENOTREG');
}

async function changeModeOf(place: string, mode: number): Promise<void> {
  const found = await identify(place);
  const handle = found?.handle ?? (await open(place, O_RDONLY | SAFE));
  try {
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isDirectory()) throw new TreeError('ENOTREG');
    // fchmod(2) takes no such descriptor; its name in /proc is the file itself, not whatever has the old name now.
    if (found === undefined) await handle.chmod(mode);
    else await chmod(found.place, mode);
  } finally {
    await handle.close();
  }
}

/** A descriptor of the file, and its path in /proc, which no rename changes; `undefined`: no such file, or not Linux. */
async function identify(place: string): Promise<{handle: FileHandle; place: string} | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const handle = await open(place, O_PATH | O_NOFOLLOW);
    return {handle, place: `/proc/self/fd/${handle.fd}`};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
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
