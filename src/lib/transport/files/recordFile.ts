import {
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import {openOwnDirectory, using} from './ownFile.ts';
import {isLasting} from './runtimeDirectory.ts';

/**
 * A file that says what a running program has changed of its machine, for whoever must put it right when that program was
 * ended in between. It is trusted as the user who wrote it, so nobody else can have had a hand in it.
 */
export interface RecordFile {
  /** Absolute; its last name is made where it is missing. */
  readonly directory: string;
  readonly name: string;
  /** Others may read it. */
  readonly isReadable: boolean;
}

/** Write one where there is none. @returns whether there was none. @throws NodeJS.ErrnoException, Error */
export function createRecord(file: RecordFile, content: string): boolean {
  return inDirectory(file, (at) => {
    const fresh = writeFresh(at, file, content);
    try {
      // link(2) takes the place of nothing that is there.
      linkSync(fresh, `${at}/${file.name}`);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(fresh, {force: true});
    }
  });
}

/** Replace one at once. @throws NodeJS.ErrnoException, Error */
export function replaceRecord(file: RecordFile, content: string): void {
  inDirectory(file, (at) => renameSync(writeFresh(at, file, content), `${at}/${file.name}`));
}

/** @throws NodeJS.ErrnoException, Error */
export function removeRecord(file: RecordFile): void {
  inDirectory(file, (at) => rmSync(`${at}/${file.name}`, {force: true}));
}

/** @param uid whose it must be. @returns `undefined` where there is none. @throws Error when another could have written it */
export function readRecord({directory, name}: RecordFile, uid: number): string | undefined {
  const isTrusted = ({uid: owner, mode}: Stats) => (owner === 0 || owner === uid) && (mode & 0o022) === 0;
  try {
    const parent = openOwnDirectory(
      {path: directory, makes: 0},
      (stat) => isTrusted(stat) || isLasting(stat),
    );
    return using(parent, () =>
      using(
        openSync(
          `/proc/self/fd/${parent}/${name}`,
          constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
        ),
        (fd) => {
          const stat = fstatSync(fd);
          if (!stat.isFile() || !isTrusted(stat))
            throw new Error(`another user can change ${directory}/${name}`);
          return readFileSync(fd, 'utf8');
        },
      ),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function inDirectory<T>(file: RecordFile, use: (at: string) => T): T {
  const fd = openOwnDirectory({path: file.directory, makes: 1, isReadable: file.isReadable}, isLasting);
  return using(fd, () => use(`/proc/self/fd/${fd}`));
}

function writeFresh(at: string, {name, isReadable}: RecordFile, content: string): string {
  const fresh = `${at}/${name}.${process.pid}`;
  rmSync(fresh, {force: true});
  using(openSync(fresh, 'wx', 0o600), (fd) => {
    try {
      writeFileSync(fd, content);
      if (isReadable) fchmodSync(fd, 0o644);
    } catch (error) {
      rmSync(fresh, {force: true});
      throw error;
    }
  });
  return fresh;
}
