import {textOf} from '../octets.ts';

/** Octets of one command line without its end: a path of 4096 and a verb, as ProFTPD's CommandBufferSize. */
export const MAX_COMMAND_LINE = 4096 + 7;

/** What one line of the control connection turned out to be. */
export type FtpLine = {readonly kind: 'command'; readonly text: string} | {readonly kind: 'too long'};

const LF = 0x0a;
const CR = 0x0d;
/** RFC 854: from 240 on, an octet after IAC is a command; 251 … 254 take an option. */
const IAC = 255;
const FIRST_COMMAND = 240;
const FIRST_WITH_OPTION = 251;

const TOO_LONG: FtpLine = {kind: 'too long'};
const EMPTY = Buffer.alloc(0);
const ABOR_CR = Buffer.from('ABOR\r');

type Telnet = 'text' | 'command' | 'option';

/**
 * Octets of a control connection in, command lines out, one at a time: a packet may hold tens of thousands of them.
 *
 * RFC 959 §4.1: lines end with CR LF; a lone LF ends one too, as everywhere. Telnet commands are taken out and options
 * are left unanswered, which refuses them (RFC 854: they stay off). Clients send ABOR after IAC IP IAC DM with one octet
 * urgent, and Node discards an urgent octet: DM, the second IAC or (Python's ftplib) even the final LF are missing then.
 */
export class LineReader {
  /** What has come and has not been asked for yet, without Telnet. */
  #unread: Buffer = EMPTY;
  #telnet: Telnet = 'text';
  #state: 'line' | 'discarding' | 'after early ABOR' = 'line';

  push(chunk: Buffer): void {
    const text = this.#textOf(chunk);
    this.#unread = this.#unread.length === 0 ? text : Buffer.concat([this.#unread, text]);
  }

  /** The next line; `undefined` when there is no whole one. */
  next(): FtpLine | undefined {
    for (let end = this.#unread.indexOf(LF); end !== -1; end = this.#unread.indexOf(LF)) {
      const octets = this.#unread.subarray(0, end);
      this.#unread = this.#unread.subarray(end + 1);
      const state = this.#state;
      this.#state = 'line';
      const counts = state === 'line' || (state === 'after early ABOR' && octets.length > 0);
      if (counts) return decode(octets);
    }
    return this.#unfinished();
  }

  #unfinished(): FtpLine | undefined {
    const octets = this.#unread;
    this.#unread = EMPTY;
    if (this.#state === 'discarding') return undefined;
    if (octets.length > MAX_COMMAND_LINE) {
      this.#state = 'discarding';
      return TOO_LONG;
    }
    if (octets.equals(ABOR_CR)) {
      this.#state = 'after early ABOR';
      return decode(octets);
    }
    // A copy: a few octets must not hold on to the whole chunk that they came in.
    if (octets.length > 0) this.#unread = Buffer.from(octets);
    return undefined;
  }

  /** An IAC before what is no command is an octet of a name, as ProFTPD reads it: not every client doubles it. */
  #textOf(chunk: Buffer): Buffer {
    if (this.#telnet === 'text' && !chunk.includes(IAC)) return chunk;
    const text = Buffer.allocUnsafe(chunk.length + 1);
    let length = 0;
    for (const octet of chunk) {
      const before = this.#telnet;
      this.#telnet = after(before, octet);
      if (before === 'command' && octet < FIRST_COMMAND) text[length++] = IAC;
      const isText = before === 'text' ? octet !== IAC : before === 'command' && isData(octet);
      if (isText) text[length++] = octet;
    }
    return text.subarray(0, length);
  }
}

function after(telnet: Telnet, octet: number): Telnet {
  if (telnet === 'text') return octet === IAC ? 'command' : 'text';
  return telnet === 'command' && octet >= FIRST_WITH_OPTION && octet !== IAC ? 'option' : 'text';
}

/** What may follow an IAC without being a Telnet command. */
function isData(octet: number): boolean {
  return octet === IAC || octet < FIRST_COMMAND;
}

/** RFC 2640 §3.1: a CR within a name is sent as CR NUL. */
function decode(octets: Buffer): FtpLine {
  if (octets.length > MAX_COMMAND_LINE + 1) return TOO_LONG;
  let start = 0;
  while (start < octets.length && octets[start]! >= FIRST_COMMAND) start++;
  const end = octets.at(-1) === CR ? octets.length - 1 : octets.length;
  return {kind: 'command', text: textOf(octets.subarray(start, end)).replaceAll('\r\0', '\r')};
}
