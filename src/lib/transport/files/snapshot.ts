import {closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync} from 'node:fs';

/** What one look at a file gave. */
export type Snapshot =
  | {
      readonly kind: 'file';
      readonly bytes: Buffer;
      /** Of the file that was read, not of what has its name now. */
      readonly stat: Stats;
    }
  | {readonly kind: 'too large'; readonly stat: Stats}
  /** A device, a pipe, a directory: `/dev/null` is how a file that is not wanted is written. */
  | {readonly kind: 'no file'; readonly isNull: boolean};

/**
 * Reads a file that another program writes, in one go and without a lock, as far as it is long now. Links are followed:
 * the caller judges the file by its `stat`. Only a regular file is ever opened for good, and none is waited for.
 *
 * @param limits bytes, compared before anything is allocated: `size` of the file, `head` of what is read of it
 * @throws NodeJS.ErrnoException `ENOENT`, `EACCES`, …
 */
export function takeSnapshot(
  path: string,
  limits: {readonly size: number; readonly head?: number},
): Snapshot {
  // Asked before it is opened, since opening a device may do something.
  const kind = statSync(path);
  if (!kind.isFile()) return {kind: 'no file', isNull: kind.isCharacterDevice() && kind.rdev === NULL_DEVICE};
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return {kind: 'no file', isNull: false};
    if (stat.size > limits.size) return {kind: 'too large', stat};
    const bytes = Buffer.allocUnsafe(Math.min(stat.size, limits.head ?? stat.size));
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return {kind: 'file', bytes: bytes.subarray(0, length), stat};
  } finally {
    closeSync(fd);
  }
}

/** Major 1, minor 3: Linux. */
const NULL_DEVICE = 0x103;
