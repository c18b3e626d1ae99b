import {reasonOf} from '../../errors.ts';
import {HEAD_BYTES, readDaemonPid} from '../../scoreboard/detect.ts';
import {ScoreboardError} from '../../scoreboard/layout.ts';
import {MAX_SCOREBOARD_BYTES, readScoreboard, type Scoreboard} from '../../scoreboard/scoreboard.ts';
import {type Snapshot, takeSnapshot} from '../../transport/files/snapshot.ts';
import {descriptorPath} from '../../transport/processes/proc.ts';
import type {ProftpdDaemon} from '../daemon.ts';
import {ProftpdError} from '../errors.ts';
import {isTrusted} from '../find/candidates.ts';

/** What stands at a path where a daemon's scoreboard may be. */
export type ScoreboardCheck =
  | {readonly kind: 'its own'}
  | {readonly kind: 'none'}
  | {readonly kind: 'no'; readonly why: string};

/**
 * Whether a file is the scoreboard of a daemon: written by a user we trust, and with its pid in the header.
 * Reads no more than that.
 */
export function checkScoreboard(path: string, pid: number): ScoreboardCheck {
  try {
    const snapshot = takeSnapshot(path, {size: MAX_SCOREBOARD_BYTES, head: HEAD_BYTES});
    if (snapshot.kind === 'no file' && snapshot.isNull) return {kind: 'none'};
    if (snapshot.kind !== 'file') return {kind: 'no', why: `${path} is no scoreboard`};
    if (!isTrusted(snapshot.stat.uid))
      return {kind: 'no', why: `${path} belongs to uid ${snapshot.stat.uid}`};
    const found = readDaemonPid(snapshot.bytes);
    return found === pid ? {kind: 'its own'} : {kind: 'no', why: `${path} is of process ${found}`};
  } catch (error) {
    return {kind: 'no', why: `${path}: ${reasonOf(error)}`};
  }
}

/**
 * The scoreboard of a daemon, read once and without a lock.
 *
 * @throws ProftpdError `NO_SCOREBOARD`, `SCOREBOARD_UNREADABLE`, `SCOREBOARD_FOREIGN`; ScoreboardError
 */
export function readScoreboardOf({pid, scoreboard}: Pick<ProftpdDaemon, 'pid' | 'scoreboard'>): Scoreboard {
  if (!scoreboard.known) throw new ProftpdError('NO_SCOREBOARD', `no scoreboard: ${scoreboard.why}`);
  if (scoreboard.value === null) {
    throw new ProftpdError('NO_SCOREBOARD', `the ProFTPD with pid ${pid} keeps no scoreboard`, {
      hint: 'set ScoreboardFile in its configuration, or leave it out',
    });
  }
  const {path, fd} = scoreboard.value;
  const snapshot = snapshotOf(fd === null ? path : descriptorPath(pid, fd), path);
  if (snapshot.kind === 'too large') {
    throw new ScoreboardError('SCOREBOARD_TOO_LARGE', `${path} is larger than ${MAX_SCOREBOARD_BYTES} bytes`);
  }
  if (snapshot.kind !== 'file') throw foreign(path, 'it is no regular file');
  if (!isTrusted(snapshot.stat.uid)) throw foreign(path, `it belongs to uid ${snapshot.stat.uid}`);
  const read = readScoreboard(snapshot.bytes);
  if (read.pid !== pid) throw foreign(path, `it is of process ${read.pid ?? 'inetd'}`);
  return read;
}

function snapshotOf(from: string, path: string): Snapshot {
  try {
    return takeSnapshot(from, {size: MAX_SCOREBOARD_BYTES});
  } catch (cause) {
    throw new ProftpdError(
      'SCOREBOARD_UNREADABLE',
      `cannot read the scoreboard ${path}: ${reasonOf(cause)}`,
      {
        cause,
        hint: 'as root it can be read',
      },
    );
  }
}

function foreign(path: string, why: string): ProftpdError {
  return new ProftpdError('SCOREBOARD_FOREIGN', `${path} is not the scoreboard of this ProFTPD: ${why}`);
}
