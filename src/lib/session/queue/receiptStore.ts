import {randomBytes} from 'node:crypto';
import {
  MAX_NAMED_UNDELIVERED,
  MAX_WAITING_BYTES,
  MESSAGE_OVERHEAD_BYTES,
  SETTLED_RECEIPTS,
} from '../limits.ts';
import type {ReceiptRecord} from '../schema.ts';
import type {RegisteredSession} from './sessions.ts';

/** What became of a message. `shown`, `lost`, `waiting` and `unknown` make up `recipients`. */
export interface Receipt {
  readonly id: string;
  /** Uid of the sender. */
  readonly sender: number;
  /** Sessions it was meant for, those included that could not take it. */
  readonly recipients: number;
  /** Sessions whose process has it, or has had it. */
  readonly taken: number;
  readonly shown: number;
  /** Sessions that will never show it. */
  readonly lost: number;
  /** The first of those. */
  readonly undelivered: readonly Undelivered[];
  /** Sessions that may still show it. */
  readonly waiting: number;
  /** Sessions that an earlier server has sent it to, and no mailbox has said anything of; and the interrupted. */
  readonly unknown: number;
  /** Sessions whose process has ended while it was on the way to their client: the first of them. */
  readonly interrupted: readonly NamedRecipient[];
}

export interface NamedRecipient {
  readonly session: string;
  readonly user: string | null;
  readonly host: string;
}

/** A session that will never show a message. */
export interface Undelivered extends NamedRecipient {
  readonly reason: string;
}

interface Entry {
  readonly sender: number;
  readonly bytes: number;
  recipients: number;
  taken: number;
  shown: number;
  waiting: number;
  lost: number;
  readonly undelivered: Undelivered[];
  interruptions: number;
  readonly interrupted: NamedRecipient[];
  /** Of a message of an earlier server: the sessions that are accounted for. Their mailboxes may say it again. */
  readonly inherited: Set<string> | null;
  /** How many sessions have been said to be unknown. */
  unknownTold: number;
  settled: {readonly cost: number; at: number} | null;
}

/** Keeps the receipt of every message until it is settled for every session, and for a while after. */
export class ReceiptStore {
  /** Message ids are unique over all servers and restarts: a random part for this one, and a count. */
  readonly #run = randomBytes(6).toString('hex');
  readonly #entries = new Map<string, Entry>();
  /** Ids of settled messages, least recently asked for first. */
  readonly #settled = new Set<string>();
  #count = 0;
  #waitingBytes = 0;
  #settledBytes = 0;

  /** Whether a text of `bytes` bytes may still wait with all the others. */
  hasRoomFor(bytes: number): boolean {
    return this.#waitingBytes + bytes + MESSAGE_OVERHEAD_BYTES <= MAX_WAITING_BYTES;
  }

  /** Whether any message has not ended yet. */
  get hasOpen(): boolean {
    return this.#settled.size < this.#entries.size;
  }

  newId(): string {
    return `${this.#run}-${++this.#count}`;
  }

  /** Begin the receipt of a message for `takers`; `refused` count as lost from the start. */
  open(
    {id, bytes, sender}: {id: string; bytes: number; sender: number},
    takers: readonly RegisteredSession[],
    refused: readonly Undelivered[],
  ): void {
    const entry = this.#add(id, {sender, bytes, recipients: takers.length + refused.length, inherited: null});
    entry.waiting = takers.length;
    for (const {pending} of takers) pending.set(id, 'waiting');
    for (const each of refused) countLost(entry, each);
    this.#settleIfOver(id, entry);
  }

  /**
   * A mailbox says what became of a message in one of its sessions. It may be one that an earlier server has sent, and
   * it may have been said before: to that server, or to this one.
   *
   * @returns whether the log does not know yet that it was shown
   */
  report(record: Omit<ReceiptRecord, 'to'>, session: RegisteredSession): boolean {
    const {id, state} = record;
    if (!session.pending.has(id) && !this.#inherit(record, session)) return false;
    const entry = this.#entries.get(id)!;
    if (session.pending.get(id) === 'waiting') entry.taken++;
    session.pending.set(id, state === 'showing' ? 'showing' : 'taken');
    if (state === 'taken' || state === 'showing') return false;
    session.pending.delete(id);
    entry.waiting--;
    entry.shown++;
    this.#settleIfOver(id, entry);
    return state === 'shown';
  }

  /** @returns whether that is news */
  undelivered(id: string, session: RegisteredSession, reason: string): boolean {
    if (!session.pending.delete(id)) return false;
    const entry = this.#entries.get(id)!;
    entry.waiting--;
    countLost(entry, undeliveredTo(session, reason));
    this.#settleIfOver(id, entry);
    return true;
  }

  /** The session's process has ended. @returns whether nobody knows now if its client has seen the message */
  interrupt(id: string, session: RegisteredSession): boolean {
    if (session.pending.get(id) !== 'showing') return false;
    session.pending.delete(id);
    const entry = this.#entries.get(id)!;
    entry.waiting--;
    entry.interruptions++;
    if (entry.interrupted.length < MAX_NAMED_UNDELIVERED) entry.interrupted.push(nameOf(session));
    this.#settleIfOver(id, entry);
    return true;
  }

  /** What is known of a message; nothing of one that has ended long ago. */
  receipt(id: string): Receipt | undefined {
    this.#prune();
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (entry.settled !== null) this.#touch(id, entry.settled);
    const {sender, recipients, taken, shown, lost, undelivered, waiting, interruptions, interrupted} = entry;
    return {
      id,
      sender,
      recipients,
      taken,
      shown,
      lost,
      undelivered: [...undelivered],
      waiting,
      unknown: unheardOf(entry) + interruptions,
      interrupted: [...interrupted],
    };
  }

  /** Messages of earlier servers with sessions that no mailbox has reported; each count is returned once. */
  newlyUnknown(): {id: string; count: number}[] {
    const found: {id: string; count: number}[] = [];
    for (const [id, entry] of this.#entries) {
      const count = unheardOf(entry);
      if (count > entry.unknownTold) found.push({id, count});
      entry.unknownTold = Math.max(count, entry.unknownTold);
    }
    return found;
  }

  /** Messages that some session may still show. */
  unfinished(): {id: string; count: number}[] {
    return [...this.#entries].flatMap(([id, {waiting}]) => (waiting > 0 ? [{id, count: waiting}] : []));
  }

  /** `session` holds, or has shown, a message that an earlier server has sent. */
  #inherit({id, sender, recipients}: Omit<ReceiptRecord, 'to'>, session: RegisteredSession): boolean {
    // One of our own messages, which is already settled for that session.
    if (id.startsWith(`${this.#run}-`)) return false;
    const entry =
      this.#entries.get(id) ?? this.#add(id, {sender, bytes: 0, recipients, inherited: new Set()});
    if (entry.inherited!.has(session.id)) return false;
    this.#unsettle(id, entry);
    entry.inherited!.add(session.id);
    entry.recipients = Math.max(entry.recipients, entry.inherited!.size);
    entry.waiting++;
    session.pending.set(id, 'waiting');
    return true;
  }

  #add(id: string, known: Pick<Entry, 'sender' | 'bytes' | 'recipients' | 'inherited'>): Entry {
    const entry: Entry = {
      ...known,
      bytes: known.bytes + MESSAGE_OVERHEAD_BYTES,
      taken: 0,
      shown: 0,
      waiting: 0,
      lost: 0,
      undelivered: [],
      interruptions: 0,
      interrupted: [],
      unknownTold: 0,
      settled: null,
    };
    this.#entries.set(id, entry);
    this.#waitingBytes += entry.bytes;
    return entry;
  }

  #settleIfOver(id: string, entry: Entry): void {
    if (entry.waiting > 0 || entry.settled !== null) return;
    this.#waitingBytes -= entry.bytes;
    entry.settled = {cost: costOf(entry), at: performance.now()};
    this.#settledBytes += entry.settled.cost;
    this.#settled.add(id);
    this.#prune();
  }

  /** Another mailbox reports sessions of a settled message. */
  #unsettle(id: string, entry: Entry): void {
    if (entry.settled === null) return;
    this.#waitingBytes += entry.bytes;
    this.#settledBytes -= entry.settled.cost;
    entry.settled = null;
    this.#settled.delete(id);
  }

  /** Asked for just now: it is pruned last. */
  #touch(id: string, settled: NonNullable<Entry['settled']>): void {
    settled.at = performance.now();
    this.#settled.delete(id);
    this.#settled.add(id);
  }

  #prune(): void {
    const oldest = performance.now() - SETTLED_RECEIPTS.lifetimeMs;
    for (const id of this.#settled) {
      const {cost, at} = this.#entries.get(id)!.settled!;
      if (this.#settledBytes <= SETTLED_RECEIPTS.bytes && at >= oldest) return;
      this.#settledBytes -= cost;
      this.#settled.delete(id);
      this.#entries.delete(id);
    }
  }
}

export function undeliveredTo(session: RegisteredSession, reason: string): Undelivered {
  return {...nameOf(session), reason};
}

function nameOf({id, identity}: RegisteredSession): NamedRecipient {
  return {session: id, user: identity.user, host: identity.host};
}

function countLost(entry: Entry, undelivered: Undelivered): void {
  entry.lost++;
  if (entry.undelivered.length < MAX_NAMED_UNDELIVERED) entry.undelivered.push(undelivered);
}

function unheardOf({recipients, inherited}: Entry): number {
  return inherited === null ? 0 : recipients - inherited.size;
}

/** Bytes of a receipt, roughly. */
function costOf({undelivered, interrupted, inherited}: Entry): number {
  const sessions = undelivered.length + interrupted.length + (inherited?.size ?? 0);
  return MESSAGE_OVERHEAD_BYTES * (1 + sessions);
}
