import type {DatagramSender} from '../../transport/sockets/datagram.ts';
import {type DeliveryRecord, type Origin, pack, pick, type ToMailbox, toRanges} from '../schema.ts';
import type {RegisteredSession} from './sessions.ts';

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
  /** When it was asked for its sessions: milliseconds, monotonic. */
  readonly askedAt = performance.now();
  /** Whether it has said all that it has. */
  isComplete = false;
  /** Whether its process has ended. What it has said before may still lie in our socket. */
  isDead = false;
  /** Why nothing could be sent when that was last tried. */
  trouble = '';
  readonly #sender: DatagramSender;
  readonly #queue: DeliveryRecord[] = [];
  /** Numbers of the sessions that are to end, and have not been told. */
  #kicked: number[] = [];
  #shutdown: 'no' | 'due' | 'told' = 'no';
  #down: readonly string[] = [];
  #toldDown: readonly string[] = this.#down;
  #isAsked = false;
  /** Number of the last datagram that is to be acknowledged, and of the last that may be. */
  #received = 0;
  #recorded = 0;
  #acknowledged = 0;

  constructor(
    readonly id: string,
    readonly path: string,
    sender: DatagramSender,
  ) {
    this.#sender = sender;
  }

  enqueue(id: string, text: string, origin: Origin, sessions: readonly RegisteredSession[]): void {
    for (const to of toRanges(sessions.map(({n}) => n))) this.#queue.push({id, text, ...origin, to});
  }

  /** The servers that are down; a mailbox that is new takes none for down. */
  setDown(servers: readonly string[]): void {
    this.#down = servers;
    if (!this.#isAsked && servers.length === 0) this.#toldDown = servers;
  }

  kick(sessions: readonly RegisteredSession[]): void {
    this.#kicked.push(...sessions.map(({n}) => n));
  }

  shutDown(): void {
    if (this.#shutdown === 'no') this.#shutdown = 'due';
  }

  /** The mailbox wants to know when datagram `seq` is recorded. */
  received(seq: number): void {
    this.#received = seq;
  }

  get lastReceived(): number {
    return this.#received;
  }

  /** What it has said up to `seq` is recorded: the next `flush` says so. */
  recorded(seq: number): void {
    this.#recorded = seq;
  }

  /** Whether nothing would be lost by letting go of it: it has no sessions, and all is said in both directions. */
  get isIdle(): boolean {
    return this.sessions.size === 0 && this.isComplete && this.#acknowledged >= this.#received;
  }

  get hasPending(): boolean {
    for (const {pending} of this.sessions.values()) if (pending.size > 0) return true;
    return false;
  }

  /** Hand over as much as the mailbox's socket takes now. */
  flush(): FlushResult {
    if (!this.#isAsked) {
      const result = this.#send({type: 'present'});
      if (result.kind !== 'sent') return result;
      this.#isAsked = true;
    }
    if (this.#toldDown !== this.#down) {
      const servers = this.#down;
      const result = this.#send({type: 'down', servers});
      if (result.kind !== 'sent') return result;
      this.#toldDown = servers;
    }
    if (this.#acknowledged < this.#recorded) {
      const seq = this.#recorded;
      const result = this.#send({type: 'acknowledge', seq});
      if (result.kind !== 'sent') return result;
      this.#acknowledged = seq;
    }
    while (this.#queue.length > 0) {
      const {bytes, count} = pack({type: 'deliver'}, this.#queue);
      const result = this.#sender.send(bytes);
      if (result.kind !== 'sent') return result;
      this.#queue.splice(0, count);
    }
    return this.#end();
  }

  /** Behind the messages, which may still be shown until then. */
  #end(): FlushResult {
    while (this.#kicked.length > 0) {
      const [items = [], ...rest] = toRanges(this.#kicked);
      const result = this.#send({type: 'kick', items});
      if (result.kind !== 'sent') return result;
      const left = new Set(rest.flatMap((ranges) => [...pick(ranges, this.sessions)]).map(({n}) => n));
      this.#kicked = [...left];
    }
    if (this.#shutdown === 'due') {
      const result = this.#send({type: 'shutdown'});
      if (result.kind !== 'sent') return result;
      this.#shutdown = 'told';
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

  #send(datagram: ToMailbox) {
    return this.#sender.send(Buffer.from(JSON.stringify(datagram)));
  }
}
