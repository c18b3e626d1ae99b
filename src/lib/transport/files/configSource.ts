import {readdirSync, readFileSync, statSync} from 'node:fs';
import type {ConfigSource} from '../../config/source.ts';
import {reasonOf} from '../../errors.ts';

/** Bytes of one configuration file; compared before it is read. */
const MAX_FILE_BYTES = 1024 * 1024;

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
      const stat = statSync(path);
      if (!stat.isFile()) throw new Error('not a regular file');
      if (stat.size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
      return readFileSync(path, 'utf8');
    }),
  list: (directory) => inPlainWords(() => readdirSync(directory)),
  env: (name) => process.env[name],
};

const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** Node's `EACCES: permission denied, open '/path'` without the code and the call: the reader knows the path. */
function inPlainWords<T>(look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw new Error(reasonOf(cause), {cause});
  }
}
