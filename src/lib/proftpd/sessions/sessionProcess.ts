import type {ScoreboardSession} from '../../scoreboard/scoreboard.ts';
import {SystemCallError} from '../../transport/libc.ts';
import {ProcessHandle} from '../../transport/processes/pidfd.ts';
import {type ProcessStatus, processStatus} from '../../transport/processes/proc.ts';

/** What must be known of a session to reach its process. */
export type SessionProcessInfo = Pick<ScoreboardSession, 'pid' | 'connectedAt' | 'protocol'>;

/** The process of a session, held fast, or why it is not to be had. */
export type SessionProcess =
  | {readonly kind: 'open'; readonly handle: ProcessHandle}
  | {readonly kind: 'gone'}
  /** Another process has the pid: it must get neither message nor signal. */
  | {readonly kind: 'stranger'}
  | {readonly kind: 'forbidden'};

/** Milliseconds by which a session's process may seem to have started after its session: the scoreboard has seconds. */
const START_TOLERANCE_MS = 2000;

/**
 * The process of a session, and of no other. The handle comes first: what is checked afterwards is checked of the
 * process that it holds, or that process has ended.
 *
 * @param daemon its pid
 * @param session `connectedAt` is `null` where nothing is known but that a message lies there for the pid
 */
export function openSessionProcess(
  daemon: number,
  session: Pick<SessionProcessInfo, 'pid' | 'connectedAt'>,
): SessionProcess {
  if (session.pid <= 1) return {kind: 'stranger'};
  const handle = ProcessHandle.open(session.pid);
  if (handle === undefined) return {kind: 'gone'};
  const found = identify(daemon, session, handle);
  if (found.kind !== 'open') handle.close();
  return found;
}

function identify(
  daemon: number,
  {pid, connectedAt}: Pick<SessionProcessInfo, 'pid' | 'connectedAt'>,
  handle: ProcessHandle,
): SessionProcess {
  const status = processStatus(pid);
  if (status === undefined || handle.hasEnded()) return {kind: 'gone'};
  if (!isSessionOf(daemon, status)) return {kind: 'stranger'};
  if (connectedAt !== null && status.startedAt > connectedAt + START_TOLERANCE_MS) return {kind: 'stranger'};
  try {
    return handle.maySignal() ? {kind: 'open', handle} : {kind: 'gone'};
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EPERM') return {kind: 'forbidden'};
    throw error;
  }
}

/** A child of the daemon that has ProFTPD's handler of SIGUSR2, which every session has and no program it starts. */
function isSessionOf(daemon: number, status: ProcessStatus): boolean {
  return status.parent === daemon && status.handles('SIGUSR2');
}
