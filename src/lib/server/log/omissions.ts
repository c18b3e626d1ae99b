import {countOf} from '../../text.ts';

/** How long it is counted before it is said: milliseconds. */
const REPORT_INTERVAL_MS = 10_000;
/** Clients that are told apart; the rest is counted together. */
const MAX_CLIENTS = 32;

/** Counts the connections that a log leaves out in a flood, and says from time to time how many they were. */
export class Omissions {
  readonly #counts = new Map<string, number>();
  readonly #report: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param report takes a line of the log */
  constructor(report: (line: string) => void) {
    this.#report = report;
  }

  /** @param client as logs have it: `root/root` */
  count(client: string): void {
    const key = this.#counts.has(client) || this.#counts.size < MAX_CLIENTS ? client : 'other';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.flush(), REPORT_INTERVAL_MS).unref();
  }

  /** Say what has been counted so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [client, count] of this.#counts) {
      this.#report(`left out: ${countOf(count, 'connection')} from ${client} client, too many at once`);
    }
    this.#counts.clear();
  }
}
