import {MAX_WAITING_BYTES, MESSAGE_OVERHEAD_BYTES, SETTLED_RECEIPTS} from '../limits.ts';

/** What became of a message. It is settled when `shown` and `undelivered` make up `recipients`. */
export interface Receipt {
  readonly id: string;
  /** Sessions it was meant for, those included that could not take it. */
  readonly recipients: number;
  /** Sessions whose process has it, or has had it. */
  readonly taken: number;
  readonly shown: number;
  readonly undelivered: readonly Undelivered[];
  readonly settled: boolean;
}

export interface Undelivered {
  readonly session: string;
  readonly reason: string;
}

/** A session, as far as a message's fate goes: `waiting` for the mailbox to take it, or `taken` and not yet shown. */
export interface Recipient {
  readonly id: string;
  readonly pending: Map<string, 'waiting' | 'taken'>;
}

interface Entry {
  readonly bytes: number;
  recipients: number;
  taken: number;
  shown: number;
  readonly undelivered: Undelivered[];
  readonly waiters: Set<() => void>;
  settledAt: number;
}

/** Keeps account of every message until it has ended for every session, and for a while after. */
export class ReceiptStore {
  readonly #entries = new Map<string, Entry>();
  /** Ids of what has ended, oldest first. */
  readonly #settled = new Set<string>();
  #waitingBytes = 0;

  /** Whether a text of `bytes` bytes may still wait with all the others. */
  hasRoomFor(bytes: number): boolean {
    return this.#waitingBytes + bytes + MESSAGE_OVERHEAD_BYTES <= MAX_WAITING_BYTES;
  }

  /** Open the account of a message for `takers`, and write down at once what `refused` did not take. */
  open(id: string, bytes: number, takers: readonly Recipient[], refused: readonly Undelivered[]): void {
    const entry = this.#add(id, bytes);
    entry.recipients = takers.length + refused.length;
    for (const taker of takers) taker.pending.set(id, 'waiting');
    entry.undelivered.push(...refused);
    this.#settleIfOver(id, entry);
  }

  /** A mailbox holds a message for `recipient` that a server before us has sent. */
  adopt(id: string, recipient: Recipient): void {
    if (recipient.pending.has(id)) return;
    const entry = this.#entries.get(id) ?? this.#add(id, 0);
    if (this.#settled.has(id)) return;
    entry.recipients++;
    entry.taken++;
    recipient.pending.set(id, 'taken');
  }

  /** @returns whether that is news */
  taken(id: string, recipient: Recipient): boolean {
    if (recipient.pending.get(id) !== 'waiting') return false;
    recipient.pending.set(id, 'taken');
    this.#entries.get(id)!.taken++;
    return true;
  }

  /** @returns whether that is news */
  shown(id: string, recipient: Recipient): boolean {
    this.taken(id, recipient);
    if (!recipient.pending.delete(id)) return false;
    const entry = this.#entries.get(id)!;
    entry.shown++;
    this.#settleIfOver(id, entry);
    return true;
  }

  /** @returns whether that is news */
  undelivered(id: string, recipient: Recipient, reason: string): boolean {
    if (!recipient.pending.delete(id)) return false;
    const entry = this.#entries.get(id)!;
    entry.undelivered.push({session: recipient.id, reason});
    this.#settleIfOver(id, entry);
    return true;
  }

  /** What is known of a message; nothing of one that has ended long ago. */
  receipt(id: string): Receipt | undefined {
    this.#prune();
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const {recipients, taken, shown, undelivered} = entry;
    return {id, recipients, taken, shown, undelivered: [...undelivered], settled: this.#settled.has(id)};
  }

  /** The receipt of a message as soon as it has ended for everyone, or as it stands when `signal` aborts. */
  whenSettled(id: string, signal: AbortSignal): Promise<Receipt | undefined> {
    const waiters = this.#settled.has(id) ? undefined : this.#entries.get(id)?.waiters;
    if (waiters === undefined || signal.aborted) return Promise.resolve(this.receipt(id));
    return new Promise((resolve) => {
      const done = () => {
        waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve(this.receipt(id));
      };
      waiters.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Whoever waits for a message is told how it stands: there will be no more news. */
  close(): void {
    for (const {waiters} of this.#entries.values()) for (const done of [...waiters]) done();
  }

  #add(id: string, bytes: number): Entry {
    const entry = {
      bytes: bytes + MESSAGE_OVERHEAD_BYTES,
      recipients: 0,
      taken: 0,
      shown: 0,
      undelivered: [],
      waiters: new Set<() => void>(),
      settledAt: 0,
    };
    this.#entries.set(id, entry);
    this.#waitingBytes += entry.bytes;
    return entry;
  }

  #settleIfOver(id: string, entry: Entry): void {
    if (entry.shown + entry.undelivered.length < entry.recipients) return;
    this.#waitingBytes -= entry.bytes;
    entry.settledAt = performance.now();
    this.#settled.add(id);
    for (const done of [...entry.waiters]) done();
    this.#prune();
  }

  #prune(): void {
    const oldest = performance.now() - SETTLED_RECEIPTS.lifetimeMs;
    for (const id of this.#settled) {
      if (this.#settled.size <= SETTLED_RECEIPTS.most && this.#entries.get(id)!.settledAt >= oldest) return;
      this.#settled.delete(id);
      this.#entries.delete(id);
    }
  }
}
