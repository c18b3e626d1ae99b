type Job = () => undefined | Promise<void>;

/** Runs so many jobs at a time, the others in the order they came. */
export class ConcurrencyLimit {
  readonly #waiting: Job[] = [];
  readonly #mostWaiting: number;
  #count: number;
  #running = 0;
  #onIdle: (() => void)[] = [];

  constructor(count: number, mostWaiting: number) {
    this.#count = count;
    this.#mostWaiting = mostWaiting;
  }

  /** How many may run from now on; those that run already are not stopped. */
  resize(count: number): void {
    this.#count = count;
    this.#fill();
  }

  /**
   * @param job must not throw, nor reject
   * @returns whether it has been run or will be: `false` when too many wait
   */
  run(job: Job): boolean {
    if (this.#running < this.#count) {
      this.#start(job);
      return true;
    }
    if (this.#waiting.length >= this.#mostWaiting) return false;
    this.#waiting.push(job);
    return true;
  }

  /** When nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** A job that is done at once gives its slot back at once. */
  #start(job: Job): void {
    this.#running++;
    const done = job();
    if (done === undefined) this.#running--;
    else done.then(() => this.#free());
  }

  #free(): void {
    this.#running--;
    this.#fill();
    if (this.#running > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #fill(): void {
    while (this.#running < this.#count && this.#waiting.length > 0) this.#start(this.#waiting.shift()!);
  }
}
