import type {ControlRequest} from '../protocol/message.ts';
import {countOf} from '../text.ts';
import type {ControlResult} from './controlResult.ts';
import type {LogFile} from './logFile.ts';

/** The module and its version that write such lines in ProFTPD 1.3.8 and 1.3.10 (measured). */
const ORIGIN = `mod_ctrls/0.9.5[${process.pid}]:`;

/** Lines of an answer that are logged: all of every answer that mod_ctrls has. */
const MAX_LINES = 64;
/** Characters that are logged of a request that is not carried out, or that anybody who connects may make. */
const MAX_UNTRUSTED_TEXT = 200;
/** Characters that are logged of a line of an answer: as many as those of 1.3.8 have at most. */
const MAX_LINE_TEXT = 1024;

/** Whose line it is. */
export interface LoggedClient {
  /** The names of the caller, as logs have them: `root/root`. */
  readonly client: string;
  /** Not in a flood. */
  readonly isLogged: boolean;
}

/**
 * What becomes of every request, in the words of mod_ctrls (measured). Beyond them, requests without arguments are
 * logged, too, and a refusal says which directive is to blame.
 */
export class ControlsLog {
  readonly #file: LogFile | null;
  readonly #trace: ((line: string) => void) | undefined;

  /** @param trace is given each line, too, without its time and origin */
  constructor(file: LogFile | null, trace?: (line: string) => void) {
    this.#file = file;
    this.#trace = trace;
  }

  accepted(who: LoggedClient): void {
    this.note(who, (client) => `accepted connection from ${client} client`);
  }

  /** A request that is carried out. */
  received(who: LoggedClient, {action, args}: ControlRequest): void {
    this.note(who, (client) => `recvd from ${client} client: '${[action, ...args].join(' ')}'`);
  }

  /** One that is not, for whatever reason; or that is open to everybody, who must not fill the log with it. */
  untrusted(who: LoggedClient, {action, args}: ControlRequest): void {
    this.note(
      who,
      (client) => `recvd from ${client} client: '${shortened([action, ...args], MAX_UNTRUSTED_TEXT)}'`,
    );
  }

  /** Bytes that are no request. */
  invalid(who: LoggedClient): void {
    this.note(who, (client) => `recvd from ${client} client: (invalid action)`);
  }

  /** @param returned whether an action was run and this is what it came to */
  sent(who: LoggedClient, {status, lines}: ControlResult, returned: boolean): void {
    const {client, isLogged} = who;
    if (!isLogged || !this.#isRead) return;
    if (returned) this.line(`sent to ${client} client: return value: ${status}`);
    for (const line of lines.slice(0, MAX_LINES)) {
      this.line(`sent to ${client} client: '${shortened([line], MAX_LINE_TEXT)}'`);
    }
    const left = lines.length - MAX_LINES;
    if (left > 0) this.line(`sent to ${client} client: ${left} lines more`);
  }

  closed(who: LoggedClient): void {
    this.note(who, (client) => `closed connection to ${client} client`);
  }

  /** A line that is left out in a flood. */
  note({client, isLogged}: LoggedClient, text: (client: string) => string): void {
    if (isLogged && this.#isRead) this.line(text(client));
  }

  line(text: string): void {
    this.#trace?.(text);
    this.#file?.write(`${ORIGIN} ${text}`);
  }

  get #isRead(): boolean {
    return this.#file !== null || this.#trace !== undefined;
  }

  close(): void {
    this.#file?.close();
  }
}

/** Never joined as a whole: a request that is refused may have 64 KiB. */
function shortened(words: readonly string[], most: number): string {
  let text = '';
  for (const [index, word] of words.entries()) {
    text += index === 0 ? word : ` ${word}`;
    if (text.length <= most) continue;
    const length = words.reduce((sum, each) => sum + each.length + 1, -1);
    return `${text.slice(0, most)}… (${length} characters)`;
  }
  return text;
}

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
