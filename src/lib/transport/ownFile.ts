import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';

/**
 * Files that this program keeps for its user between runs: caches and memories. What is read from them is trusted, and
 * under `sudo` the home directory may be somebody else's: so a file counts only if nobody else could have written it,
 * and none is written through a link.
 */

/** The text of one's own file; `undefined` when it is absent, unreadable or could be somebody else's. */
export function readOwnFile(path: string): Buffer | undefined {
  try {
    // A pipe in its place must not make us wait for a writer.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      const isOwn = stat.isFile() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
      return isOwn ? readFileSync(fd) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Replace a file at once, with mode 0600, making its directory. Best effort: whether it was written. */
export function writeOwnFile(path: string, content: string | Buffer): boolean {
  const fresh = `${path}.${process.pid}`;
  try {
    makeDirectory(dirname(path));
    const fd = openSync(fresh, 'wx', 0o600);
    try {
      writeFileSync(fd, content);
      renameSync(fresh, path);
    } catch (error) {
      rmSync(fresh, {force: true});
      throw error;
    } finally {
      closeSync(fd);
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * Each level is tried once. Node's `recursive` never ends where a directory is there and nothing can be made in it
 * for ENOENT: in /proc, and on automounted homes.
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, {mode: 0o700});
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path, {mode: 0o700});
  }
}

/** A directory of the XDG base directory specification; `null` for a user who has neither HOME nor an account. */
export function xdgDirectory(env: NodeJS.ProcessEnv, kind: 'cache' | 'state'): string | null {
  const base = env[kind === 'cache' ? 'XDG_CACHE_HOME' : 'XDG_STATE_HOME'];
  if (base?.startsWith('/')) return join(base, 'ftpdctl');
  try {
    return join(env['HOME'] || homedir(), kind === 'cache' ? '.cache' : '.local/state', 'ftpdctl');
  } catch {
    return null;
  }
}
