import {setTimeout as sleep} from 'node:timers/promises';
import {FtpdctlError} from '../../errors.ts';
import type {ScoreboardSession} from '../../scoreboard/scoreboard.ts';
import {processStat, socketInode} from '../../transport/processes/proc.ts';
import {type TcpCounters, tcpCounters} from '../../transport/sockets/socketDiag.ts';
import type {SessionProcessInfo} from '../sessions/sessionProcess.ts';
import {ReceiptEvidence, type ReceiptState, type SessionLook} from './receiptEvidence.ts';

/** Something more is known of a session's message. */
export interface ReceiptChange<S extends SessionProcessInfo = SessionProcessInfo> {
  readonly session: S;
  readonly state: Exclude<ReceiptState, 'taken'>;
}

export interface ReceiptOptions {
  /** Milliseconds until nobody is looked at any more. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Between two looks: a command that takes longer is seen. */
const POLL_INTERVAL_MS = 50;

interface Watched<S> {
  readonly session: S;
  readonly startTicks: number;
  /** Of the control connection, which is descriptor 0 of a session. */
  readonly inode: number | undefined;
  readonly evidence: ReceiptEvidence;
}

/** All that is read at one time. */
interface Readings {
  readonly at: number;
  readonly slots: ReadonlyMap<number, ScoreboardSession> | undefined;
  readonly tcp: ReadonlyMap<number, TcpCounters> | undefined;
}

/**
 * Finds out whether a message that sessions have taken was shown to their clients, from the scoreboard and from what
 * the kernel counts. `shown` is certain, but that a kernel acknowledges what its program may never read.
 */
export class Receipts<S extends SessionProcessInfo> {
  readonly #bytes: number;
  readonly #readSlots: () => readonly ScoreboardSession[] | undefined;
  readonly #watched = new Set<Watched<S>>();
  readonly #ended: ReceiptChange<S>[] = [];

  /**
   * @param lines of the message
   * @param readSlots the sessions of the daemon, as they are now; `undefined` where there is no scoreboard
   */
  constructor(lines: readonly string[], readSlots: () => readonly ScoreboardSession[] | undefined) {
    this.#bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
    this.#readSlots = readSlots;
  }

  /** Sessions that have taken the message just now: call it as soon as that is known. */
  add(sessions: readonly S[]): void {
    const readings = this.#read();
    for (const session of sessions) {
      const stat = processStat(session.pid);
      const inode = socketInode(session.pid, 0);
      const look = stat && lookAt(session, inode, readings);
      if (stat === undefined || look === undefined) {
        this.#ended.push({session, state: 'ended'});
        continue;
      }
      const evidence = new ReceiptEvidence(this.#bytes, look);
      this.#watched.add({session, startTicks: stat.startTicks, inode, evidence});
    }
  }

  /** How many may still change. */
  get pending(): number {
    return this.#watched.size + this.#ended.length;
  }

  /** Look once at everybody. */
  poll(): ReceiptChange<S>[] {
    const changes = this.#ended.splice(0);
    const readings = this.#read();
    for (const watched of this.#watched) {
      const state = stateAfter(watched, readings);
      if (state === undefined) continue;
      if (state !== 'probably shown') this.#watched.delete(watched);
      changes.push({session: watched.session, state});
    }
    return changes;
  }

  /**
   * Every change as it is seen, until each session's message was shown or never will be, or time is over. Sessions may
   * be added meanwhile.
   */
  async *changes({timeoutMs, signal}: ReceiptOptions): AsyncGenerator<ReceiptChange<S>, void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      yield* this.poll();
      if (this.pending === 0 || signal?.aborted || performance.now() >= deadline) return;
      await sleep(Math.min(POLL_INTERVAL_MS, Math.max(0, deadline - performance.now())));
    }
  }

  /** Sessions outlive their daemon; then its scoreboard says nothing of them any more. */
  #slots(): readonly ScoreboardSession[] | undefined {
    try {
      return this.#readSlots();
    } catch (error) {
      if (error instanceof FtpdctlError) return undefined;
      throw error;
    }
  }

  #read(): Readings {
    const slots = this.#slots();
    return {
      at: performance.now(),
      slots: slots && new Map(slots.map((slot) => [slot.pid, slot])),
      tcp: countersIfKnown(),
    };
  }
}

/** @returns what has changed */
function stateAfter<S extends SessionProcessInfo>(
  {session, startTicks, inode, evidence}: Watched<S>,
  readings: Readings,
): ReceiptChange['state'] | undefined {
  const before = evidence.state;
  const look = lookAt(session, inode, readings);
  // Last, so that it is known to have lived while the rest was read.
  const stat = processStat(session.pid);
  if (look === undefined || stat?.startTicks !== startTicks || stat.state === 'Z') return 'ended';
  const state = evidence.add(look);
  return state === before || state === 'taken' ? undefined : state;
}

/** @returns `undefined` when the session has ended */
function lookAt(
  {pid, connectedAt}: SessionProcessInfo,
  inode: number | undefined,
  {at, slots, tcp}: Readings,
): SessionLook | undefined {
  const slot = slots?.get(pid);
  if (slots !== undefined && slot?.connectedAt !== connectedAt) return undefined;
  const counters = inode === undefined ? undefined : tcp?.get(inode);
  return {at, ...(slot && {slot}), ...(counters && {tcp: counters})};
}

function countersIfKnown(): ReadonlyMap<number, TcpCounters> | undefined {
  try {
    return tcpCounters();
  } catch {
    return undefined;
  }
}
