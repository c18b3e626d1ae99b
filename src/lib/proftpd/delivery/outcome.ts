import type {SessionProcessInfo} from '../sessions/sessionProcess.ts';
import type {Leftover} from './deliveryQueue.ts';

/** What became of a message for one session. */
export type DeliveryOutcome =
  /** It is off the queue, not withdrawn, and its session was still there: certain. */
  | {readonly kind: 'taken'}
  /** `linesTaken` were taken before the others could be withdrawn; mostly 0. */
  | {readonly kind: 'withdrawn'; readonly why: WithdrawalReason; readonly linesTaken: number}
  /** The session ended, and it is not known to have taken the message before. */
  | {readonly kind: 'gone'}
  /** Nothing was queued, and nobody signalled. */
  | {readonly kind: 'refused'; readonly why: RefusalReason};

export type WithdrawalReason =
  /** The session took nothing in time: stopped, waiting for a data connection, or with its `MessageEngine off`. */
  | 'timeout'
  /** The queue had no room for it in all that time. */
  | 'queue full'
  | 'aborted';

export type RefusalReason =
  /** SFTP sessions take messages and lose them. */
  | 'protocol'
  /** The pid belongs to a process that is no session of this daemon, or not this session. */
  | 'not its process'
  /** The kernel does not let us signal it. */
  | 'permission'
  /** All lines together are more than the queue holds. */
  | 'too long';

/** One session and what became of its message. */
export interface Delivery<S extends SessionProcessInfo = SessionProcessInfo> {
  readonly session: S;
  readonly outcome: DeliveryOutcome;
}

export interface DeliveryOptions<S extends SessionProcessInfo = SessionProcessInfo> {
  /** Milliseconds until what was not taken is withdrawn. Default `DELIVERY_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Withdraws at once, before `abort()` returns, all that was not taken. */
  readonly signal?: AbortSignal;
  /** Told at once, several together, of those that have taken the whole message. Must not throw. */
  readonly onTaken?: (sessions: readonly S[]) => void;
  /** Told of the messages for dead processes that were removed. */
  readonly onRemoved?: (leftovers: readonly Leftover[]) => void;
  /** Where the sender and the text are recorded. Default: syslog. */
  readonly audit?: (line: string) => void;
}

export const DELIVERY_TIMEOUT_MS = 15_000;
