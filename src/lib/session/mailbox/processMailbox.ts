import type {SessionIdentity} from '../../audience/session.ts';
import {DatagramReceiver, DatagramSender} from '../../transport/datagram.ts';
import {ACTIVE_INTERVAL_MS, CLOSE_GRACE_MS, RETRY_MS} from '../limits.ts';
import {checkQueuePath, mailboxPath, newMailboxId} from '../mailboxPath.ts';
import {pick, toRanges} from '../ranges.ts';
import {type DeliveryRecord, decodeToMailbox, pack, type ReceiptRecord} from '../schema.ts';
import {asOwnerOfPlace, trustsBeside} from '../trust.ts';
import type {Mailbox, SessionMailbox} from './mailbox.ts';
import {MailboxSession, type SessionNews} from './mailboxSession.ts';

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

/** Something to say, and what to do once the kernel has it. */
interface OutgoingDatagram {
  readonly bytes: Buffer;
  readonly sent: () => void;
}

/**
 * What is to be said is kept as sets of sessions, not as datagrams: while the server is away or does not read, it grows
 * no further than the sessions and the messages they hold.
 */
class ProcessMailbox implements Mailbox, SessionNews {
  readonly #queuePath: string;
  readonly #warn: (line: string) => void;
  readonly #id = newMailboxId(process.pid);
  readonly #receiver: DatagramReceiver;
  readonly #sessions = new Map<number, MailboxSession>();
  /** Those of them that the server has been told of. */
  readonly #known = new Set<MailboxSession>();
  readonly #toIntroduce = new Set<MailboxSession>();
  readonly #activeOnes = new Set<MailboxSession>();
  readonly #toLeave = new Set<MailboxSession>();
  readonly #shown = new Map<string, number[]>();
  readonly #receipts: ReceiptRecord[] = [];
  #link: Link = {kind: 'absent', failures: 0};
  /** Why the queue could not be used when it was last looked for. */
  #trouble = '';
  #numbers = 0;
  #flushing: NodeJS.Immediate | undefined;
  #activeTimer: NodeJS.Timeout | undefined;
  #onDrained: (() => void) | undefined;

  constructor(queuePath: string, warn: (line: string) => void) {
    this.#queuePath = queuePath;
    this.#warn = warn;
    this.#receiver = asOwnerOfPlace(queuePath, () =>
      DatagramReceiver.bind(mailboxPath(queuePath, this.#id), (bytes) => this.#receive(bytes)),
    );
  }

  register(identity: SessionIdentity): SessionMailbox {
    const n = ++this.#numbers;
    const session = new MailboxSession(`${this.#id}.${n}`, n, identity, this);
    this.#sessions.set(n, session);
    this.changed(session);
    return session;
  }

  async close(): Promise<void> {
    if (this.#link.kind === 'closed') return;
    for (const session of [...this.#sessions.values()]) session.goodbye();
    this.#flush();
    if (this.#link.kind === 'linked' && this.#sessions.size > 0) await this.#drained();
    this.#unlink({kind: 'closed'});
    clearImmediate(this.#flushing);
    clearTimeout(this.#activeTimer);
    this.#receiver.close();
  }

  changed(session: MailboxSession): void {
    this.#toIntroduce.add(session);
    this.#flushSoon();
  }

  active(session: MailboxSession): void {
    if (!this.#known.has(session)) return;
    this.#activeOnes.add(session);
    this.#activeTimer ??= setTimeout(() => {
      this.#activeTimer = undefined;
      this.#flush();
    }, ACTIVE_INTERVAL_MS).unref();
  }

  shown(session: MailboxSession, id: string): void {
    const numbers = this.#shown.get(id);
    if (numbers === undefined) this.#shown.set(id, [session.n]);
    else numbers.push(session.n);
    this.#flushSoon();
  }

  ended(session: MailboxSession): void {
    this.#activeOnes.delete(session);
    if (this.#concernsNobody(session)) {
      this.#forget(session);
    } else {
      this.#toLeave.add(session);
      this.#flushSoon();
    }
  }

  /** No server knows of the session, and there is no message whose fate somebody might want to learn. */
  #concernsNobody(session: MailboxSession): boolean {
    return !this.#known.has(session) && session.holdsNothing;
  }

  #forget(session: MailboxSession): void {
    this.#sessions.delete(session.n);
    this.#known.delete(session);
    this.#toIntroduce.delete(session);
    this.#toLeave.delete(session);
  }

  #receive(bytes: Buffer): void {
    const decoded = decodeToMailbox(bytes);
    if (decoded.kind === 'invalid' || this.#link.kind === 'closed') return;
    if (decoded.datagram.type === 'deliver') {
      for (const delivery of decoded.datagram.items) this.#take(delivery);
    } else {
      this.#unlink({kind: 'absent', failures: 0});
    }
    this.#flushSoon();
  }

  #take({id, text, to}: DeliveryRecord): void {
    const message = {id, text};
    const takers: number[] = [];
    for (const session of pick(to, this.#sessions)) if (session.take(message)) takers.push(session.n);
    for (const ranges of toRanges(takers)) this.#receipts.push({id, state: 'taken', to: ranges});
  }

  /** Everything that comes up in one turn of the event loop shares its datagrams. */
  #flushSoon(): void {
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    for (const [id, numbers] of this.#shown) {
      for (const to of toRanges(numbers)) this.#receipts.push({id, state: 'shown', to});
    }
    this.#shown.clear();
    for (let say = this.#nextToSay(); say !== null; say = this.#nextToSay()) {
      const sender = this.#sender();
      if (sender === null || sender.isCongested) return;
      const parcel = say();
      const result = sender.send(parcel.bytes);
      if (result.kind === 'full') return;
      if (result.kind === 'sent') parcel.sent();
      else this.#unlink(this.#lookAgain(0));
    }
    this.#onDrained?.();
  }

  /** In this order: a server hears of a session before its receipts, and of its end after them. */
  #nextToSay(): (() => OutgoingDatagram) | null {
    if (this.#toIntroduce.size > 0) return () => this.#hello();
    if (this.#receipts.length > 0) return () => this.#nextReceipts();
    if (this.#activeOnes.size > 0) {
      return () => this.#list('active', this.#activeOnes, (session) => this.#activeOnes.delete(session));
    }
    if (this.#toLeave.size > 0) {
      return () => this.#list('goodbye', this.#toLeave, (session) => this.#forget(session));
    }
    return null;
  }

  #hello(): OutgoingDatagram {
    const introduced: MailboxSession[] = [];
    function* records(sessions: Iterable<MailboxSession>) {
      for (const session of sessions) {
        introduced.push(session);
        yield session.record();
      }
    }
    const {bytes, count} = pack({type: 'hello', from: this.#id}, records(this.#toIntroduce));
    return {
      bytes,
      sent: () => {
        for (const session of introduced.slice(0, count)) {
          this.#toIntroduce.delete(session);
          this.#known.add(session);
        }
      },
    };
  }

  #nextReceipts(): OutgoingDatagram {
    const {bytes, count} = pack({type: 'receipts', from: this.#id}, this.#receipts);
    return {
      bytes,
      sent: () => {
        for (const {id, state, to} of this.#receipts.splice(0, count)) {
          if (state === 'shown') for (const session of pick(to, this.#sessions)) session.reported(id);
        }
      },
    };
  }

  #list(
    type: 'active' | 'goodbye',
    sessions: Set<MailboxSession>,
    said: (session: MailboxSession) => void,
  ): OutgoingDatagram {
    const items = toRanges([...sessions].map(({n}) => n))[0]!;
    const bytes = Buffer.from(JSON.stringify({type, from: this.#id, items}));
    return {
      bytes,
      sent: () => {
        for (const session of pick(items, this.#sessions)) said(session);
      },
    };
  }

  /** The way to the server, looked for if there is none and it is not too soon to look again. */
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
    this.#complain(result.kind === 'failed' ? result.cause.message : '');
    this.#link = this.#lookAgain(this.#link.failures);
    return null;
  }

  /** Once, not at each attempt. */
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

  /** Let go of the server that was there. The next one knows nothing of our sessions. */
  #unlink(link: Exclude<Link, {kind: 'linked'}>): void {
    if (this.#link.kind === 'linked') this.#link.sender.close();
    if (this.#link.kind === 'absent') clearTimeout(this.#link.timer);
    this.#link = link;
    this.#known.clear();
    this.#activeOnes.clear();
    for (const session of [...this.#sessions.values()]) {
      if (session.ended && session.holdsNothing) this.#forget(session);
      else this.#toIntroduce.add(session);
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_GRACE_MS);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
