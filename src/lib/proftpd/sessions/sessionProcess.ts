import {setTimeout as sleep} from 'node:timers/promises';
import type {ScoreboardSession} from '../../scoreboard/scoreboard.ts';
import {SystemCallError} from '../../transport/libc.ts';
import {ProcessHandle} from '../../transport/processes/pidfd.ts';
import {isChrooted, type ProcessStatus, processStatus} from '../../transport/processes/proc.ts';
import type {ProcessIdentity} from '../daemon.ts';

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
  /** Milliseconds to wait for the end after the last signal. Default 5000. */
  readonly timeoutMs?: number;
  /**
   * Send SIGUSR1 first: while `/etc/shutmsg` is there, a session answers it with 421, unless a chroot hides the file from it
   * (measured on 1.3.8).
   */
  readonly withReply?: boolean;
  /** Ends the waiting, not the session's end; and after it nothing more is sent. */
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 5000;
/** Milliseconds for a session to say 421: it takes a few. */
const REPLY_TIMEOUT_MS = 1000;
const POLL_INTERVAL_MS = 5;

/**
 * Ends a session at once, as `kick` does: SIGTERM to its process and to no other. Its client gets no word, and a
 * transfer is cut off.
 *
 * @param daemon its pid
 */
export async function endSession(
  daemon: number,
  session: Pick<SessionProcessInfo, 'pid' | 'connectedAt'>,
  {timeoutMs = TIMEOUT_MS, withReply = false, signal}: EndSessionOptions = {},
): Promise<SessionEnd> {
  if (signal?.aborted) return {kind: 'running'};
  const found = openSessionProcess(daemon, session);
  if (found.kind === 'gone') return found;
  if (found.kind !== 'open') {
    return {kind: 'refused', why: found.kind === 'forbidden' ? 'permission' : 'not its process'};
  }
  const {handle} = found;
  try {
    if (withReply && !isChrooted(session.pid)) {
      if (!handle.signal('SIGUSR1')) return {kind: 'gone'};
      if (await hasEnded(handle, REPLY_TIMEOUT_MS, signal)) return {kind: 'ended'};
      if (signal?.aborted) return {kind: 'running'};
    }
    if (!handle.signal('SIGTERM')) return withReply ? {kind: 'ended'} : {kind: 'gone'};
    return {kind: (await hasEnded(handle, timeoutMs, signal)) ? 'ended' : 'running'};
  } finally {
    handle.close();
  }
}

/** @returns `false` when it has not within the time, or the signal is aborted */
async function hasEnded(handle: ProcessHandle, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!handle.hasEnded()) {
    if (signal?.aborted || performance.now() > deadline) return false;
    await sleep(POLL_INTERVAL_MS);
  }
  return true;
}

/**
 * Milliseconds at which a daemon is told to look, from the first. One signal alone goes unnoticed where it comes between
 * the daemon's look and its wait for the next client (1 of 60 on 1.3.8); a nap there lasts 0.4 s, and more signals end it.
 */
const WAKE_AT_MS = [0, 5, 15, 50, 150, 400];

/**
 * Have a daemon look at `/etc/shutmsg`, which it does whenever it wakes.
 * @returns whether it was there to be told
 */
export async function wakeDaemon({pid, startTicks}: ProcessIdentity): Promise<boolean> {
  const handle = ProcessHandle.open(pid);
  if (handle === undefined) return false;
  try {
    const status = processStatus(pid);
    // Without the handler, which the daemon installs as it starts, the signal would end it; and it has yet to look anyway.
    if (status === undefined || status.startTicks !== startTicks || !status.handles('SIGUSR2')) return false;
    const start = performance.now();
    for (const at of WAKE_AT_MS) {
      await sleep(Math.max(0, start + at - performance.now()));
      if (!handle.signal('SIGUSR2')) return false;
    }
    return true;
  } finally {
    handle.close();
  }
}
