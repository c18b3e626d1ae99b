import {closeSync, constants as fsConstants, openSync} from 'node:fs';
import {constants} from 'node:os';
import {checked, koffi, libc} from '../libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

const calls = {flock: libc.func('int flock(int fd, int operation)')};

/** flock(2) of a file, for processes that must not do two things at the same time. */
export class FileLock {
  /** @param fd of the file, which `close` closes */
  constructor(readonly fd: number) {}

  /** @throws NodeJS.ErrnoException when the file cannot be opened for reading */
  static open(path: string): FileLock {
    return new FileLock(openSync(path, fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW));
  }

  /** Take the lock if it is free. @returns whether it was */
  tryLock(kind: 'shared' | 'exclusive'): boolean {
    const result: number = calls.flock(this.fd, (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB);
    if (result === -1 && koffi.errno() === constants.errno.EWOULDBLOCK) return false;
    checked('flock', result);
    return true;
  }

  unlock(): void {
    checked('flock', calls.flock(this.fd, LOCK_UN));
  }

  close(): void {
    closeSync(this.fd);
  }
}
