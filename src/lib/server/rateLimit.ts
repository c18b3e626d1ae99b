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
