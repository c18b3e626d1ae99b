import {posix} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {FtpdctlError} from '../../errors.ts';

/** What a listing tells of one entry. */
export interface FileFacts {
  readonly name: string;
  readonly kind: FileKind;
  /** Bytes; of a link those of its target's name. */
  readonly size: number;
  readonly modified: Date;
  /** Of the file's facts themselves (`ls -c`). */
  readonly changed: Date;
  /** Last read (`ls -u`). */
  readonly accessed: Date;
  /** Permission bits. */
  readonly mode: number;
  /** The same for two names of one file, and for nothing else (RFC 3659 §7.5.4). */
  readonly unique: string;
  /** Names that it has. */
  readonly links: number;
  /** Of a symbolic link: what it says, which need not be there. */
  readonly target?: string;
}

export type FileKind = 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';

/** Where a write begins, and whether it may meet a file. */
export type WriteMode =
  | {readonly kind: 'replace'}
  | {readonly kind: 'append'}
  | {readonly kind: 'new'}
  | {readonly kind: 'at'; readonly offset: number};

/**
 * The files that the mock server serves. Paths are absolute and normal (`/a/b`), as `resolvePath` makes them.
 * Every method rejects with `TreeError`; streams end with one, or with a system error.
 */
export interface FileTree {
  /** Of what a link leads to: never of a link. */
  facts(path: string): Promise<FileFacts>;
  /** Of the path's last part itself, be it a link. */
  ownFacts(path: string): Promise<FileFacts>;
  /** Links are what they are. */
  list(path: string): Promise<FileFacts[]>;
  /** The path without links: as `getcwd(3)` has it. */
  realPath(path: string): Promise<string>;
  /**
   * @param offset bytes to leave out, at most the file's size
   * @param length bytes to read, if they are there
   */
  read(path: string, offset: number, length?: number): Promise<Readable>;
  write(path: string, mode: WriteMode): Promise<Writable>;
  makeDirectory(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  changeMode(path: string, mode: number): Promise<void>;
  setModified(path: string, time: Date): Promise<void>;
}

/** What went wrong, in the C library's words, which FTP servers and their clients have always used. */
const ERRNO_TEXT = {
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ENOTREG: 'Not a regular file',
} as const;

export type TreeErrorCode = keyof typeof ERRNO_TEXT;

export class TreeError extends FtpdctlError {
  override readonly name = 'TreeError';
  declare readonly code: TreeErrorCode;

  constructor(code: TreeErrorCode, cause?: unknown) {
    super(code, ERRNO_TEXT[code], 1, {cause});
  }

  /** From a system error; unknown ones become EIO. The system's ELOOP is a link that O_NOFOLLOW met: EACCES. */
  static from(error: unknown): TreeError {
    if (error instanceof TreeError) return error;
    const code = (error as {code?: unknown} | null)?.code;
    if (code === 'ELOOP') return new TreeError('EACCES', error);
    return new TreeError(
      typeof code === 'string' && code in ERRNO_TEXT ? (code as TreeErrorCode) : 'EIO',
      error,
    );
  }
}

/** The absolute path that a client means; `..` ends at the root, as in a chroot. */
export function resolvePath(workingDirectory: string, path: string): string {
  return posix.resolve('/', workingDirectory, withHome(path));
}

/** `~` is the home directory of whoever has logged in: here the root. ProFTPD knows `~user`, too. */
export function withHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? `/${path.slice(2)}` : path;
}

/** The same tree without its changing half. */
export function readOnly(tree: FileTree): FileTree {
  const refuse = async (): Promise<never> => {
    throw new TreeError('EROFS');
  };
  return {
    facts: (path) => tree.facts(path),
    ownFacts: (path) => tree.ownFacts(path),
    list: (path) => tree.list(path),
    realPath: (path) => tree.realPath(path),
    read: (path, offset, length) => tree.read(path, offset, length),
    write: refuse,
    makeDirectory: refuse,
    removeDirectory: refuse,
    remove: refuse,
    rename: refuse,
    changeMode: refuse,
    setModified: refuse,
  };
}

/** RFC 3659 §2.3: YYYYMMDDHHMMSS in UTC. */
export function timeValue(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}

/** RFC 3659 §7.5, and UNIX.mode of ProFTPD, which tells no size of a directory. `undefined`: there is no such fact. */
const FACTS = {
  modify: (facts: FileFacts) => timeValue(facts.modified),
  perm: (facts: FileFacts) => (facts.kind === 'directory' ? 'flcdmpe' : 'adfrw'),
  size: (facts: FileFacts) => (facts.kind === 'directory' ? undefined : String(facts.size)),
  type: (facts: FileFacts) => listedType(facts),
  unique: (facts: FileFacts) => facts.unique,
  'UNIX.mode': (facts: FileFacts) => `0${facts.mode.toString(8)}`,
};

export type ListedFact = keyof typeof FACTS;

export const ALL_FACTS = Object.keys(FACTS) as ListedFact[];

/** `fact=value;… name`, with the facts that the client has chosen (RFC 3659 §7.2). */
export function writeFacts(
  chosen: readonly ListedFact[],
  facts: FileFacts,
  name: string,
  type = listedType(facts),
): string {
  const values = chosen.map((fact) => [fact, fact === 'type' ? type : FACTS[fact](facts)]);
  const written = values
    .filter(([, value]) => value !== undefined)
    .map(([fact, value]) => `${fact}=${value};`);
  return `${written.join('')} ${name}`;
}

/** FIFOs and the like are files to ProFTPD. */
function listedType({kind, name}: FileFacts): string {
  if (kind === 'link') return 'OS.unix=symlink';
  if (kind !== 'directory') return 'file';
  return name === '.' ? 'cdir' : name === '..' ? 'pdir' : 'dir';
}
