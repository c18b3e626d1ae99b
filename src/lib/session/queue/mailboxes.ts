import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {DatagramSender, isListening, removeSocketFile} from '../../transport/sockets/datagram.ts';
import {CLOSE_GRACE_MS, MAX_CHECKED_AT_ONCE} from '../limits.ts';
import {mailboxIdOf, mailboxPath, trustsBeside} from '../mailboxPath.ts';
import {MailboxConnection} from './mailboxConnection.ts';

/** Between two attempts to tell a mailbox whose socket is full: milliseconds. */
const RETELL_MS = 20;

/** What the queue is told of its mailboxes. */
export interface MailboxEvents {
  /** Its process has ended without a goodbye for its sessions. */
  died(mailbox: MailboxConnection): void;
  /** It has ended before it had said what its sessions hold. */
  lost(id: string): void;
  ignored(reason: string): void;
  /** Each has said which sessions it has, or is there no more. */
  allAnswered(): void;
  /** Resolves once what the queue has been told is written down. */
  recorded(): Promise<void>;
}

/** The mailboxes beside a queue: which are there, which owe an answer, and which have died. */
export class Mailboxes {
  readonly #queuePath: string;
  readonly #answerTimeout: number;
  readonly #events: MailboxEvents;
  readonly #trusts: (uid: number) => boolean;
  readonly #connected = new Map<string, MailboxConnection>();
  /** Those that are there, and could not be connected to for want of a descriptor, say: by their ids. */
  readonly #unreached = new Set<string>();
  readonly #answerWaiters = new Set<() => void>();
  /** Servers that take no new sessions. */
  #down: readonly string[] = [];
  readonly #toAcknowledge = new Set<MailboxConnection>();
  #acknowledging = false;
  #checked = 0;
  #heard = 0;

  /** @param answerTimeout milliseconds that a mailbox may take to say which sessions it has */
  constructor(queuePath: string, answerTimeout: number, events: MailboxEvents) {
    this.#queuePath = queuePath;
    this.#answerTimeout = answerTimeout;
    this.#events = events;
    this.#trusts = trustsBeside(queuePath);
  }

  get(id: string): MailboxConnection | undefined {
    return this.#connected.get(id);
  }

  /** Those that are connected, the dead ones that are still to be heard among them. */
  all(): MailboxConnection[] {
    return [...this.#connected.values()];
  }

  /** Connect to the mailboxes of an earlier server, and remove the socket files of those whose process has died. */
  find(): {lost: string[]; ignored: string[]} {
    const found: {lost: string[]; ignored: string[]} = {lost: [], ignored: []};
    for (const file of filesIn(path.dirname(this.#queuePath))) {
      const id = mailboxIdOf(this.#queuePath, file);
      if (id === null) continue;
      const result = this.#connect(id);
      if (result.kind === 'connected') this.flush(result.mailbox);
      if (result.kind === 'lost') found.lost.push(id);
      if (result.kind === 'ignored') found.ignored.push(result.reason);
    }
    return found;
  }

  /** A mailbox that is not known joins when it says something, and is asked for all that it has. */
  join(id: string): MailboxConnection | null {
    const result = this.#connect(id);
    if (result.kind === 'lost') this.#events.lost(id);
    if (result.kind === 'ignored') this.#events.ignored(result.reason);
    if (result.kind !== 'connected') return null;
    this.flush(result.mailbox);
    return this.#connected.get(id) ?? null;
  }

  /** Tell each, and whichever comes later, which servers take no new sessions. */
  setDown(servers: readonly string[]): void {
    this.#down = servers;
    for (const mailbox of this.all()) {
      mailbox.setDown(servers);
      this.flush(mailbox);
    }
    this.#joinIdle();
  }

  /** Have every process end. Resolves when each has been told, or has had time enough to listen. */
  async shutDown(): Promise<void> {
    this.#joinIdle();
    const mailboxes = this.all();
    for (const mailbox of mailboxes) mailbox.shutDown();
    for (const end = performance.now() + CLOSE_GRACE_MS; performance.now() < end; await sleep(RETELL_MS)) {
      const isFull = (mailbox: MailboxConnection) => !mailbox.isDead && mailbox.flush().kind === 'full';
      if (mailboxes.filter(isFull).length === 0) return;
    }
  }

  /** Those without sessions are not connected. */
  #joinIdle(): void {
    for (const file of filesIn(path.dirname(this.#queuePath))) {
      const id = mailboxIdOf(this.#queuePath, file);
      if (id !== null && !this.#connected.has(id)) this.join(id);
    }
  }

  #connect(id: string): JoinResult {
    const socketPath = mailboxPath(this.#queuePath, id);
    const result = DatagramSender.connect(socketPath, {
      trusts: this.#trusts,
      onWritable: () => {
        const mailbox = this.#connected.get(id);
        if (mailbox !== undefined) this.flush(mailbox);
      },
    });
    const wasUnreached = this.#unreached.delete(id);
    if (result.kind === 'connected') {
      const mailbox = new MailboxConnection(id, socketPath, result.sender);
      mailbox.setDown(this.#down);
      this.#connected.set(id, mailbox);
      return {kind: 'connected', mailbox};
    }
    if (result.kind === 'gone') {
      const isLeftBehind = existsSync(socketPath);
      removeSocketFile(socketPath);
      return {kind: isLeftBehind ? 'lost' : 'closed'};
    }
    if (result.kind === 'failed') {
      this.#unreached.add(id);
      if (wasUnreached) return {kind: 'unreached'};
    }
    return {kind: 'ignored', reason: `mailbox ${id} cannot be written to: ${result.cause.message}`};
  }

  /** Hand over what waits for a mailbox, unless it is there no more. */
  flush(mailbox: MailboxConnection): void {
    if (this.#connected.get(mailbox.id) !== mailbox) return;
    const result = mailbox.flush();
    if (result.kind === 'gone') {
      this.#hasDied(mailbox);
      return;
    }
    const trouble = result.kind === 'failed' ? result.cause.message : '';
    // It is tried again with the next check: its sessions are there all the same.
    if (trouble !== '' && trouble !== mailbox.trouble) {
      this.#events.ignored(`mailbox ${mailbox.id} cannot be written to: ${trouble}`);
    }
    mailbox.trouble = trouble;
    this.#disconnectIdle(mailbox);
  }

  /** It has said all that it has. */
  complete(mailbox: MailboxConnection): void {
    mailbox.isComplete = true;
    this.#disconnectIdle(mailbox);
    this.#answerHasCome();
  }

  /** What comes up in one turn of the event loop is written down together, and acknowledged when it is. */
  acknowledgeSoon(mailbox: MailboxConnection, seq: number): void {
    mailbox.received(seq);
    this.#toAcknowledge.add(mailbox);
    if (this.#acknowledging) return;
    this.#acknowledging = true;
    setImmediate(() => void this.#acknowledge());
  }

  async #acknowledge(): Promise<void> {
    const received = [...this.#toAcknowledge].map((mailbox) => ({mailbox, seq: mailbox.lastReceived}));
    this.#toAcknowledge.clear();
    this.#acknowledging = false;
    await this.#events.recorded();
    for (const {mailbox, seq} of received) {
      mailbox.recorded(seq);
      this.flush(mailbox);
    }
  }

  /** A datagram has come, whoever has sent it. */
  heard(): void {
    this.#heard++;
  }

  /** A mailbox without sessions is not checked for being alive: its descriptor would stay open after its process ended. */
  #disconnectIdle(mailbox: MailboxConnection): void {
    if (mailbox.isIdle && !mailbox.isDead) this.#disconnect(mailbox);
  }

  #disconnect(mailbox: MailboxConnection): void {
    this.#connected.delete(mailbox.id);
    mailbox.close();
  }

  /**
   * Check the mailboxes that owe something, and try again those that could not be reached.
   * @param hasOpenReceipts whether one with messages that are not shown yet owes a receipt
   */
  check(hasOpenReceipts: boolean): void {
    for (const id of [...this.#unreached].slice(0, MAX_CHECKED_AT_ONCE)) this.join(id);
    const owing = this.all().filter(
      (mailbox) => !mailbox.isComplete || mailbox.trouble !== '' || (hasOpenReceipts && mailbox.hasPending),
    );
    const start = this.#checked < owing.length ? this.#checked : 0;
    this.#checked = start + MAX_CHECKED_AT_ONCE;
    for (const mailbox of owing.slice(start, this.#checked)) {
      if (this.isAlive(mailbox)) this.flush(mailbox);
    }
    this.#answerHasCome();
  }

  isAlive(mailbox: MailboxConnection): boolean {
    if (!mailbox.isDead && !isListening(mailbox.path)) this.#hasDied(mailbox);
    return !mailbox.isDead;
  }

  /**
   * The mailbox's process has ended without a goodbye. What it has said of its messages before may lie in our socket, and
   * is heard first: it is over when the event loop has gone round once, and there was nothing to read.
   */
  #hasDied(mailbox: MailboxConnection): void {
    if (mailbox.isDead) return;
    mailbox.isDead = true;
    const look = (heard: number | null) => {
      if (this.#connected.get(mailbox.id) !== mailbox) return;
      if (heard === this.#heard) this.#removeDead(mailbox);
      else setImmediate(look, this.#heard);
    };
    setImmediate(look, null);
  }

  #removeDead(mailbox: MailboxConnection): void {
    const isLeftBehind = existsSync(mailbox.path);
    removeSocketFile(mailbox.path);
    if (isLeftBehind && !mailbox.isComplete) this.#events.lost(mailbox.id);
    this.#disconnect(mailbox);
    this.#events.died(mailbox);
    this.#answerHasCome();
  }

  /** Mailboxes that are there and have not said yet, or not all, which sessions they have. */
  get unanswered(): number {
    let count = this.#unreached.size;
    for (const {isComplete, isDead} of this.#connected.values()) if (!isComplete && !isDead) count++;
    return count;
  }

  /** Resolves when every mailbox has said which sessions it has, or has had time enough to do so. */
  async answered(): Promise<void> {
    const end = this.#answersDueAt();
    if (end <= performance.now()) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#answerWaiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, end - performance.now());
      this.#answerWaiters.add(done);
    });
  }

  /** The deadline of the last mailbox that has not answered: milliseconds, monotonic; 0 when all have answered. */
  #answersDueAt(): number {
    let due = 0;
    for (const mailbox of this.all()) {
      if (mailbox.isComplete || !this.isAlive(mailbox)) continue;
      due = Math.max(due, mailbox.askedAt + this.#answerTimeout);
    }
    return due;
  }

  #answerHasCome(): void {
    if (this.unanswered > 0) return;
    this.#endWaits();
    this.#events.allAnswered();
  }

  #endWaits(): void {
    for (const done of [...this.#answerWaiters]) done();
  }

  /** Have done with those that are known to be dead, without hearing them any more. */
  removeDead(): void {
    for (const mailbox of this.all()) if (mailbox.isDead) this.#removeDead(mailbox);
  }

  /** Let go of all of them. */
  close(): void {
    for (const mailbox of this.#connected.values()) mailbox.close();
    this.#connected.clear();
    this.#unreached.clear();
    this.#endWaits();
  }
}

/** Empty if the directory is unreadable; those mailboxes join when they next say something. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

type JoinResult =
  | {readonly kind: 'connected'; readonly mailbox: MailboxConnection}
  /** It has removed its socket file: all its receipts were sent. */
  | {readonly kind: 'closed'}
  /** It has died, or left its socket file because its last receipts could not be sent. */
  | {readonly kind: 'lost'}
  /** Tried again, without success. */
  | {readonly kind: 'unreached'}
  | {readonly kind: 'ignored'; readonly reason: string};
