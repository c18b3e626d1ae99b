import {FileLock} from '../../transport/files/fileLock.ts';
import {isUnusedPid, processStat} from '../../transport/processes/proc.ts';
import {type QueuedMessage, type QueueStatus, SystemVQueue} from '../../transport/systemV.ts';

/** Milliseconds that another sender may keep us from the queue; what it does there takes far less than one. */
const LOCK_TIMEOUT_MS = 50;
/** Milliseconds to try to put back a message of somebody else on a queue that has filled up meanwhile. */
const PUT_BACK_TIMEOUT_MS = 500;

/** What a withdrawal found. */
export interface Withdrawal {
  /** How many of the texts were still there; they are not any more. */
  readonly withdrawn: number;
  /** Messages of others for the same session, which were put back. */
  readonly putBack: number;
  /** Messages of others for which there was no room any more. */
  readonly lost: number;
}

/**
 * The queue of a daemon's mod_msg, shared with the daemon and with every other sender.
 *
 * A kernel queue gives the oldest message of a session only: to get at our own, those of others before it must be
 * taken, too, and put back. A lock keeps other senders of this program from looking while that is so, for they would
 * take a message that is not there for one that its session has.
 */
export class DeliveryQueue {
  readonly #queue: SystemVQueue;
  readonly #lock: FileLock;
  /** Whether the kernel can list a queue: it has CONFIG_CHECKPOINT_RESTORE. */
  readonly isListable: boolean;

  constructor(queue: SystemVQueue, daemon: number) {
    this.#queue = queue;
    // A file that only the daemon's own user (or root) can open, so that nobody else can hold the lock.
    this.#lock = FileLock.open(`/proc/${daemon}/environ`);
    this.isListable = queue.list() !== undefined;
  }

  /**
   * @param key as `ProftpdDaemon.queue` has it
   * @param daemon its pid
   * @returns `undefined` when there is no queue of that key. @throws SystemCallError, NodeJS.ErrnoException
   */
  static open(key: number, daemon: number): DeliveryQueue | undefined {
    const queue = SystemVQueue.open(key);
    return queue && new DeliveryQueue(queue, daemon);
  }

  close(): void {
    this.#lock.close();
  }

  status(): QueueStatus {
    return this.#queue.status();
  }

  /** Put a text at the end. @returns whether there was room for it */
  send(pid: number, text: Buffer): boolean {
    return this.#queue.send(pid, text);
  }

  /**
   * What lies there, oldest first, at a moment when no sender has taken anything that it will put back.
   * @returns `undefined` when another sender is at it just now; always, where it is not `isListable`
   */
  list(): QueuedMessage[] | undefined {
    if (!this.#lock.tryLock('shared')) return undefined;
    try {
      return this.#queue.list();
    } finally {
      this.#lock.unlock();
    }
  }

  /** Take the texts off again, the youngest ones of that wording, and nothing else. */
  withdraw(pid: number, texts: readonly Buffer[]): Withdrawal {
    return this.#exclusively(() => {
      const {own, others} = separate(this.#takeAll(pid), texts);
      return {withdrawn: own.length, ...this.#putBack(pid, others)};
    });
  }

  /** How many of the texts still lie there, found by taking them and putting them back: where it cannot be listed. */
  countByTaking(pid: number, texts: readonly Buffer[]): number {
    return this.#exclusively(() => {
      const all = this.#takeAll(pid);
      this.#putBack(pid, all);
      return separate(all, texts).own.length;
    });
  }

  #takeAll(pid: number): Buffer[] {
    const taken: Buffer[] = [];
    for (;;) {
      const text = this.#queue.receive(pid);
      if (text === undefined) return taken;
      taken.push(text);
    }
  }

  #putBack(pid: number, texts: readonly Buffer[]): {putBack: number; lost: number} {
    let putBack = 0;
    for (const text of texts) {
      if (!retry(PUT_BACK_TIMEOUT_MS, () => this.#queue.send(pid, text))) break;
      putBack += 1;
    }
    return {putBack, lost: texts.length - putBack};
  }

  #exclusively<T>(action: () => T): T {
    // A sender that was stopped in the middle must not keep others from withdrawing: they go on without the lock.
    const isLocked = retry(LOCK_TIMEOUT_MS, () => this.#lock.tryLock('exclusive'));
    try {
      return action();
    } finally {
      if (isLocked) this.#lock.unlock();
    }
  }
}

/** Our texts among those of a session: where others sent the same words, the youngest are ours. */
export function separate(
  all: readonly Buffer[],
  texts: readonly Buffer[],
): {readonly own: Buffer[]; readonly others: Buffer[]} {
  const wanted = [...texts];
  const own: Buffer[] = [];
  const others: Buffer[] = [];
  for (const text of all.toReversed()) {
    const index = wanted.findIndex((one) => one.equals(text));
    if (index !== -1) wanted.splice(index, 1);
    (index === -1 ? others : own).push(text);
  }
  return {own: own.reverse(), others: others.reverse()};
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Try until it succeeds, a millisecond apart. Blocks: what is being done must not be left half done. */
function retry(timeoutMs: number, attempt: () => boolean): boolean {
  const deadline = performance.now() + timeoutMs;
  while (!attempt()) {
    if (performance.now() > deadline) return false;
    Atomics.wait(clock, 0, 0, 1);
  }
  return true;
}

/** What lies on a queue for one process. */
export interface Leftover {
  readonly pid: number;
  /** `dead`: no session will ever take it, but the next one that gets this pid would be shown it. */
  readonly kind: 'dead' | 'living';
  readonly texts: readonly Buffer[];
}

/** Messages by the process they are for, as far as the kernel can list them. */
export function findLeftovers(
  daemon: number,
  queue: {list(): readonly QueuedMessage[] | undefined},
): Leftover[] {
  return [...textsByPid(queue.list() ?? [])].map(([pid, texts]) => ({
    pid,
    kind: isDeadRecipient(pid, daemon) ? 'dead' : 'living',
    texts,
  }));
}

/**
 * Take off the queue what nobody will ever take.
 * @returns what was removed
 */
export function removeLeftovers(queue: DeliveryQueue, leftovers: readonly Leftover[]): Leftover[] {
  // Only what was listed before its process was looked at: what has come since may be for a new session.
  return leftovers
    .filter(({kind}) => kind === 'dead')
    .filter(({pid, texts}) => queue.withdraw(pid, texts).withdrawn > 0);
}

/**
 * No such process, a zombie, or a program that is no ProFTPD. Another daemon may share the queue, and a session may
 * outlive its daemon: a ProFTPD with another parent proves nothing.
 */
export function isDeadRecipient(pid: number, daemon: number): boolean {
  if (isUnusedPid(pid)) return true;
  const [status, program] = [processStat(pid), processStat(daemon)?.name];
  if (status === undefined || program === undefined) return false;
  if (status.state === 'Z' || status.state === 'X') return true;
  return status.parent !== daemon && status.name !== program;
}

export function textsByPid(messages: readonly QueuedMessage[]): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  for (const {type, bytes} of messages) {
    const texts = found.get(type);
    if (texts === undefined) found.set(type, [bytes]);
    else texts.push(bytes);
  }
  return found;
}
