import {lstatSync, rmSync} from 'node:fs';

/** Seconds for which 1.3.10 takes a client's socket for fresh (`ControlsAuthFreshness`). */
const FRESHNESS = 10;

const CLIENT_PATH = /^\/tmp\/ftp\.cl\d*$/;

/** What ProFTPD 1.3.10 makes of the path a client is bound to. */
export function judgeClientPath(path: string): 'well' | 'stale' | 'refused' {
  if (!CLIENT_PATH.test(path)) return 'refused';
  const stat = lstatSync(path, {throwIfNoEntry: false});
  if (!stat?.isSocket() || (stat.mode & 0o777) !== 0o700) return 'refused';
  return Date.now() - stat.mtimeMs > FRESHNESS * 1000 ? 'stale' : 'well';
}

/** Removes the socket of a client that was let in, as every ProFTPD does. */
export function removeClientPath(path: string): void {
  if (CLIENT_PATH.test(path)) rmSync(path, {force: true});
}
