/** Holds those who keep us waiting: not too many, and none for too long. */
export class IdleTimeouts<T> {
  /** In the order of their arrival, which is that of their deadlines. */
  readonly #since = new Map<T, number>();
  readonly #most: number;
  readonly #patience: number;
  readonly #dismiss: (one: T) => void;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param patience milliseconds
   * @param dismiss called for one who has left the room because it was full, or because of the time
   */
  constructor({most, patience}: {most: number; patience: number}, dismiss: (one: T) => void) {
    this.#most = most;
    this.#patience = patience;
    this.#dismiss = dismiss;
  }

  get size(): number {
    return this.#since.size;
  }

  /** Whoever is there already waits anew. When the room is full, the one who has waited longest must go. */
  enter(one: T): void {
    this.#since.delete(one);
    this.#since.set(one, performance.now());
    if (this.#since.size > this.#most) this.#dismissOldest();
    if (this.#timer === undefined) this.#lookIn(this.#patience);
  }

  leave(one: T): void {
    this.#since.delete(one);
  }

  #lookIn(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds).unref();
  }

  /** One timer for all: it looks after the oldest, and at most once in the time that everybody has. */
  #look(): void {
    const latest = performance.now() - this.#patience;
    this.#timer = undefined;
    for (const since of this.#since.values()) {
      if (since > latest) {
        this.#lookIn(since - latest);
        return;
      }
      this.#dismissOldest();
    }
  }

  #dismissOldest(): void {
    const [oldest] = this.#since.keys();
    if (oldest === undefined) return;
    this.#since.delete(oldest);
    this.#dismiss(oldest);
  }
}
