import {type Origin, pack, pick, type Ranges, type ReceiptRecord, toRanges} from '../schema.ts';
import type {MailboxSession} from './mailboxSession.ts';

/** The sessions of each message that came so far, in the order in which a server hears of it. */
class Progress extends Map<string, {readonly origin: Origin; readonly numbers: number[]}> {}
const PROGRESS = ['showing', 'shown'] as const;

/** Something to say, and what to do once the kernel has it. */
export interface OutgoingDatagram {
  readonly bytes: Buffer;
  readonly sent: () => void;
}

/**
 * What a mailbox has to tell the server. It is kept as sets of sessions, not as datagrams: while the server is away or
 * does not read, it grows no further than the sessions and the messages they hold.
 */
export class Outbox {
  readonly #from: string;
  readonly #sessions: Map<number, MailboxSession>;
  /** Sessions that the server has been told of. */
  readonly #known = new Set<MailboxSession>();
  readonly #toIntroduce = new Set<MailboxSession>();
  readonly #active = new Set<MailboxSession>();
  readonly #toLeave = new Set<MailboxSession>();
  readonly #progress = {showing: new Progress(), shown: new Progress()};
  readonly #receipts: ReceiptRecord[] = [];
  /** Datagrams that the kernel has, oldest first, and what to do once the server has acknowledged them. */
  readonly #unacknowledged: {readonly seq: number; readonly recorded: () => void}[] = [];
  #isCompleteDue = false;
  #seq = 0;

  constructor(from: string, sessions: Map<number, MailboxSession>) {
    this.#from = from;
    this.#sessions = sessions;
  }

  /** Have the server learn of this mailbox, whether it has sessions or not. */
  join(): void {
    this.#isCompleteDue = true;
  }

  introduce(session: MailboxSession): void {
    this.#toIntroduce.add(session);
  }

  taken(id: string, origin: Origin, numbers: readonly number[]): void {
    this.#receipt(id, 'taken', origin, numbers);
  }

  /** A message is about to be written to the session's client, or the client has it. */
  progress(session: MailboxSession, id: string, state: 'showing' | 'shown', origin: Origin): void {
    const of = this.#progress[state];
    const known = of.get(id);
    if (known === undefined) of.set(id, {origin, numbers: [session.n]});
    else known.numbers.push(session.n);
  }

  /** @returns whether the server knows the session and is to be told */
  active(session: MailboxSession): boolean {
    if (!this.#known.has(session)) return false;
    this.#active.add(session);
    return true;
  }

  /** A session has ended. It stays until the server has acknowledged that. */
  leave(session: MailboxSession): void {
    this.#active.delete(session);
    if (this.#concernsNobody(session)) this.#forget(session);
    else this.#toLeave.add(session);
  }

  /** Another server: it has to be told everything. @param isAsked whether it waits for the end of that */
  restart(isAsked: boolean): void {
    this.#known.clear();
    this.#active.clear();
    for (const state of PROGRESS) this.#progress[state].clear();
    this.#receipts.length = 0;
    this.#unacknowledged.length = 0;
    this.#isCompleteDue = isAsked;
    for (const session of this.#sessions.values()) {
      // It may be the same server that asks, and may know the session from before.
      if (session.ended) this.#toLeave.add(session);
      if (!session.ended || !session.holdsNothing) this.#toIntroduce.add(session);
    }
    this.#restate();
  }

  /** The server has recorded what it was told up to datagram `seq`. */
  acknowledged(seq: number): void {
    while (this.#unacknowledged.length > 0 && this.#unacknowledged[0]!.seq <= seq) {
      this.#unacknowledged.shift()!.recorded();
    }
  }

  /** Whether the server has been told everything, and has acknowledged what it has to. */
  get isSettled(): boolean {
    return this.#unacknowledged.length === 0 && !this.hasNext;
  }

  get hasNext(): boolean {
    const {showing, shown} = this.#progress;
    const sets = [this.#toIntroduce, showing, shown, this.#active, this.#toLeave];
    return this.#isCompleteDue || this.#receipts.length > 0 || sets.some(({size}) => size > 0);
  }

  /** In this order: a server hears of a session before its receipts, and of its end after them. `null` without `hasNext`. */
  next(): OutgoingDatagram | null {
    if (this.#toIntroduce.size > 0) return this.#hello();
    for (const state of PROGRESS) {
      for (const [id, {origin, numbers}] of this.#progress[state]) this.#receipt(id, state, origin, numbers);
      this.#progress[state].clear();
    }
    if (this.#receipts.length > 0) return this.#nextReceipts();
    if (this.#active.size > 0) {
      return this.#list('active', this.#active, (sessions) => {
        for (const session of sessions) this.#active.delete(session);
      });
    }
    if (this.#toLeave.size > 0) return this.#goodbye();
    if (this.#isCompleteDue) return this.#complete();
    return null;
  }

  /** No server knows the session, and it holds no message that a server would want a receipt for. */
  #concernsNobody(session: MailboxSession): boolean {
    return !this.#known.has(session) && session.holdsNothing;
  }

  #forget(session: MailboxSession): void {
    this.#sessions.delete(session.n);
    this.#known.delete(session);
    this.#toIntroduce.delete(session);
    this.#toLeave.delete(session);
  }

  /** What the sessions hold and have shown, a record for many of them. */
  #restate(): void {
    type Sorted = {origin: Origin} & Record<ReceiptRecord['state'], number[]>;
    const messages = new Map<string, Sorted>();
    for (const session of this.#sessions.values()) {
      for (const {id, origin, state} of session.fates()) {
        const sorted = messages.get(id) ?? {origin, taken: [], showing: [], shown: [], recorded: []};
        sorted[state].push(session.n);
        messages.set(id, sorted);
      }
    }
    for (const [id, sorted] of messages) {
      for (const state of ['taken', ...PROGRESS, 'recorded'] as const) {
        this.#receipt(id, state, sorted.origin, sorted[state]);
      }
    }
  }

  #receipt(id: string, state: ReceiptRecord['state'], origin: Origin, numbers: readonly number[]): void {
    const {recipients, sender} = origin;
    for (const to of toRanges(numbers)) this.#receipts.push({id, state, to, recipients, sender});
  }

  #hello(): OutgoingDatagram {
    const introduced: MailboxSession[] = [];
    function* records(sessions: Iterable<MailboxSession>) {
      for (const session of sessions) {
        introduced.push(session);
        yield session.record();
      }
    }
    const {bytes, count} = pack(this.#head('hello'), records(this.#toIntroduce));
    return this.#outgoing(bytes, () => {
      for (const session of introduced.slice(0, count)) {
        this.#toIntroduce.delete(session);
        this.#known.add(session);
      }
    });
  }

  #nextReceipts(): OutgoingDatagram {
    const {bytes, count} = pack(this.#head('receipts'), this.#receipts);
    return this.#outgoing(bytes, () => {
      const said = this.#receipts.splice(0, count).filter(({state}) => state === 'shown');
      if (said.length === 0) return;
      this.#awaitAcknowledgement(() => {
        for (const {id, to} of said) {
          for (const session of pick(to, this.#sessions)) session.recorded(id);
        }
      });
    });
  }

  #goodbye(): OutgoingDatagram {
    return this.#list('goodbye', this.#toLeave, (sessions) => {
      for (const session of sessions) this.#toLeave.delete(session);
      this.#awaitAcknowledgement(() => {
        for (const session of sessions) this.#forget(session);
      });
    });
  }

  #complete(): OutgoingDatagram {
    return this.#outgoing(Buffer.from(JSON.stringify(this.#head('complete'))), () => {
      this.#isCompleteDue = false;
    });
  }

  #list(
    type: 'active' | 'goodbye',
    sessions: Set<MailboxSession>,
    said: (sessions: readonly MailboxSession[]) => void,
  ): OutgoingDatagram {
    const items: Ranges = toRanges([...sessions].map(({n}) => n))[0]!;
    const bytes = Buffer.from(JSON.stringify({...this.#head(type), items}));
    return this.#outgoing(bytes, () => said([...pick(items, this.#sessions)]));
  }

  #head<Type extends string>(type: Type) {
    return {type, from: this.#from, seq: this.#seq + 1};
  }

  #outgoing(bytes: Buffer, said: () => void): OutgoingDatagram {
    return {
      bytes,
      sent: () => {
        this.#seq++;
        said();
      },
    };
  }

  #awaitAcknowledgement(recorded: () => void): void {
    this.#unacknowledged.push({seq: this.#seq, recorded});
  }
}
