import {setTimeout as sleep} from 'node:timers/promises';
import type {ProcessHandle} from '../../transport/processes/pidfd.ts';
import {openSessionProcess, type SessionProcessInfo} from '../sessions/sessionProcess.ts';
import {
  type DeliveryQueue,
  findLeftovers,
  type Leftover,
  removeLeftovers,
  separate,
  textsByPid,
} from './deliveryQueue.ts';

/** What became of a message for one session. */
export type DeliveryOutcome =
  /** It is off the queue, not withdrawn, and its session was still there: certain. */
  | {readonly kind: 'taken'}
  /** `linesTaken` were taken before the others could be withdrawn; mostly 0. */
  | {readonly kind: 'withdrawn'; readonly why: WithdrawalReason; readonly linesTaken: number}
  /** The session ended, and it is not known to have taken the message before. */
  | {readonly kind: 'gone'}
  /** Nothing was queued, and nobody signalled. */
  | {readonly kind: 'refused'; readonly why: RefusalReason};

export type WithdrawalReason =
  /** The session took nothing in time: stopped, waiting for a data connection, or with its `MessageEngine off`. */
  | 'timeout'
  /** The queue had no room for it in all that time. */
  | 'queue full'
  | 'aborted';

export type RefusalReason =
  /** SFTP sessions take messages and lose them. */
  | 'protocol'
  /** The pid belongs to a process that is no session of this daemon, or not this session. */
  | 'not its process'
  /** The kernel does not let us signal it. */
  | 'permission'
  /** All lines together are more than the queue holds. */
  | 'too long';

/** One session and what became of its message. */
export interface Delivery<S extends SessionProcessInfo = SessionProcessInfo> {
  readonly session: S;
  readonly outcome: DeliveryOutcome;
}

export interface DeliveryOptions<S extends SessionProcessInfo = SessionProcessInfo> {
  /** Milliseconds until what was not taken is withdrawn. Default `DELIVERY_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Withdraws at once, before `abort()` returns, all that was not taken. */
  readonly signal?: AbortSignal;
  /** Told at once, several together, of those that have taken the whole message. Must not throw. */
  readonly onTaken?: (sessions: readonly S[]) => void;
  /** Told of the messages for dead processes that were removed. */
  readonly onRemoved?: (leftovers: readonly Leftover[]) => void;
  /** Told what became of it when this process is ended meanwhile, at the last moment. Must not throw. */
  readonly onInterrupted?: (deliveries: readonly Delivery<S>[]) => void;
  /** Where the sender and the text are recorded. Default: syslog. */
  readonly audit?: (line: string) => void;
}

export const DELIVERY_TIMEOUT_MS = 15_000;

/** Protocols whose sessions show what they take. */
export const MESSAGE_PROTOCOLS: readonly string[] = ['ftp', 'ftps'];

/** A second and third SIGUSR2 end ProFTPD's nap (0.4 s on 1.3.8); measured: 3 ms apart, five at the most. */
const SIGNAL_INTERVAL_MS = 3;
const MAX_SIGNALS = 5;
/** Between two looks at sessions that have had all their signals. */
const SLOW_INTERVAL_MS = 20;
/** A session that takes nothing for so long makes room for those that wait, and has its next turn after them. */
const TURN_MS = 250;
/** Sessions with a message on the queue at a time: each holds a descriptor. */
const MAX_QUEUED = 256;

/** A session whose message is not on the queue, and may never have been. */
interface Waiting<S> {
  readonly session: S;
  /** What it has not taken yet. */
  readonly texts: readonly Buffer[];
}

interface Queued<S> extends Waiting<S> {
  readonly handle: ProcessHandle;
  readonly since: number;
  signals: number;
}

/** One message on its way to some sessions. Everything but the waiting is synchronous, so that it can end at any time. */
export class DeliveryRound<S extends SessionProcessInfo> {
  readonly outcomes = new Map<S, DeliveryOutcome>();
  readonly #daemon: number;
  readonly #queue: DeliveryQueue;
  readonly #options: DeliveryOptions<S>;
  readonly #deadline: number;
  readonly #lines: number;
  /** In the order of their turns. */
  readonly #waiting: Waiting<S>[] = [];
  readonly #queued = new Set<Queued<S>>();
  /** Sessions that others' messages lie there for: signalled along, for their sender may have died before it did. */
  #forgotten: {handle: ProcessHandle; signals: number}[] = [];

  constructor(
    daemon: number,
    queue: DeliveryQueue,
    texts: readonly Buffer[],
    sessions: readonly S[],
    options: DeliveryOptions<S> & {readonly timeoutMs: number},
  ) {
    this.#daemon = daemon;
    this.#queue = queue;
    this.#options = options;
    this.#deadline = performance.now() + options.timeoutMs;
    this.#lines = texts.length;
    const isTooLong = totalBytes(texts) > queue.status().capacity;
    for (const session of sessions) {
      if (!MESSAGE_PROTOCOLS.includes(session.protocol))
        this.#settle(session, {kind: 'refused', why: 'protocol'});
      else if (isTooLong) this.#settle(session, {kind: 'refused', why: 'too long'});
      else this.#waiting.push({session, texts});
    }
  }

  /** Resolves when every session has its outcome. @throws SystemCallError when the queue is gone */
  async run(): Promise<void> {
    if (this.#waiting.length > 0) this.#clearLeftovers();
    this.#fill();
    while (this.#queued.size > 0 || this.#waiting.length > 0) {
      await sleep(this.#interval());
      this.#look();
      if (performance.now() >= this.#deadline) this.end('timeout');
      this.#takeTurns();
      this.#fill();
    }
  }

  /** Withdraw what was not taken. Harmless when nothing is left to do. */
  end(why: 'timeout' | 'aborted'): void {
    const waiting = this.#waiting.splice(0);
    for (const queued of this.#queued) this.#withdraw(queued, why);
    for (const {session, texts} of waiting) {
      this.#settleWithdrawn(session, texts.length, why === 'aborted' ? why : 'queue full');
    }
    for (const {handle} of this.#forgotten.splice(0)) handle.close();
  }

  #clearLeftovers(): void {
    const leftovers = findLeftovers(this.#daemon, this.#queue);
    const removed = removeLeftovers(this.#queue, leftovers);
    if (removed.length > 0) this.#options.onRemoved?.(removed);
    for (const {pid} of leftovers.filter(({kind}) => kind === 'living').slice(0, MAX_QUEUED)) {
      const found = openSessionProcess(this.#daemon, {pid, connectedAt: null});
      if (found.kind === 'open') this.#forgotten.push({handle: found.handle, signals: 0});
    }
    this.#signalForgotten();
  }

  #interval(): number {
    for (const {signals} of this.#queued) if (signals < MAX_SIGNALS) return SIGNAL_INTERVAL_MS;
    return SLOW_INTERVAL_MS;
  }

  /** Queue for as many sessions as there is room for. */
  #fill(): void {
    while (this.#waiting.length > 0 && this.#queued.size < MAX_QUEUED && this.#hasRoom(this.#waiting[0]!)) {
      if (!this.#enqueue(this.#waiting.shift()!)) return;
    }
  }

  /** Half of the queue, so that the daemon can always send, too; but one message wherever it fits at all. */
  #hasRoom({texts}: Waiting<S>): boolean {
    const {bytes, capacity} = this.#queue.status();
    return bytes + totalBytes(texts) <= (this.#queued.size === 0 ? capacity : capacity / 2);
  }

  /** @returns whether there was room */
  #enqueue({session, texts}: Waiting<S>): boolean {
    const found = openSessionProcess(this.#daemon, session);
    if (found.kind !== 'open') {
      this.#settle(session, REFUSALS[found.kind]);
      return true;
    }
    // Noted before it is sent: whatever happens next, it will be withdrawn.
    const queued = {session, texts, handle: found.handle, since: performance.now(), signals: 0};
    this.#queued.add(queued);
    // All lines before the signal: so they stand in one reply.
    const unsent = texts.findIndex((text) => !this.#queue.send(session.pid, text));
    if (unsent === -1) {
      this.#signal(queued);
      return true;
    }
    this.#postpone(queued, unsent);
    return false;
  }

  /** Ask the session to look at the queue. One that has ended is found at the next look. */
  #signal(queued: {handle: ProcessHandle; signals: number}): void {
    queued.signals += 1;
    queued.handle.signal('SIGUSR2');
  }

  #signalForgotten(): void {
    for (const forgotten of this.#forgotten) if (forgotten.signals < MAX_SIGNALS) this.#signal(forgotten);
  }

  /** See who has taken what, and signal the others again. */
  #look(): void {
    const countLeft = this.#leftCounter();
    const taken: S[] = [];
    for (const queued of this.#queued) {
      const left = countLeft(queued);
      // In this order: what is off the queue of a living session was taken by it. Once the session is dead, anybody
      // may have removed it.
      if (queued.handle.hasEnded()) {
        this.#withdraw(queued, 'timeout');
      } else if (left === 0) {
        this.#release(queued, {kind: 'taken'});
        taken.push(queued.session);
      } else if (queued.signals < MAX_SIGNALS) {
        this.#signal(queued);
      }
    }
    this.#signalForgotten();
    if (taken.length > 0) this.#options.onTaken?.(taken);
  }

  /** Tells how many texts of a session still lie there; `undefined` where it cannot be known just now. */
  #leftCounter(): (queued: Queued<S>) => number | undefined {
    if (this.#queue.isListable) {
      const list = this.#queue.list();
      if (list === undefined) return () => undefined;
      const found = textsByPid(list);
      return ({session, texts}) => separate(found.get(session.pid) ?? [], texts).own.length;
    }
    if (this.#queue.status().messages === 0) return () => 0;
    return (queued) => {
      if (queued.signals < MAX_SIGNALS) return undefined;
      const left = this.#queue.countByTaking(queued.session.pid, queued.texts);
      // It may have looked while the queue was empty for it.
      if (left > 0) queued.handle.signal('SIGUSR2');
      return left;
    };
  }

  /** Sessions that take nothing make room for those that wait. */
  #takeTurns(): void {
    if (this.#waiting.length === 0) return;
    const overdue = performance.now() - TURN_MS;
    for (const queued of this.#queued)
      if (queued.since <= overdue) this.#postpone(queued, queued.texts.length);
  }

  /** Take a message off the queue for now. @param sent how many of its texts were put there */
  #postpone(queued: Queued<S>, sent: number): void {
    const left = this.#takeBack(queued);
    // A session takes them in their order.
    const texts = queued.texts.slice(sent - left);
    if (texts.length === 0) {
      this.#settleEmpty(queued);
    } else {
      this.#release(queued);
      this.#waiting.push({session: queued.session, texts});
    }
  }

  #withdraw(queued: Queued<S>, why: WithdrawalReason): void {
    const left = this.#takeBack(queued);
    if (left === 0) {
      this.#settleEmpty(queued);
    } else if (queued.handle.hasEnded()) {
      this.#release(queued, {kind: 'gone'});
    } else {
      this.#release(queued);
      this.#settleWithdrawn(queued.session, left, why);
    }
  }

  /** @returns how many of the texts were still there */
  #takeBack({session, texts, handle}: Queued<S>): number {
    const {withdrawn, putBack} = this.#queue.withdraw(session.pid, texts);
    // It may have looked while what others sent was off the queue.
    if (putBack > 0) handle.signal('SIGUSR2');
    return withdrawn;
  }

  /** Nothing of it is on the queue any more. */
  #settleEmpty(queued: Queued<S>): void {
    const hasEnded = queued.handle.hasEnded();
    this.#release(queued, {kind: hasEnded ? 'gone' : 'taken'});
    if (!hasEnded) this.#options.onTaken?.([queued.session]);
  }

  #settleWithdrawn(session: S, left: number, why: WithdrawalReason): void {
    this.#settle(session, {kind: 'withdrawn', why, linesTaken: this.#lines - left});
  }

  #release(queued: Queued<S>, outcome?: DeliveryOutcome): void {
    this.#queued.delete(queued);
    queued.handle.close();
    if (outcome) this.#settle(queued.session, outcome);
  }

  #settle(session: S, outcome: DeliveryOutcome): void {
    this.outcomes.set(session, outcome);
  }
}

const REFUSALS = {
  gone: {kind: 'gone'},
  stranger: {kind: 'refused', why: 'not its process'},
  forbidden: {kind: 'refused', why: 'permission'},
} as const satisfies Record<string, DeliveryOutcome>;

function totalBytes(texts: readonly Buffer[]): number {
  return texts.reduce((sum, {length}) => sum + length, 0);
}
