import type {ControlRequest} from '../../protocol/message.ts';
import type {Reply} from '../reply.ts';
import type {LogFile} from './logFile.ts';

/** The module and its version that write such lines in ProFTPD 1.3.8 and 1.3.10 (measured). */
const ORIGIN = `mod_ctrls/0.9.5[${process.pid}]:`;

/** Lines of an answer that are logged: all of every answer that mod_ctrls has. */
const MOST_LINES = 64;

/**
 * What becomes of every request, in the words of mod_ctrls (measured). Beyond them, requests without arguments are
 * logged, too, and a refusal says which directive is to blame.
 */
export class ControlsLog {
  readonly #file: LogFile | null;

  constructor(file: LogFile | null) {
    this.#file = file;
  }

  accepted(client: string): void {
    if (this.#file) this.line(`accepted connection from ${client} client`);
  }

  received(client: string, {action, args}: ControlRequest): void {
    if (this.#file) this.line(`recvd from ${client} client: '${[action, ...args].join(' ')}'`);
  }

  /** Bytes that are no request. */
  invalid(client: string): void {
    if (this.#file) this.line(`recvd from ${client} client: (invalid action)`);
  }

  /** @param returned whether an action was run and this is what it came to */
  sent(client: string, {status, lines}: Reply, returned: boolean): void {
    if (!this.#file) return;
    if (returned) this.line(`sent to ${client} client: return value: ${status}`);
    for (const line of lines.slice(0, MOST_LINES)) this.line(`sent to ${client} client: '${line}'`);
    const left = lines.length - MOST_LINES;
    if (left > 0) this.line(`sent to ${client} client: ${left} lines more`);
  }

  closed(client: string): void {
    if (this.#file) this.line(`closed connection to ${client} client`);
  }

  line(text: string): void {
    this.#file?.write(`${ORIGIN} ${text}`);
  }

  close(): void {
    this.#file?.close();
  }
}
