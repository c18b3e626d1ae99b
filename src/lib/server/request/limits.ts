/** @param release gives the place back early, for a job that from now on only waits for something else */
type Job = (release: () => void) => undefined | Promise<void>;

export interface ConcurrencyLimits {
  /** Jobs that run at a time. Where that is more than one, a single user gets all but one of the places. */
  readonly running: number;
  /** Jobs that may wait for a place. */
  readonly waiting: number;
  /** Waiting jobs of a single user. */
  readonly waitingOfOneUser: number;
}

/** Limits the jobs that run at a time. Waiting jobs are started round-robin by user, each user's in order of arrival. */
export class ConcurrencyLimit {
  /** By user, in round-robin order. */
  readonly #waiting = new Map<number, Job[]>();
  readonly #running = new Map<number, number>();
  readonly #maxWaiting: number;
  readonly #maxWaitingOfOneUser: number;
  #places: number;
  #taken = 0;
  #waitingCount = 0;
  /** Jobs that are not done, whether they hold a place or not. */
  #unfinished = 0;
  #onIdle: (() => void)[] = [];

  constructor({running, waiting, waitingOfOneUser}: ConcurrencyLimits) {
    this.#places = running;
    this.#maxWaiting = waiting;
    this.#maxWaitingOfOneUser = waitingOfOneUser;
  }

  /** How many may run from now on; those that run already are not stopped. */
  resize(running: number): void {
    this.#places = running;
    this.#fill();
  }

  /**
   * @param uid whose job it is
   * @param job must not throw, nor reject
   * @returns whether it has been run or will be: `false` when too many wait
   */
  run(uid: number, job: Job): boolean {
    if (this.#hasPlaceFor(uid)) {
      this.#start(uid, job);
      return true;
    }
    const own = this.#waiting.get(uid) ?? [];
    if (this.#waitingCount >= this.#maxWaiting || own.length >= this.#maxWaitingOfOneUser) return false;
    own.push(job);
    this.#waiting.set(uid, own);
    this.#waitingCount++;
    return true;
  }

  /** When nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#unfinished > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #hasPlaceFor(uid: number): boolean {
    const max = Math.max(1, this.#places - 1);
    return this.#taken < this.#places && (this.#running.get(uid) ?? 0) < max;
  }

  /** A job that is done at once gives its place back at once. */
  #start(uid: number, job: Job): void {
    this.#taken++;
    this.#running.set(uid, (this.#running.get(uid) ?? 0) + 1);
    this.#unfinished++;
    let holds = true;
    const release = () => {
      if (!holds) return;
      holds = false;
      this.#giveBack(uid);
    };
    const done = job(() => {
      release();
      // Not from within the job.
      queueMicrotask(() => this.#fill());
    });
    if (done === undefined) {
      release();
      this.#unfinished--;
    } else {
      done.then(() => {
        release();
        this.#unfinished--;
        this.#fill();
        if (this.#unfinished > 0) return;
        for (const resolve of this.#onIdle.splice(0)) resolve();
      });
    }
  }

  #giveBack(uid: number): void {
    this.#taken--;
    const left = this.#running.get(uid)! - 1;
    if (left === 0) this.#running.delete(uid);
    else this.#running.set(uid, left);
  }

  #fill(): void {
    for (let uid = this.#next(); uid !== undefined; uid = this.#next()) {
      const own = this.#waiting.get(uid)!;
      const job = own.shift()!;
      this.#waitingCount--;
      this.#waiting.delete(uid);
      if (own.length > 0) this.#waiting.set(uid, own);
      this.#start(uid, job);
    }
  }

  #next(): number | undefined {
    if (this.#taken >= this.#places) return undefined;
    for (const uid of this.#waiting.keys()) if (this.#hasPlaceFor(uid)) return uid;
    return undefined;
  }
}

/** Users that are remembered; one whose budget is whole needs no memory. */
const MAX_REMEMBERED = 1024;

interface Bucket {
  tokens: number;
  /** On the monotonic clock, in milliseconds. */
  filledAt: number;
}

/** A budget for each user, which refills with time (a token bucket). */
export class RateLimit {
  readonly #buckets = new Map<number, Bucket>();
  readonly #burst: number;
  readonly #perSecond: number;

  /** @param burst how much may be taken at once by one who has taken nothing for a while */
  constructor({burst, perSecond}: {burst: number; perSecond: number}) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** @returns whether the user had one left */
  take(uid: number): boolean {
    const bucket = this.#bucketOf(uid);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  /** What was taken was put to good use, and does not count. */
  giveBack(uid: number): void {
    const bucket = this.#bucketOf(uid);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + 1);
  }

  #bucketOf(uid: number): Bucket {
    const now = performance.now();
    let bucket = this.#buckets.get(uid);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_REMEMBERED) this.#forgetOldest();
      bucket = {tokens: this.#burst, filledAt: now};
    } else {
      const gained = ((now - bucket.filledAt) / 1000) * this.#perSecond;
      bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
      bucket.filledAt = now;
      this.#buckets.delete(uid);
    }
    // The map is in the order of use.
    this.#buckets.set(uid, bucket);
    return bucket;
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
