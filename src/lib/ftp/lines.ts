/** Octets of one command line without its end: a path of 4096 and a verb, as ProFTPD's CommandBufferSize. */
export const MAX_COMMAND_LINE = 4096 + 7;

/** What one line of the control connection turned out to be. */
export type FtpLine =
  | {readonly kind: 'command'; readonly text: string}
  | {readonly kind: 'too long'}
  | {readonly kind: 'not UTF-8'};

const LF = 0x0a;
const CR = 0x0d;
/** RFC 854: from 240 on, an octet after IAC is a command; 251 … 254 take an option. */
const IAC = 255;
const FIRST_COMMAND = 240;
const FIRST_WITH_OPTION = 251;

const TOO_LONG: FtpLine = {kind: 'too long'};
const NOT_UTF8: FtpLine = {kind: 'not UTF-8'};
const EMPTY = Buffer.alloc(0);
const ABOR_CR = Buffer.from('ABOR\r');
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

type Telnet = 'text' | 'command' | 'option';

/**
 * Octets of a control connection in, command lines out; holds at most one unfinished line.
 *
 * RFC 959 §4.1: lines end with CR LF; a lone LF ends one too, as everywhere. Telnet commands are taken out and options
 * are left unanswered, which refuses them (RFC 854: they stay off). Clients send ABOR after IAC IP IAC DM with one octet
 * urgent, and Node discards an urgent octet: DM, the second IAC or (Python's ftplib) even the final LF are missing then.
 */
export class LineReader {
  #rest = EMPTY;
  #telnet: Telnet = 'text';
  #state: 'line' | 'discarding' | 'after early ABOR' = 'line';

  push(chunk: Buffer): FtpLine[] {
    const octets = Buffer.allocUnsafe(this.#rest.length + chunk.length);
    this.#rest.copy(octets);
    const lines: FtpLine[] = [];
    let start = 0;
    let end = this.#rest.length;
    for (const octet of chunk) {
      if (!this.#isText(octet)) continue;
      if (octet !== LF) {
        octets[end++] = octet;
        continue;
      }
      this.#endLine(octets.subarray(start, end), lines);
      start = end;
    }
    this.#keep(octets.subarray(start, end), lines);
    return lines;
  }

  #endLine(octets: Buffer, lines: FtpLine[]): void {
    const state = this.#state;
    this.#state = 'line';
    if (state === 'discarding' || (state === 'after early ABOR' && octets.length === 0)) return;
    lines.push(decode(octets));
  }

  #keep(octets: Buffer, lines: FtpLine[]): void {
    this.#rest = EMPTY;
    if (this.#state === 'discarding') return;
    if (octets.length > MAX_COMMAND_LINE) {
      this.#state = 'discarding';
      lines.push(TOO_LONG);
    } else if (octets.equals(ABOR_CR)) {
      this.#state = 'after early ABOR';
      lines.push(decode(octets));
    } else if (octets.length > 0) {
      this.#rest = Buffer.from(octets);
    }
  }

  #isText(octet: number): boolean {
    const telnet = this.#telnet;
    if (telnet === 'text') {
      if (octet !== IAC) return true;
      this.#telnet = 'command';
      return false;
    }
    this.#telnet = telnet === 'command' && octet >= FIRST_WITH_OPTION && octet !== IAC ? 'option' : 'text';
    return telnet === 'command' && (octet === IAC || octet < FIRST_COMMAND);
  }
}

function decode(octets: Buffer): FtpLine {
  if (octets.length > MAX_COMMAND_LINE + 1) return TOO_LONG;
  let start = 0;
  while (start < octets.length && octets[start]! >= FIRST_COMMAND) start++;
  const end = octets.at(-1) === CR ? octets.length - 1 : octets.length;
  try {
    return {kind: 'command', text: utf8.decode(octets.subarray(start, end))};
  } catch {
    return NOT_UTF8;
  }
}
