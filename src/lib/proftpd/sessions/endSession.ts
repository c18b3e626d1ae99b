import {setTimeout as sleep} from 'node:timers/promises';
import {openSessionProcess, type SessionProcessInfo} from './sessionProcess.ts';

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
