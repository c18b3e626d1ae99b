import type {DatagramSender} from '../../transport/datagram.ts';
import {pick, toRanges} from '../ranges.ts';
import {type DeliveryRecord, pack} from '../schema.ts';
import type {RegisteredSession} from './registeredSession.ts';

export type FlushResult =
  /** The kernel has it all. */
  | {readonly kind: 'done'}
  /** The rest waits until the mailbox's process reads; then it is time to flush again. */
  | {readonly kind: 'full'}
  | {readonly kind: 'gone'}
  | {readonly kind: 'failed'; readonly cause: Error};

/** A mailbox, as the server sees it: its sessions, and what is on its way to them, oldest first. */
export class MailboxConnection {
  readonly sessions = new Map<number, RegisteredSession>();
  readonly #sender: DatagramSender;
  readonly #queue: DeliveryRecord[] = [];
  #greeting: Buffer | null;

  /** @param greeting a datagram to send before all others */
  constructor(
    readonly id: string,
    readonly path: string,
    sender: DatagramSender,
    greeting: Buffer | null,
  ) {
    this.#sender = sender;
    this.#greeting = greeting;
  }

  enqueue(id: string, text: string, sessions: readonly RegisteredSession[]): void {
    for (const to of toRanges(sessions.map(({n}) => n))) this.#queue.push({id, text, to});
  }

  /** Hand over as much as the mailbox's socket takes now. */
  flush(): FlushResult {
    if (this.#greeting !== null) {
      const result = this.#sender.send(this.#greeting);
      if (result.kind !== 'sent') return result;
      this.#greeting = null;
    }
    while (this.#queue.length > 0) {
      const {bytes, count} = pack({type: 'deliver'}, this.#queue);
      const result = this.#sender.send(bytes);
      if (result.kind !== 'sent') return result;
      this.#queue.splice(0, count);
    }
    return {kind: 'done'};
  }

  /** What has not been handed over: each message with the sessions it is for. */
  *notHandedOver(): Generator<{id: string; sessions: Iterable<RegisteredSession>}> {
    for (const {id, to} of this.#queue) yield {id, sessions: pick(to, this.sessions)};
  }

  close(): void {
    this.#sender.close();
  }
}
