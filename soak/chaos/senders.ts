import {setTimeout as sleep} from 'node:timers/promises';
import {awaitReceipt} from '../../src/lib/cli/message/receipt.ts';
import {ControlsClient} from '../../src/lib/client/client.ts';
import {ControlsDaemon} from '../../src/lib/daemon/controls.ts';
import type {DeliveryResult} from '../../src/lib/daemon/daemon.ts';
import {FtpdctlError} from '../../src/lib/errors.ts';
import {textOf} from './ftpClients.ts';
import type {Random} from './random.ts';

/** What became of a message, as far as its sender knows. */
export interface Sent {
  readonly number: number;
  readonly id: string;
  /** Sessions it was sent to. */
  readonly recipients: number;
  /** Exit status of a `--wait`; `null`: nobody waited. */
  status: number | null;
}

export interface SenderOptions {
  readonly socket: string;
  readonly users: number;
  readonly random: Random;
  /** One of so many is sent with `--wait`. */
  readonly waitEach: number;
  /** Messages a second at the most. */
  readonly rate: number;
  readonly waitMs: number;
}

const TIMEOUT_MS = 5000;
const NO_SERVER_PAUSE_MS = 50;
/** One of so many goes to everybody. */
const ALL_EACH = 100;

/** Messages on their way at the same time. */
const LANES = 16;

/** Sends messages; waits go on beside it. */
export class Senders {
  readonly sent: Sent[] = [];
  readonly #options: SenderOptions;
  readonly #daemon: ControlsDaemon;
  readonly #waits: Promise<void>[] = [];
  #numbers = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#daemon = new ControlsDaemon(
      (timeout = TIMEOUT_MS) => new ControlsClient({socket: options.socket, timeout}),
    );
  }

  async run(messages: number, isOver: () => boolean): Promise<void> {
    const {rate} = this.#options;
    const begin = performance.now();
    const lane = async () => {
      while (this.sent.length < messages && !isOver()) {
        const ahead = begin + (1000 * this.sent.length) / rate - performance.now();
        const isSent = await this.#send();
        if (!isSent) await sleep(NO_SERVER_PAUSE_MS);
        else if (ahead > 0) await sleep(ahead);
      }
    };
    await Promise.all(Array.from({length: LANES}, lane));
  }

  /** Messages that somebody waits for, or has waited for. */
  get waits(): number {
    return this.#waits.length;
  }

  async waitsOver(): Promise<void> {
    await Promise.all(this.#waits);
  }

  async #send(): Promise<boolean> {
    const {random, users, waitEach} = this.#options;
    const number = ++this.#numbers;
    const audience = random.below(ALL_EACH) === 0 ? ['all'] : ['user', `user${random.below(users)}`];
    try {
      const result = await this.#daemon.message({audience, text: textOf(number)});
      if (result.receiptId === undefined) return true;
      const sent = this.#note(number, result);
      if (random.below(waitEach) === 0) this.#waits.push(this.#wait(sent));
      return true;
    } catch (error) {
      // No server, or none that answers: then nobody was told that the message was sent.
      if (!(error instanceof FtpdctlError)) throw error;
      return false;
    }
  }

  #note(number: number, {receiptId, recipients = 0, refused = 0}: DeliveryResult): Sent {
    const sent: Sent = {number, id: receiptId!, recipients: recipients + refused, status: null};
    this.sent.push(sent);
    return sent;
  }

  async #wait(sent: Sent): Promise<void> {
    const {error} = await awaitReceipt({
      recipients: sent.recipients,
      wait: this.#options.waitMs,
      ask: (timeout) => this.#daemon.receipt(sent.id, timeout),
      onReceipt() {},
    });
    sent.status = error?.exitStatus ?? 0;
  }
}
