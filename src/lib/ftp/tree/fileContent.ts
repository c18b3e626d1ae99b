import {TreeError} from './tree.ts';

/** The room that all files of a tree share: bytes, counted before they are allocated. */
export class Quota {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get left(): number {
    return this.#limit - this.#used;
  }

  /** @throws TreeError `ENOSPC` */
  take(bytes: number): void {
    if (bytes > this.left) throw new TreeError('ENOSPC');
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

const EMPTY = Buffer.alloc(0);

/** The bytes of one file. What it holds in reserve counts, too; while it grows, the old copy is there besides the new. */
export class FileContent {
  readonly #quota: Quota;
  #octets: Buffer = EMPTY;
  #size = 0;

  constructor(quota: Quota) {
    this.#quota = quota;
  }

  get size(): number {
    return this.#size;
  }

  /** A copy: one piece in flight must not keep the whole of a file that has been removed meanwhile. */
  read(start: number, length: number): Buffer {
    return Buffer.from(this.#octets.subarray(start, Math.min(start + length, this.#size)));
  }

  /**
   * Over what is there (RFC 3659 §5.2); from beyond the end on, what lies between is zeros, as by POSIX.
   * @throws TreeError `ENOSPC`
   */
  write(start: number, octets: Uint8Array): void {
    const end = start + octets.length;
    if (end > this.#octets.length) this.#grow(end);
    this.#octets.set(octets, start);
    this.#size = Math.max(this.#size, end);
  }

  clear(): void {
    this.#become(EMPTY);
  }

  /** Give back what is held in reserve. */
  trim(): void {
    if (this.#octets.length > this.#size) this.#become(Buffer.from(this.#octets.subarray(0, this.#size)));
  }

  /** By half, or by all that is left: growing by single bytes would copy the whole file for each. */
  #grow(needed: number): void {
    const held = this.#octets.length;
    const wanted = Math.max(needed, Math.ceil(held * 1.5));
    const length = Math.max(needed, Math.min(wanted, held + this.#quota.left));
    this.#quota.take(length - held);
    const grown = Buffer.alloc(length);
    this.#octets.copy(grown);
    this.#octets = grown;
  }

  #become(octets: Buffer): void {
    this.#quota.give(this.#octets.length - octets.length);
    this.#octets = octets;
    this.#size = octets.length;
  }
}
