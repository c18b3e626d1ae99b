import type {Socket} from 'node:net';

/** Why a transfer was ended from outside. */
type AbortReason = 'ABOR' | 'stalled' | 'closing';

/** The transfer that a session is busy with, as the control connection and the sweep see it. */
export class RunningTransfer {
  readonly #controller = new AbortController();
  #socket: Socket | null = null;
  #octetsSeen = -1;
  #lastProgress = performance.now();
  reason: AbortReason | null = null;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Octets that have gone over the data connection. */
  get octets(): number {
    return this.#socket === null ? 0 : this.#socket.bytesRead + this.#socket.bytesWritten;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
  }

  abort(reason: AbortReason): void {
    this.reason ??= reason;
    this.#controller.abort(new Error(`transfer ended: ${reason}`));
    this.#socket?.destroy();
  }

  /** Called by the sweep: milliseconds since the last octet moved. */
  idle(now: number): number {
    if (this.octets !== this.#octetsSeen) {
      this.#octetsSeen = this.octets;
      this.#lastProgress = now;
    }
    return now - this.#lastProgress;
  }
}
