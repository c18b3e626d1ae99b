import type {Socket} from 'node:net';
import type {Message} from '../../session/mailbox/mailbox.ts';
import {TcpWatch} from '../../transport/sockets/tcpProgress.ts';

/** Between two looks at what the client has acknowledged: milliseconds, doubled each time. */
const LOOK_AGAIN_MS = {first: 1, last: 1000} as const;

/**
 * The messages that have been written to one control connection and not been acknowledged by the client's TCP. A write
 * that succeeds says only that our own kernel has the octets: the client may have hung up long before.
 */
export class WrittenMessages {
  readonly #socket: Socket;
  readonly #shown: (ids: readonly string[]) => void;
  readonly #settled: () => void;
  /** The message's id, and the octets of the connection up to its end. */
  readonly #ends = new Map<string, number>();
  #watch: TcpWatch | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** @param settled is called when no message waits for an acknowledgement any more, or none can come */
  constructor(socket: Socket, shown: (ids: readonly string[]) => void, settled: () => void) {
    this.#socket = socket;
    this.#shown = shown;
    this.#settled = settled;
  }

  /** Whether an acknowledgement may come yet. */
  get areAwaited(): boolean {
    return this.#watch !== null;
  }

  /** Those that are not on their way already. */
  unwritten(pending: readonly Message[]): readonly Message[] {
    return this.#ends.size === 0 ? pending : pending.filter(({id}) => !this.#ends.has(id));
  }

  /** They are part of the next `octets` that are written. */
  add(messages: readonly Message[], octets: number): void {
    if (messages.length === 0) return;
    const end = this.#socket.bytesWritten + octets;
    for (const {id} of messages) this.#ends.set(id, end);
    this.#watch ??= new TcpWatch(this.#socket);
    this.#lookAgainIn(LOOK_AGAIN_MS.first);
  }

  /** Report what has been acknowledged by now. */
  look(): void {
    if (this.#watch === null) return;
    const {acknowledged, open} = this.#watch.read();
    const ids = [...this.#ends].filter(([, end]) => end <= acknowledged).map(([id]) => id);
    for (const id of ids) this.#ends.delete(id);
    if (ids.length > 0) this.#shown(ids);
    if (this.#ends.size === 0 || !open) this.giveUp();
  }

  /** Wait for no more acknowledgements. What has none stays written, and is not shown. */
  giveUp(): void {
    if (this.#watch === null) return;
    clearTimeout(this.#timer);
    this.#watch.close();
    this.#watch = null;
    this.#settled();
  }

  #lookAgainIn(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.look();
      if (this.#watch !== null) this.#lookAgainIn(Math.min(wait * 2, LOOK_AGAIN_MS.last));
    }, wait).unref();
  }
}
