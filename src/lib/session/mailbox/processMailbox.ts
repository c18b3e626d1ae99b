import type {SessionIdentity} from '../../audience.ts';
import {DatagramReceiver, DatagramSender} from '../../transport/sockets/datagram.ts';
import {ACTIVE_INTERVAL_MS, CLOSE_GRACE_MS, RETRY_MS, SHOWING_TIMEOUT_MS} from '../limits.ts';
import {asOwnerOfPlace, checkQueuePath, mailboxPath, newMailboxId, trustsBeside} from '../mailboxPath.ts';
import {type DeliveryRecord, decodeToMailbox, type Origin, pick} from '../schema.ts';
import type {Mailbox, SessionMailbox} from './mailbox.ts';
import {MailboxSession, type SessionNews} from './mailboxSession.ts';
import {Outbox} from './outbox.ts';

/**
 * Open this process's mailbox beside the queue at `queuePath`. One is enough for all of its sessions.
 * It holds one descriptor, two while there is a server, and keeps the process alive until `close`.
 *
 * @param warn takes one line when there is something at `queuePath` that cannot be talked to: no message will come until
 *   that has changed. Not called for a server that is only absent.
 * @throws FtpdctlError when no socket can be bound there, or the package unix-dgram is not installed
 */
export function openMailbox({queuePath, warn = () => {}}: MailboxOptions): Mailbox {
  checkQueuePath(queuePath);
  return new ProcessMailbox(queuePath, warn);
}

export interface MailboxOptions {
  readonly queuePath: string;
  readonly warn?: (line: string) => void;
}

type Link =
  /** No server, as far as is known; `failures` attempts in a row have found none. */
  | {readonly kind: 'absent'; readonly failures: number; timer?: NodeJS.Timeout}
  | {readonly kind: 'linked'; readonly sender: DatagramSender}
  | {readonly kind: 'closed'};

/** One datagram socket for all sessions of a process, and the way to the server, whichever it is now. */
class ProcessMailbox implements Mailbox, SessionNews {
  readonly #queuePath: string;
  readonly #warn: (line: string) => void;
  readonly #id = newMailboxId(process.pid);
  readonly #receiver: DatagramReceiver;
  readonly #sessions = new Map<number, MailboxSession>();
  readonly #outbox = new Outbox(this.#id, this.#sessions);
  #link: Link = {kind: 'absent', failures: 0};
  /** Why the queue could not be used when it was last looked for. */
  #trouble = '';
  #numbers = 0;
  #down = new Set<string>();
  #shutDown!: () => void;
  readonly shutdown = new Promise<void>((resolve) => {
    this.#shutDown = resolve;
  });
  #flushing: NodeJS.Immediate | undefined;
  #activeTimer: NodeJS.Timeout | undefined;
  #onSettled: (() => void) | undefined;
  readonly #toTell = new Set<(isTold: boolean) => void>();

  constructor(queuePath: string, warn: (line: string) => void) {
    this.#queuePath = queuePath;
    this.#warn = warn;
    this.#receiver = asOwnerOfPlace(queuePath, () =>
      DatagramReceiver.bind(mailboxPath(queuePath, this.#id), (bytes) => this.#receive(bytes)),
    );
    // A server that has taken its servers down says so to whoever joins.
    this.#outbox.join();
    this.#flushSoon();
  }

  register(identity: SessionIdentity, onKick?: () => void): SessionMailbox {
    const n = ++this.#numbers;
    const session = new MailboxSession(`${this.#id}.${n}`, n, identity, this, onKick);
    this.#sessions.set(n, session);
    this.changed(session);
    return session;
  }

  isDown(server: string): boolean {
    return this.#down.has(server);
  }

  async close(): Promise<void> {
    for (const session of [...this.#sessions.values()]) session.goodbye();
    this.#flush();
    if (this.#link.kind === 'linked' && this.#sessions.size > 0) await this.#settled();
    const isUntold = [...this.#sessions.values()].some(({holdsNothing}) => !holdsNothing);
    this.#unlink({kind: 'closed'}, false);
    clearImmediate(this.#flushing);
    clearTimeout(this.#activeTimer);
    for (const told of this.#toTell) told(false);
    // These messages' receipts were never sent: the file left behind makes the next server report the loss.
    this.#receiver.close({leaveFile: isUntold});
  }

  changed(session: MailboxSession): void {
    this.#outbox.introduce(session);
    this.#flushSoon();
  }

  active(session: MailboxSession): void {
    if (!this.#outbox.active(session)) return;
    this.#activeTimer ??= setTimeout(() => {
      this.#activeTimer = undefined;
      this.#flush();
    }, ACTIVE_INTERVAL_MS).unref();
  }

  progress(session: MailboxSession, id: string, state: 'showing' | 'shown', origin: Origin): void {
    this.#outbox.progress(session, id, state, origin);
    this.#flushSoon();
  }

  told(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (isTold: boolean) => {
        clearTimeout(timer);
        this.#toTell.delete(done);
        resolve(isTold);
      };
      const timer = setTimeout(done, SHOWING_TIMEOUT_MS, false);
      this.#toTell.add(done);
      this.#flushSoon();
    });
  }

  ended(session: MailboxSession): void {
    this.#outbox.leave(session);
    this.#flushSoon();
  }

  #receive(bytes: Buffer): void {
    const decoded = decodeToMailbox(bytes);
    if (decoded.kind === 'invalid' || this.#link.kind === 'closed') return;
    const {datagram} = decoded;
    switch (datagram.type) {
      case 'deliver':
        for (const delivery of datagram.items) this.#take(delivery);
        break;
      case 'acknowledge':
        this.#outbox.acknowledged(datagram.seq);
        break;
      case 'down':
        this.#down = new Set(datagram.servers);
        return;
      case 'kick':
        for (const session of pick(datagram.items, this.#sessions)) session.kick();
        break;
      case 'shutdown':
        this.#shutDown();
        return;
      case 'present':
        this.#down.clear();
        this.#unlink({kind: 'absent', failures: 0}, true);
        break;
    }
    this.#flushSoon();
  }

  #take({id, text, to, recipients, sender}: DeliveryRecord): void {
    const message = {id, text};
    const origin = {recipients, sender};
    const takers: number[] = [];
    for (const session of pick(to, this.#sessions)) {
      if (session.take(message, origin)) takers.push(session.n);
    }
    this.#outbox.taken(id, origin, takers);
  }

  /** Everything that comes up in one turn of the event loop shares its datagrams. */
  #flushSoon(): void {
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    this.#send();
    if (this.#link.kind === 'linked' && this.#outbox.hasNext) return;
    for (const told of this.#toTell) told(true);
  }

  #send(): void {
    while (this.#outbox.hasNext) {
      const sender = this.#sender();
      if (sender === null || sender.isCongested) return;
      const datagram = this.#outbox.next()!;
      const result = sender.send(datagram.bytes);
      if (result.kind === 'full') return;
      if (result.kind === 'sent') datagram.sent();
      else this.#unlink(this.#lookAgain(0), false);
    }
    if (this.#outbox.isSettled) this.#onSettled?.();
  }

  /** The connection to the server. Connects if there is none, unless the retry timer is running. */
  #sender(): DatagramSender | null {
    if (this.#link.kind === 'linked') return this.#link.sender;
    if (this.#link.kind === 'closed' || this.#link.timer !== undefined) return null;
    const result = DatagramSender.connect(this.#queuePath, {
      trusts: trustsBeside(this.#queuePath),
      onWritable: () => this.#flush(),
    });
    if (result.kind === 'connected') {
      this.#link = {kind: 'linked', sender: result.sender};
      this.#trouble = '';
      return result.sender;
    }
    this.#complain(result.kind === 'gone' ? '' : result.cause.message);
    this.#link = this.#lookAgain(this.#link.failures);
    return null;
  }

  /** Warn once for each cause, not at each attempt. */
  #complain(trouble: string): void {
    if (trouble !== '' && trouble !== this.#trouble) {
      this.#warn(
        `no message will arrive: the session queue ${this.#queuePath} cannot be used: ${trouble} (is it the server's, and is this the server's user?)`,
      );
    }
    this.#trouble = trouble;
  }

  #lookAgain(failures: number): Link & {kind: 'absent'} {
    const wait = Math.min(RETRY_MS.first * 2 ** failures, RETRY_MS.last);
    const timer = setTimeout(() => {
      this.#link = {kind: 'absent', failures: failures + 1};
      this.#flush();
    }, wait).unref();
    return {kind: 'absent', failures, timer};
  }

  /** Disconnect. The next server has to be told of all sessions again. */
  #unlink(link: Exclude<Link, {kind: 'linked'}>, isAsked: boolean): void {
    if (this.#link.kind === 'linked') this.#link.sender.close();
    if (this.#link.kind === 'absent') clearTimeout(this.#link.timer);
    this.#link = link;
    this.#outbox.restart(isAsked);
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_GRACE_MS);
      this.#onSettled = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
