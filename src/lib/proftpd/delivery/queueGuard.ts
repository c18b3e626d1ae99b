import {setTimeout as sleep} from 'node:timers/promises';
import type {QueuedMessage, SystemVQueue} from '../../transport/systemV.ts';
import {isDeadRecipient, textsByPid} from './deliveryQueue.ts';

/** What is known of a queue before the daemon is asked to send. Bytes count the NUL of each message. */
export interface QueueState {
  readonly capacity: number;
  readonly bytes: number;
  /** `msg_rtime` is 0: nobody has ever taken a message. */
  readonly isUntouched: boolean;
  /** What has lain there for `SETTLE_MS`; `null`: nobody has waited to see. */
  readonly stuck: {
    readonly bytes: number;
    /** Some of it is for a session that lives, or for nobody knows whom. */
    readonly forLiving: boolean;
  } | null;
}

/** What makes the daemon wait for room, spinning, while nobody can log in. */
export type GuardRefusal =
  /** No message of that size fits beside what is stuck: it would spin for ever. */
  | 'no room'
  /** More than there is room for, and no session has ever taken a message: perhaps none does. */
  | 'nobody takes'
  /** More than there is room for, and a living session does not take what it has. */
  | 'session stuck'
  /** It would go on for longer than `MAX_SPIN_MS`. */
  | 'too much';

export type QueueAssessment =
  | {readonly kind: 'ok'}
  /** What lies there may be on its way: look again after so many milliseconds, and then at what is stuck. */
  | {readonly kind: 'wait'; readonly milliseconds: number}
  | {
      readonly kind: 'refuse';
      readonly why: GuardRefusal;
      /** Bytes of all messages. */
      readonly need: number;
      readonly free: number;
      readonly stuck: number;
      readonly capacity: number;
      /** How long the daemon would serve nobody: milliseconds, `null` for ever, or nobody knows. */
      readonly spinMs: number | null;
    };

/** Measured: a session that takes its messages has taken them by then. */
const SETTLE_MS = 600;
/** Measured on 1.3.8: so long a session naps before it takes what is there; the queue is emptied once in that time. */
const NAP_MS = 400;
const MAX_SPIN_MS = 1000;
/** Bytes of the queue that are left free for others: with the rest, no daemon ever waited. */
const RESERVE = 0.25;

/**
 * Whether ProFTPD may be asked, by its controls socket, to send a message. It waits for room by asking for it again and
 * again, at 100 % CPU, and serves nobody meanwhile. The estimate came within 0.35 s of the measured times.
 *
 * @param recipients sessions the message is for, whatever their protocol
 * @param bytes of the text, without a NUL
 */
export function assessQueue(state: QueueState, recipients: number, bytes: number): QueueAssessment {
  const {capacity, stuck, isUntouched} = state;
  const need = recipients * (bytes + 1);
  const free = Math.max(0, capacity - state.bytes);
  if (need <= free - RESERVE * capacity) return {kind: 'ok'};
  if (recipients === 0) return {kind: 'ok'};
  if (state.bytes > 0 && stuck === null) return {kind: 'wait', milliseconds: SETTLE_MS};

  const stuckBytes = stuck?.bytes ?? 0;
  const refuse = (why: GuardRefusal, spinMs: number | null): QueueAssessment => ({
    ...{kind: 'refuse', why, need, free, stuck: stuckBytes, capacity, spinMs},
  });
  if (bytes + 1 > capacity - stuckBytes) return refuse('no room', null);
  if (isUntouched) return refuse('nobody takes', null);
  if (stuck?.forLiving) return refuse('session stuck', null);
  const spinMs = (Math.max(0, need - free) / (capacity - stuckBytes)) * NAP_MS;
  return spinMs > MAX_SPIN_MS ? refuse('too much', Math.round(spinMs)) : {kind: 'ok'};
}

/**
 * Whether ProFTPD may be asked to send, after waiting for what is on its way. Any user may ask.
 *
 * @param daemon its pid
 * @param recipients sessions the message is for
 * @param bytes of the text
 */
export async function guardQueue(
  daemon: number,
  queue: SystemVQueue,
  recipients: number,
  bytes: number,
  signal?: AbortSignal,
): Promise<Exclude<QueueAssessment, {kind: 'wait'}>> {
  const before = queue.list();
  const first = assessQueue(stateOf(queue, null), recipients, bytes);
  if (first.kind !== 'wait') return first;
  await sleep(first.milliseconds, undefined, {signal});
  const state = stateOf(queue, stuckOf(daemon, queue, before));
  const second = assessQueue(state, recipients, bytes);
  return second.kind === 'wait' ? {kind: 'ok'} : second;
}

function stateOf(queue: SystemVQueue, stuck: QueueState['stuck']): QueueState {
  const {capacity, bytes, lastReceived} = queue.status();
  return {capacity, bytes, isUntouched: lastReceived === 0, stuck};
}

/** What lay there before and still does. Where the kernel cannot list it: all that lies there, for nobody knows whom. */
function stuckOf(
  daemon: number,
  queue: SystemVQueue,
  before: QueuedMessage[] | undefined,
): QueueState['stuck'] {
  const now = queue.list();
  if (before === undefined || now === undefined) {
    const {bytes} = queue.status();
    return {bytes, forLiving: bytes > 0};
  }
  const left = inBoth(before, now);
  return {
    bytes: left.reduce((sum, message) => sum + message.bytes.length, 0),
    forLiving: [...textsByPid(left).keys()].some((pid) => !isDeadRecipient(pid, daemon)),
  };
}

function inBoth(before: readonly QueuedMessage[], now: readonly QueuedMessage[]): QueuedMessage[] {
  const rest = [...now];
  return before.filter(({type, bytes}) => {
    const index = rest.findIndex((message) => message.type === type && message.bytes.equals(bytes));
    if (index !== -1) rest.splice(index, 1);
    return index !== -1;
  });
}
