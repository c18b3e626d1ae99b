import {constants, openSync, type Stats} from 'node:fs';
import {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rmdir,
  unlink,
  utimes,
} from 'node:fs/promises';
import {posix} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {octetsOf, textOf} from '../octets.ts';
import {type FileFacts, type FileKind, type FileTree, TreeError, type WriteMode} from './tree.ts';

const {O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY} =
  constants;

/** Non-blocking: opening a FIFO would block one of the process's few file threads until it has a writer. */
const SAFE = O_NOFOLLOW | O_NONBLOCK;

/** Linux: a descriptor that says which file is meant, and does nothing to it, whatever it is. Node has no name for it. */
const O_PATH = 0x200000;

/** Links in one path, as Linux counts them (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** A path's last part: the file itself, or the symbolic link of that name. */
type LastPart = 'followed' | 'as it is';

/** Names are octets, and need not be UTF-8. */
type Place = string | Buffer;

/**
 * A directory on disk that no path leads out of.
 *
 * Symbolic links are followed as in a chroot: an absolute one from this root, and `..` ends at it. The kernel would not know
 * of that, so each path is walked from the root, one directory descriptor at a time and never through a link: a link is read,
 * and its target walked from the root again. The operation is then done relative to the last descriptor. A directory that
 * is replaced by a link in between is therefore an error; and a file is checked by the descriptor through which it is then
 * opened or changed. The root is a descriptor, too: it stays the same directory. Node has no openat(2): on Linux
 * `/proc/self/fd/N/name` is the same. Elsewhere the walked path is used as it is, which leaves a race for a local user who
 * can write to the directory.
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

  facts(path: string): Promise<FileFacts> {
    return this.#at(path, 'followed', async (place) => {
      const facts = await factsAt(place, posix.basename(path));
      if (facts.kind === 'link') throw new TreeError('EACCES');
      return facts;
    });
  }

  ownFacts(path: string): Promise<FileFacts> {
    return this.#at(path, 'as it is', (place) => factsAt(place, posix.basename(path)));
  }

  list(path: string): Promise<FileFacts[]> {
    return this.#at(path, 'followed', listDirectory);
  }

  async realPath(path: string): Promise<string> {
    return this.#walked(path, 'followed', async (parts, place) => {
      await lstat(place);
      return `/${parts.join('/')}`;
    });
  }

  async read(path: string, offset: number, length?: number): Promise<Readable> {
    return this.#at(path, 'followed', async (place) => {
      const handle = await openFile(place, O_RDONLY);
      return handle.createReadStream({
        start: offset,
        ...(length === undefined ? {} : {end: offset + length - 1}),
      });
    });
  }

  async write(path: string, mode: WriteMode): Promise<Writable> {
    const exists = await this.#exists(path);
    return this.#at(path, exists ? 'followed' : 'as it is', async (place) => {
      const handle = await openFile(place, O_WRONLY | O_CREAT | flagsOf(mode));
      return handle.createWriteStream(mode.kind === 'at' ? {start: mode.offset} : {});
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#at(path, 'as it is', (place) => mkdir(place));
  }

  async removeDirectory(path: string): Promise<void> {
    if (path === '/') throw new TreeError('EBUSY');
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
    return this.#at(path, 'followed', (place) =>
      change(
        place,
        (handle) => handle.chmod(mode),
        (own) => chmod(own, mode),
      ),
    );
  }

  setModified(path: string, time: Date): Promise<void> {
    return this.#at(path, 'followed', (place) =>
      change(
        place,
        async (handle) => handle.utimes((await handle.stat()).atime, time),
        (own, {atime}) => utimes(own, atime, time),
      ),
    );
  }

  /** A link that leads nowhere is not there. */
  async #exists(path: string): Promise<boolean> {
    try {
      await this.facts(path);
      return true;
    } catch {
      return false;
    }
  }

  /** Do something with the file at `path`, under a name for it that cannot be led astray meanwhile. */
  #at<T>(path: string, last: LastPart, act: (place: Place) => Promise<T>): Promise<T> {
    return this.#walked(path, last, (_parts, place) => act(place));
  }

  async #walked<T>(
    path: string,
    last: LastPart,
    act: (parts: readonly string[], place: Place) => Promise<T>,
  ): Promise<T> {
    if (path.includes('\0')) throw new TreeError('EINVAL');
    try {
      let parts = partsOf(path);
      for (let links = 0; links <= MAX_LINKS; links++) {
        const found = await walk(this.#root, parts, last, act);
        if (found.kind === 'done') return found.result;
        parts = found.parts;
      }
    } catch (error) {
      throw TreeError.from(error);
    }
    throw new TreeError('ELOOP');
  }
}

type Walk<T> =
  | {readonly kind: 'done'; readonly result: T}
  | {readonly kind: 'link'; readonly parts: string[]};

/** Down to the last part and do something there; or up to the first link: then the parts to walk instead. */
async function walk<T>(
  root: string,
  parts: readonly string[],
  last: LastPart,
  act: (parts: readonly string[], place: Place) => Promise<T>,
): Promise<Walk<T>> {
  let directory = await openDirectory(root, 0);
  try {
    for (const [index, part] of parts.entries()) {
      if (part === '..') return {kind: 'link', parts: joined(parts, index, '..')};
      const place = join(directory.name, part);
      const isLast = index === parts.length - 1;
      if (isLast && last === 'as it is') break;
      const next = isLast ? undefined : await openDirectory(place).catch(ifNoLink);
      const target = next instanceof Error || isLast ? await targetOf(place) : undefined;
      if (target !== undefined) return {kind: 'link', parts: joined(parts, index, target)};
      if (next instanceof Error) throw next;
      if (next === undefined) break;
      await directory.close();
      directory = next;
    }
    return {kind: 'done', result: await act(parts, join(directory.name, parts.at(-1) ?? '.'))};
  } finally {
    await directory.close();
  }
}

/** The error that a link in place of a directory makes; others are thrown. */
function ifNoLink(error: unknown): Error {
  const {code} = error as NodeJS.ErrnoException;
  if (code === 'ENOTDIR' || code === 'ELOOP') return error as Error;
  throw error;
}

/**
 * Where a link leads, at the place of one part: from the root, or from the directory that it is in. What has been walked
 * has no links, so `..` may take it away at once; behind a name it has to wait until that name has been walked.
 */
function joined(parts: readonly string[], index: number, target: string): string[] {
  const walked = target.startsWith('/') ? [] : parts.slice(0, index);
  const ahead = [...partsOf(target), ...parts.slice(index + 1)];
  while (ahead[0] === '..') {
    ahead.shift();
    walked.pop();
  }
  return [...walked, ...ahead];
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** `undefined`: no link is there. */
async function targetOf(place: Place): Promise<string | undefined> {
  try {
    return textOf(await readlink(place, 'buffer'));
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'EINVAL' || code === 'ENOENT') return undefined;
    throw error;
  }
}

interface Directory {
  /** Its name, which no rename changes where it is one of its descriptor. */
  readonly name: Place;
  close(): Promise<void>;
}

async function openDirectory(place: Place, flags = O_NOFOLLOW): Promise<Directory> {
  const handle = await open(place, O_RDONLY | O_DIRECTORY | flags);
  return {
    name: process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : place,
    close: () => handle.close(),
  };
}

function join(directory: Place, name: string): Place {
  if (typeof directory === 'string' && name.isWellFormed()) return `${directory}/${name}`;
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), octetsOf(name)]);
}

/** One entry after the other: a large directory must not have the process's file threads to itself. */
async function listDirectory(place: Place): Promise<FileFacts[]> {
  const directory = await openDirectory(place);
  try {
    const entries: FileFacts[] = [];
    for (const octets of await readdir(directory.name, 'buffer')) {
      const name = textOf(octets);
      const facts = await factsAt(join(directory.name, name), name).catch(() => undefined);
      if (facts !== undefined) entries.push(facts);
    }
    return entries;
  } finally {
    await directory.close();
  }
}

/** Devices, sockets and FIFOs are not files to a client; opening some of them has effects, so look first. */
async function openFile(place: Place, flags: number): Promise<FileHandle> {
  const found = (flags & O_EXCL) === 0 ? await identify(place) : undefined;
  if (found === undefined) return checkedFile(await open(place, flags | SAFE, 0o644));
  try {
    const stats = await found.handle.stat();
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

/** fchmod(2) takes no such descriptor; its name in /proc is the file itself, not whatever has the old name now. */
async function change(
  place: Place,
  byHandle: (handle: FileHandle) => Promise<void>,
  byName: (place: string, stats: Stats) => Promise<void>,
): Promise<void> {
  const found = await identify(place);
  const handle = found?.handle ?? (await open(place, O_RDONLY | SAFE));
  try {
    const stats = await handle.stat();
    // A FIFO is no file to a client, and yet has a mode and a time, as in ProFTPD; nothing is opened.
    if (!stats.isFile() && !stats.isDirectory() && !stats.isFIFO()) throw new TreeError('ENOTREG');
    if (found === undefined) await byHandle(handle);
    else await byName(found.place, stats);
  } finally {
    await handle.close();
  }
}

/** A descriptor of the file, and its path in /proc, which no rename changes; `undefined`: no such file, or not Linux. */
async function identify(place: Place): Promise<{handle: FileHandle; place: string} | undefined> {
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

async function factsAt(place: Place, name: string): Promise<FileFacts> {
  const stats = await lstat(place);
  const target = stats.isSymbolicLink() ? await targetOf(place) : undefined;
  if (stats.isSymbolicLink() && target === undefined) throw new TreeError('ENOENT');
  return {
    name,
    kind: kindOf(stats),
    size: stats.size,
    modified: stats.mtime,
    changed: stats.ctime,
    accessed: stats.atime,
    mode: stats.mode & 0o7777,
    unique: `${stats.dev.toString(16)}U${stats.ino.toString(16)}`,
    links: stats.nlink,
    ...(target === undefined ? {} : {target}),
  };
}

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}
