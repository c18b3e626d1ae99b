import {closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync} from 'node:fs';
import {reasonOf} from '../../errors.ts';
import {HEAD_BYTES, readDaemonPid} from '../../scoreboard/detect.ts';
import {ScoreboardError} from '../../scoreboard/layout.ts';
import {MAX_SCOREBOARD_BYTES, readScoreboard, type Scoreboard} from '../../scoreboard/scoreboard.ts';
import {descriptorPath} from '../../transport/processes/proc.ts';
import {type ProftpdDaemon, ProftpdError} from '../daemon.ts';
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
function takeSnapshot(path: string, limits: {readonly size: number; readonly head?: number}): Snapshot {
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
