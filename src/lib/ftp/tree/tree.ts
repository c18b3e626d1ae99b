import {posix} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {FtpdctlError} from '../../errors.ts';

/** What a listing tells of one entry. */
export interface FileFacts {
  readonly name: string;
  readonly kind: 'file' | 'directory';
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
  /** Permission bits. */
  readonly mode: number;
  /** The same for two names of one file, and for nothing else (RFC 3659 §7.5.4). */
  readonly unique: string;
}

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
  facts(path: string): Promise<FileFacts>;
  list(path: string): Promise<FileFacts[]>;
  /** @param offset bytes to leave out, at most the file's size */
  read(path: string, offset: number): Promise<Readable>;
  write(path: string, mode: WriteMode): Promise<Writable>;
  makeDirectory(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  changeMode(path: string, mode: number): Promise<void>;
}

/** What went wrong, in the C library's words, which FTP servers and their clients have always used. */
const ERRNO_TEXT = {
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
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

  /** From a system error; unknown ones become EIO. ELOOP is a symbolic link that O_NOFOLLOW met: EACCES. */
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
  return posix.resolve('/', workingDirectory, path);
}

/** The same tree without its changing half. */
export function readOnly(tree: FileTree): FileTree {
  const refuse = async (): Promise<never> => {
    throw new TreeError('EROFS');
  };
  return {
    facts: (path) => tree.facts(path),
    list: (path) => tree.list(path),
    read: (path, offset) => tree.read(path, offset),
    write: refuse,
    makeDirectory: refuse,
    removeDirectory: refuse,
    remove: refuse,
    rename: refuse,
    changeMode: refuse,
  };
}

/** RFC 3659 §2.3: YYYYMMDDHHMMSS in UTC. */
export function timeValue(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}

/** RFC 3659 §7.5, and UNIX.mode of ProFTPD. */
const FACTS = {
  modify: (facts: FileFacts) => timeValue(facts.modified),
  perm: (facts: FileFacts) => (facts.kind === 'file' ? 'adfrw' : 'cdeflmp'),
  size: (facts: FileFacts) => String(facts.size),
  type: (facts: FileFacts) => listedType(facts),
  unique: (facts: FileFacts) => facts.unique,
  'UNIX.mode': (facts: FileFacts) => `0${facts.mode.toString(8)}`,
};

export type ListedFact = keyof typeof FACTS;

export const ALL_FACTS = Object.keys(FACTS) as ListedFact[];

/** `fact=value;… name`, with the facts that the client has chosen (RFC 3659 §7.2). */
export function writeFacts(chosen: readonly ListedFact[], facts: FileFacts, name: string): string {
  return `${chosen.map((fact) => `${fact}=${FACTS[fact](facts)};`).join('')} ${name}`;
}

function listedType({kind, name}: FileFacts): string {
  if (kind === 'file') return 'file';
  return name === '.' ? 'cdir' : name === '..' ? 'pdir' : 'dir';
}
