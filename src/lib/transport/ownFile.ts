import {closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
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
    const fd = openSync(path, 'r');
    try {
      const {uid, mode} = fstatSync(fd);
      return uid === process.geteuid?.() && (mode & 0o022) === 0 ? readFileSync(fd) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Replace a file at once, with mode 0600, making its directory. Best effort: whether it was written. */
export function writeOwnFile(path: string, content: string | Buffer): boolean {
  try {
    mkdirSync(dirname(path), {recursive: true, mode: 0o700});
    const fresh = `${path}.${process.pid}`;
    writeFileSync(fresh, content, {mode: 0o600, flag: 'wx'});
    renameSync(fresh, path);
    return true;
  } catch {
    return false;
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
