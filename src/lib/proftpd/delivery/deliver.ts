import {onExit} from '../../transport/processes/exitCleanup.ts';
import type {SessionProcessInfo} from '../sessions/sessionProcess.ts';
import {auditDelivery} from './audit.ts';
import type {DeliveryQueue} from './deliveryQueue.ts';
import {DeliveryRound} from './deliveryRound.ts';
import {encodeTexts} from './messageTexts.ts';
import {DELIVERY_TIMEOUT_MS, type Delivery, type DeliveryOptions} from './outcome.ts';

/**
 * Delivers a message to sessions of a running ProFTPD through the queue of its mod_msg, past the daemon. A signal
 * that ends this process withdraws what was not taken, too.
 *
 * @param daemon its pid
 * @param lines each a message of its own; all together they stand in one reply
 * @returns what became of each session's, in the order given
 * @throws FtpdctlError `MESSAGE_TEXT`; SystemCallError when the queue is gone (`EIDRM`, `EINVAL`)
 */
export async function deliver<S extends SessionProcessInfo>(
  daemon: number,
  queue: DeliveryQueue,
  lines: readonly string[],
  sessions: readonly S[],
  options: DeliveryOptions<S> = {},
): Promise<Delivery<S>[]> {
  const texts = encodeTexts(lines);
  const {signal, timeoutMs = DELIVERY_TIMEOUT_MS} = options;
  const round = new DeliveryRound(daemon, queue, texts, sessions, {...options, timeoutMs});
  const abort = () => round.end('aborted');
  const disarm = onExit(abort);
  signal?.addEventListener('abort', abort, {once: true});
  try {
    if (signal?.aborted) abort();
    else auditDelivery(lines, sessions, options.audit);
    await round.run();
  } finally {
    // After a failure, too, nothing of ours stays on a queue that is there.
    try {
      abort();
    } finally {
      disarm();
      signal?.removeEventListener('abort', abort);
    }
  }
  return sessions.map((session) => ({session, outcome: round.outcomes.get(session)!}));
}
