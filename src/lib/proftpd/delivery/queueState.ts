import {setTimeout as sleep} from 'node:timers/promises';
import type {QueuedMessage, SystemVQueue} from '../../transport/systemV.ts';
import {isDeadRecipient, textsByPid} from './leftovers.ts';
import {assessQueue, type QueueAssessment, type QueueState} from './queueGuard.ts';

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
