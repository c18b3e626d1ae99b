import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import {userInfo} from 'node:os';
import {join} from 'node:path';

/**
 * Files that this program keeps for its user between runs: caches and memories. What is read from them is trusted, even
 * run as code; and under `sudo` or in a service the environment may name the home of somebody else. So nobody but us
 * and root can have had a hand in them: every directory on the way is opened from its parent's descriptor, without
 * following a link, and judged by its own descriptor; so is the file. Where that cannot be done, nothing is kept.
 */
export interface OwnDirectory {
  /** Absolute, without `.` and `..`. */
  readonly path: string;
  /** So many of its last names are made where they are missing. Those before must be there. */
  readonly makes: number;
  /** Others may look into those that are made. */
  readonly isReadable?: boolean;
}

/**
 * For `ftpdctl` in a directory of the XDG base directory specification, whose relative paths do not count.
 * @returns `null` where nothing may be kept: without an absolute home, and for root outside root's own, whose
 * contents another user may serve (FUSE) or replace
 */
export function xdgDirectory(env: NodeJS.ProcessEnv, kind: XdgKind): OwnDirectory | null {
  const {variable, inHome} = XDG[kind];
  const base = env[variable];
  const directory = base?.startsWith('/')
    ? {path: join(base, 'ftpdctl'), makes: 2}
    : below(homeIn(env), inHome);
  if (directory === null || process.geteuid?.() !== 0) return directory;
  const own = accountHome();
  return own !== undefined && directory.path.startsWith(join(own, '/')) ? directory : null;
}

type XdgKind = 'cache' | 'config' | 'state';

const XDG: Readonly<Record<XdgKind, {readonly variable: string; readonly inHome: readonly string[]}>> = {
  cache: {variable: 'XDG_CACHE_HOME', inHome: ['.cache']},
  config: {variable: 'XDG_CONFIG_HOME', inHome: ['.config']},
  state: {variable: 'XDG_STATE_HOME', inHome: ['.local', 'state']},
};

function homeIn(env: NodeJS.ProcessEnv): string | undefined {
  return env['HOME'] ?? accountHome();
}

function below(home: string | undefined, names: readonly string[]): OwnDirectory | null {
  return home?.startsWith('/') ? {path: join(home, ...names, 'ftpdctl'), makes: names.length + 1} : null;
}

let account: {readonly home: string | undefined} | undefined;

/** The home directory of the account database, asked once; none for a uid that is not in it. */
function accountHome(): string | undefined {
  account ??= {home: askHome()};
  return account.home;
}

function askHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** What stands in one's own file; `undefined` when it is absent, unreadable or could be somebody else's. */
export function readOwnFile(directory: OwnDirectory, name: string): Buffer | undefined {
  return inside({...directory, makes: 0}, (at) =>
    // A pipe in its place must not make us wait for a writer.
    using(
      openSync(`${at}/${name}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW),
      (fd) => (isOwnFile(fstatSync(fd)) ? readFileSync(fd) : undefined),
    ),
  );
}

/**
 * What stands in a file that root or the user has written by hand, and nobody else could have; `undefined` where there is
 * none.
 * @param directory absolute
 * @param limit bytes
 * @throws Error that says why it is not read
 */
export function readTrustedFile(directory: string, name: string, limit: number): Buffer | undefined {
  if (!existsSync(join(directory, name))) return undefined;
  return using(openOwnDirectory({path: directory, makes: 0}, isPrivate), (parent) =>
    using(
      openSync(`${pathOf(parent)}/${name}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW),
      (fd) => {
        const stat = fstatSync(fd);
        if (!stat.isFile()) throw new Error('it is not a regular file');
        if (!isPrivate(stat)) throw new Error('another user can change it');
        if (stat.size > limit) throw new Error(`it has more than ${limit} bytes`);
        return readFileSync(fd);
      },
    ),
  );
}

/** A second name may stand where others can reach the file. */
function isOwnFile(stat: Stats): boolean {
  return stat.isFile() && stat.uid === process.geteuid?.() && stat.nlink === 1 && (stat.mode & 0o022) === 0;
}

/** Replace a file at once, with mode 0600. Best effort: whether it was written. */
export function writeOwnFile(directory: OwnDirectory, name: string, content: string | Buffer): boolean {
  const written = inside(directory, (at) => {
    const fresh = `${at}/${name}.${process.pid}`;
    return using(openSync(fresh, 'wx', 0o600), (fd) => {
      try {
        writeFileSync(fd, content);
        renameSync(fresh, `${at}/${name}`);
      } catch (error) {
        rmSync(fresh, {force: true});
        throw error;
      }
      return true;
    });
  });
  return written === true;
}

/** @param use is given a path that means the directory itself, whatever its name comes to mean */
function inside<T>(directory: OwnDirectory, use: (at: string) => T): T | undefined {
  try {
    return using(openOwnDirectory(directory, isPrivate), (fd) => use(pathOf(fd)));
  } catch {
    return undefined;
  }
}

/** Close a descriptor after it was used. */
export function using<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** `O_PATH` of Linux: a directory that may be passed through but not listed is no obstacle. */
const O_PATH = 0x20_00_00;
const STEP = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Go down from the root, one descriptor after the other.
 * @param trusted judges each directory on the way, the last one too
 * @returns the descriptor of the directory; to be closed
 * @throws when one is missing, a link, or not trusted; and where there is no /proc of Linux to go by
 */
export function openOwnDirectory(
  {path, makes, isReadable = false}: OwnDirectory,
  trusted: (stat: Stats) => boolean,
): number {
  const names = path.split('/').filter((name) => name !== '');
  if (process.platform !== 'linux' || !path.startsWith('/'))
    throw new Error(`not to be opened safely: ${path}`);
  let fd = openTrusted('/', '/', trusted);
  for (const [index, name] of names.entries()) {
    fd = using(fd, (parent) => {
      const at = `${pathOf(parent)}/${name}`;
      if (index >= names.length - makes) makeDirectory(at, isReadable);
      return openTrusted(at, `/${names.slice(0, index + 1).join('/')}`, trusted);
    });
  }
  return fd;
}

function openTrusted(at: string, path: string, trusted: (stat: Stats) => boolean): number {
  const fd = openSync(at, STEP);
  if (trusted(fstatSync(fd))) return fd;
  closeSync(fd);
  throw new Error(`another user can change ${path}`);
}

function makeDirectory(path: string, isReadable: boolean): void {
  try {
    mkdirSync(path, {mode: 0o700});
    // Whatever our umask.
    if (isReadable) chmodSync(path, 0o755);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** What `openat` would take as two arguments. */
function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Whether nobody but us and root can change what is in a directory. */
export function isPrivate({uid, mode}: Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & 0o022) === 0;
}
