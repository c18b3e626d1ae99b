import {setTimeout as sleep} from 'node:timers/promises';
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

/** What became of a session that was to end. */
export type SessionEnd =
  /** Its process has been seen to end after the signal. */
  | {readonly kind: 'ended'}
  /** It had ended before it could be signalled. */
  | {readonly kind: 'gone'}
  /** It got the signal and was still there when time was over. */
  | {readonly kind: 'running'}
  /** Nobody was signalled. */
  | {readonly kind: 'refused'; readonly why: 'not its process' | 'permission'};

export interface EndSessionOptions {
  /** Milliseconds to wait for the end. Default 5000. */
  readonly timeoutMs?: number;
  /** Ends the waiting, not the session's end. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 5000;
const POLL_INTERVAL_MS = 5;

/**
 * Ends a session at once, as `kick` does: SIGTERM to its process and to no other. Its client gets no word, and a
 * transfer is cut off.
 *
 * @param daemon its pid
 */
export async function endSession(
  daemon: number,
  session: SessionProcessInfo,
  {timeoutMs = TIMEOUT_MS, signal}: EndSessionOptions = {},
): Promise<SessionEnd> {
  const found = openSessionProcess(daemon, session);
  if (found.kind === 'gone') return found;
  if (found.kind !== 'open') {
    return {kind: 'refused', why: found.kind === 'forbidden' ? 'permission' : 'not its process'};
  }
  const {handle} = found;
  try {
    if (!handle.signal('SIGTERM')) return {kind: 'gone'};
    const deadline = performance.now() + timeoutMs;
    while (!handle.hasEnded()) {
      if (signal?.aborted || performance.now() > deadline) return {kind: 'running'};
      await sleep(POLL_INTERVAL_MS);
    }
    return {kind: 'ended'};
  } finally {
    handle.close();
  }
}
