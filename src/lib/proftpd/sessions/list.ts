import type {ScoreboardSession} from '../../scoreboard/scoreboard.ts';
import {childrenOf, processIds, processStat} from '../../transport/processes/proc.ts';
import type {ProftpdDaemon} from '../daemon.ts';
import {ProftpdError} from '../errors.ts';
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
export async function listSessions(daemon: SessionSource): Promise<ScoreboardSession[]> {
  return sessionsOf(daemon);
}

/** The same at once: nothing in it waits. */
export function sessionsOf(daemon: SessionSource): ScoreboardSession[] {
  if (processStat(daemon.pid)?.startTicks !== daemon.startTicks) {
    throw new ProftpdError('PROFTPD_NOT_RUNNING', `the ProFTPD with pid ${daemon.pid} has ended`);
  }
  const sessions = latestOfEachPid(readScoreboardOf(daemon).sessions);
  return sessions.filter(livingChildren(daemon.pid, sessions.length));
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
  const isLiving = (pid: number) => {
    const stat = processStat(pid);
    return stat !== undefined && stat.parent === daemon && stat.state !== 'Z' && stat.state !== 'X';
  };
  if (count <= MAX_LOOKED_AT) return ({pid}) => isLiving(pid);
  const children = new Set(childrenOf(daemon));
  let running: Set<number> | undefined;
  return ({pid}) => {
    if (children.has(pid)) return true;
    running ??= new Set(processIds());
    return running.has(pid) && isLiving(pid);
  };
}
