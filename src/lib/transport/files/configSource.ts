import {closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync} from 'node:fs';
import type {ConfigSource} from '../../config/source.ts';
import {reasonOf} from '../../errors.ts';

/** Bytes of one configuration file; compared as it is read. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Read at a time of a file that does not tell its size. */
const CHUNK_BYTES = 4096;

/** The files of this machine and the environment of this process. */
export const systemConfigSource: ConfigSource = {
  kind(path) {
    try {
      return statSync(path).isDirectory() ? 'directory' : 'file';
    } catch (error) {
      // What cannot be looked at may well be there: reading it says what is wrong.
      return ABSENT.has((error as NodeJS.ErrnoException).code ?? '') ? 'missing' : 'file';
    }
  },
  read: (path) =>
    inPlainWords(() => {
      // Opening a device may do something.
      if (!statSync(path).isFile()) throw new Error('not a regular file');
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      try {
        // What was looked at may be another file by now, where somebody else can write to its directory.
        if (!fstatSync(fd).isFile()) throw new Error('not a regular file');
        return readAtMost(fd, MAX_FILE_BYTES).toString('utf8');
      } finally {
        closeSync(fd);
      }
    }),
  list: (directory) => inPlainWords(() => readdirSync(directory)),
  env: (name) => process.env[name],
};

/** The whole of a file, which may grow while it is read, and whose size some file systems do not know. */
function readAtMost(fd: number, limit: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.min(Math.max(fstatSync(fd).size, CHUNK_BYTES), limit) + 1);
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const length = readSync(fd, buffer);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > limit) throw new Error(`larger than ${limit} bytes`);
    chunks.push(Buffer.from(buffer.subarray(0, length)));
  }
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** Node's `EACCES: permission denied, open '/path'` without the code and the call: the reader knows the path. */
function inPlainWords<T>(look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw new Error(reasonOf(cause), {cause});
  }
}
