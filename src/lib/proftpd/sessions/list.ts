import type {WhoSession} from '../../protocol/details.ts';
import type {ScoreboardSession, ScoreboardTransfer} from '../../scoreboard/scoreboard.ts';
import {
  childrenOf,
  hasEnded,
  processIds,
  processStat,
  processStatus,
} from '../../transport/processes/proc.ts';
import {type ProcessIdentity, type ProftpdDaemon, ProftpdError} from '../daemon.ts';
import {readScoreboardOf} from './scoreboardFile.ts';

/** What is needed to list a daemon's sessions. */
export type SessionSource = Pick<ProftpdDaemon, 'pid' | 'startTicks' | 'scoreboard'>;

/** Up to here each session's process is looked at by itself (20 µs); beyond it, all are in two reads. */
const MAX_LOOKED_AT = 500;

/**
 * The sessions of a daemon, in the order of its scoreboard: those whose process lives and is a child of the daemon. The
 * slot of a session that was killed stays for up to 30 seconds, and its pid may be another process's by then.
 *
 * @throws ProftpdError `PROFTPD_NOT_RUNNING` when the daemon has ended, and all of `readScoreboardOf`'s
 */
export function sessionsOf(daemon: SessionSource): ScoreboardSession[] {
  if (processStat(daemon.pid)?.startTicks !== daemon.startTicks) {
    throw new ProftpdError('PROFTPD_NOT_RUNNING', `the ProFTPD with pid ${daemon.pid} has ended`);
  }
  const sessions = latestOfEachPid(readScoreboardOf(daemon).sessions);
  return sessions.filter(livingChildren(daemon.pid, sessions.length));
}

/** Milliseconds after which a session is on its scoreboard if it ever will be: it takes one or two. */
const LISTED_WITHIN_MS = 2000;

/**
 * Pids of sessions that their daemon's scoreboard does not have: of some that begin at the same moment 1.3.8 writes one
 * over the other (measured with 50 at once on a loaded machine: up to 8 of 1,000). Neither it nor `ftpwho` knows of them.
 *
 * @param listed what `sessionsOf` has just told
 * @param minAgeMs 0: those that may be about to be listed, too
 */
export function unlistedSessions(
  daemon: Pick<ProftpdDaemon, 'pid'>,
  listed: readonly Pick<ScoreboardSession, 'pid'>[],
  minAgeMs: number = LISTED_WITHIN_MS,
): number[] {
  const pids = new Set(listed.map(({pid}) => pid));
  return (childrenOf(daemon.pid) ?? []).filter((pid) => {
    if (pids.has(pid)) return false;
    const status = processStatus(pid);
    // Every session has a handler, and no other program that a daemon starts.
    const isSession = status?.handles('SIGUSR2') === true && status.state !== 'Z';
    return isSession && (minAgeMs === 0 || status.startedAt + minAgeMs < Date.now());
  });
}

/**
 * Pids of sessions that have outlived their daemon, which no scoreboard has. They are in its session of processes
 * (setsid(2)), whose number becomes nobody else's pid as long as they live; one that a shell has started in the foreground
 * has none.
 */
export function outlivingSessions({pid: daemon, startTicks}: ProcessIdentity): number[] {
  const stat = processStat(daemon);
  const isDead = stat === undefined || (stat.startTicks === startTicks && hasEnded(stat));
  if (!isDead) return [];
  return processIds().filter((pid) => {
    const each = processStat(pid);
    if (each?.leader !== daemon || hasEnded(each)) return false;
    return processStatus(pid)?.handles('SIGUSR2') === true;
  });
}

/** A pid used again within the daemon leaves the old slot behind for a while. */
function latestOfEachPid(sessions: readonly ScoreboardSession[]): ScoreboardSession[] {
  const latest = new Map<number, ScoreboardSession>();
  for (const session of sessions) {
    const other = latest.get(session.pid);
    if (other === undefined || begin(other) <= begin(session)) latest.set(session.pid, session);
  }
  return latest.size === sessions.length ? [...sessions] : [...latest.values()];
}

/** A newborn session has no time yet: it is the latest. */
function begin({connectedAt}: ScoreboardSession): number {
  return connectedAt ?? Number.POSITIVE_INFINITY;
}

function livingChildren(daemon: number, count: number): (session: ScoreboardSession) => boolean {
  const isChild = (pid: number) => {
    const stat = processStat(pid);
    return stat?.parent === daemon && !hasEnded(stat);
  };
  if (count <= MAX_LOOKED_AT) return ({pid}) => isChild(pid);
  const children = new Set(childrenOf(daemon));
  let running: Set<number> | undefined;
  return ({pid}) => {
    if (children.has(pid)) return true;
    running ??= new Set(processIds());
    return running.has(pid) && isChild(pid);
  };
}

/** A session, as `who` tells of it: whatever `ftpdctl serve` tells that a scoreboard has, and more. */
export interface SessionInfo extends Omit<WhoSession, 'engine' | 'waiting'> {
  /** `ftp`, `ftps`, `sftp`, `ssh2`, `scp`; `null` in the first moment. */
  readonly protocol: string | null;
  /** The command being carried out, with its arguments as far as the scoreboard has room; `null` when idle. */
  readonly command: string | null;
  readonly transfer: SessionTransfer | null;
}

/** A file on its way. */
export interface SessionTransfer {
  readonly direction: ScoreboardTransfer['direction'];
  /** Bytes of the file that are done. */
  readonly bytes: number;
  /** Bytes of the whole file, where ProFTPD knows it. */
  readonly size: number | null;
  /** Bytes a second since it began; `null` before ProFTPD has told of any. */
  readonly rate: number | null;
}

/** @param now milliseconds since the epoch */
export function sessionInfo(session: ScoreboardSession, now: number = Date.now()): SessionInfo {
  const {pid, user, host, address, server, protocol, command, commandArgs, connectedAt, idleSince} = session;
  const quietSince = idleSince ?? (command === '' ? connectedAt : null) ?? now;
  return {
    id: sessionId(session),
    pid,
    user,
    host: host || address,
    address,
    class: session.class,
    server: `${server.address}#${server.port}`,
    protocol: protocol || null,
    command: command === '' || idleSince !== null ? null : [command, commandArgs].filter(Boolean).join(' '),
    idle: Math.max(0, Math.floor((now - quietSince) / 1000)),
    connectedAt: connectedAt ?? now,
    transfer: session.transfer === null ? null : transferInfo(session.transfer),
  };
}

function transferInfo({direction, done, size, transferred, elapsed}: ScoreboardTransfer): SessionTransfer {
  return {
    direction,
    bytes: done,
    size,
    rate: elapsed > 0 ? Math.round((transferred * 1000) / elapsed) : null,
  };
}

/**
 * The name of one session: its pid and, in base 36, the second it began. A pid that is used again makes another name; the
 * scoreboard alone gives both. In its first moment a session has no second yet, and is named with 0.
 */
export function sessionId({pid, connectedAt}: Pick<ScoreboardSession, 'pid' | 'connectedAt'>): string {
  return `${pid}-${((connectedAt ?? 0) / 1000).toString(36)}`;
}
