import {isUnusedPid, processStat} from '../../transport/processes/proc.ts';
import type {QueuedMessage} from '../../transport/systemV.ts';
import type {DeliveryQueue} from './deliveryQueue.ts';

/** What lies on a queue for one process. */
export interface Leftover {
  readonly pid: number;
  /** `dead`: no session will ever take it, but the next one that gets this pid would be shown it. */
  readonly kind: 'dead' | 'living';
  readonly texts: readonly Buffer[];
}

/** Messages by the process they are for, as far as the kernel can list them. */
export function findLeftovers(daemon: number, queue: DeliveryQueue): Leftover[] {
  return [...textsByPid(queue.list() ?? [])].map(([pid, texts]) => ({
    pid,
    kind: isDeadRecipient(pid, daemon) ? 'dead' : 'living',
    texts,
  }));
}

/**
 * Take off the queue what nobody will ever take.
 * @returns what was removed
 */
export function removeLeftovers(queue: DeliveryQueue, leftovers: readonly Leftover[]): Leftover[] {
  // Only what was listed before its process was looked at: what has come since may be for a new session.
  return leftovers
    .filter(({kind}) => kind === 'dead')
    .filter(({pid, texts}) => queue.withdraw(pid, texts).withdrawn > 0);
}

/**
 * No such process, a zombie, or a program that is no ProFTPD. Another daemon may share the queue, and a session may
 * outlive its daemon: a ProFTPD with another parent proves nothing.
 */
export function isDeadRecipient(pid: number, daemon: number): boolean {
  if (isUnusedPid(pid)) return true;
  const [status, program] = [processStat(pid), processStat(daemon)?.name];
  if (status === undefined || program === undefined) return false;
  if (status.state === 'Z' || status.state === 'X') return true;
  return status.parent !== daemon && status.name !== program;
}

export function textsByPid(messages: readonly QueuedMessage[]): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  for (const {type, bytes} of messages) {
    const texts = found.get(type);
    if (texts === undefined) found.set(type, [bytes]);
    else texts.push(bytes);
  }
  return found;
}
