interface Limits<T> {
  readonly most: number;
  /** Milliseconds. */
  readonly timeout: number;
  /** Whose it is. */
  readonly ownerOf: (one: T) => number;
}

/** Evicts those that exceed the timeout and, when there are too many, the oldest of the user who has most. */
export class IdleTimeouts<T> {
  /** In the order of their arrival, which is that of their deadlines. */
  readonly #since = new Map<T, number>();
  /** The same by owner, in the same order. */
  readonly #owned = new Map<number, Set<T>>();
  readonly #limits: Limits<T>;
  readonly #evict: (one: T) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param evict called for one that has been removed, because there were too many or because of the time */
  constructor(limits: Limits<T>, evict: (one: T) => void) {
    this.#limits = limits;
    this.#evict = evict;
  }

  get size(): number {
    return this.#since.size;
  }

  /** The time of one that is there already begins anew. */
  add(one: T): void {
    this.delete(one);
    this.#since.set(one, performance.now());
    const owner = this.#limits.ownerOf(one);
    const own = this.#owned.get(owner);
    if (own === undefined) this.#owned.set(owner, new Set([one]));
    else own.add(one);
    if (this.#since.size > this.#limits.most) this.#remove(this.#oldestOfLargest());
    if (this.#timer === undefined) this.#lookIn(this.#limits.timeout);
  }

  delete(one: T): void {
    if (!this.#since.delete(one)) return;
    const owner = this.#limits.ownerOf(one);
    const own = this.#owned.get(owner);
    own?.delete(one);
    if (own?.size === 0) this.#owned.delete(owner);
  }

  #lookIn(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds).unref();
  }

  /** One timer for all: it looks after the oldest, and at most once in the time that everybody has. */
  #look(): void {
    const latest = performance.now() - this.#limits.timeout;
    this.#timer = undefined;
    for (const [one, since] of this.#since) {
      if (since > latest) {
        this.#lookIn(since - latest);
        return;
      }
      this.#remove(one);
    }
  }

  #oldestOfLargest(): T | undefined {
    let largest = new Set<T>();
    for (const own of this.#owned.values()) if (own.size > largest.size) largest = own;
    const [oldest] = largest;
    return oldest;
  }

  #remove(one: T | undefined): void {
    if (one === undefined) return;
    this.delete(one);
    this.#evict(one);
  }
}
