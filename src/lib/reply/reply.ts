import {CONTROLS, escapeControls} from '../text.ts';

/** One FTP reply (RFC 959 §4.2): a code and one or more lines of text, without code, dash or line end. */
export interface Reply {
  /** 100 … 599. */
  readonly code: number;
  readonly lines: readonly string[];
  /**
   * The last line stays last when messages join. The real module does so where a reply is sent directly
   * instead of being collected: the 230 of PASS and the 214 of SITE HELP.
   */
  readonly closing?: boolean;
}

export function reply(code: number, ...lines: readonly string[]): Reply {
  return {code, lines};
}

/**
 * The reply as it goes on the wire, each line ended by CR LF.
 *
 * RFC 959 §4.2: `CODE-first`, then lines that must not look like the last one, then `CODE last`. Lines in between
 * get one leading space, as ProFTPD writes them (RFC 2389 §3.2 and RFC 3659 §7.2 ask for exactly that in FEAT and
 * MLST), so that none can begin with three digits. Control characters that a path may carry are made visible, TAB and
 * CR excepted.
 */
export function formatReply({code, lines}: Reply): string {
  const last = lines.length - 1;
  return lines
    .map((line, index) => {
      const prefix = index === last ? `${code} ` : index === 0 ? `${code}-` : ' ';
      return `${prefix}${escapeControls(line, CONTROLS.name)}\r\n`;
    })
    .join('');
}

/** How much of Unicode a client takes in reply text: RFC 2640 §3.1, and `OPTS UTF8 OFF`. */
export type Charset = 'utf8' | 'ascii';

/**
 * Octets of one reply line with a message, code and CR LF included.
 *
 * RFC 959 sets no limit, so clients do. Measured: wget 1.21 gives up at 4096, Python's ftplib at 8192, curl, lftp
 * and tnftp take 70000. Clients with a fixed buffer take 512, which RFC 5321 §4.5.3.1.5 guarantees for SMTP's
 * replies of the same form, and some of them take what is left over for a new line: it must not come to that.
 */
export const MAX_REPLY_LINE = 512;

const ROOM = MAX_REPLY_LINE - '200 '.length - '\r\n'.length;
const LINE_BREAK = /\r\n|[\r\n\u2028\u2029]/;
const SPACE = 0x20;

/**
 * The reply lines that show a message: one for each line of its text, and one more for every `MAX_REPLY_LINE` octets.
 * Long lines are broken after a space where there is one, never within a character; the pieces together are the line.
 */
export function messageLines(text: string, charset: Charset = 'utf8'): string[] {
  const shown = charset === 'ascii' ? toAscii(text) : text;
  return shown
    .replace(/[\r\n]+$/, '')
    .split(LINE_BREAK)
    .flatMap((line) => wrap(escapeReplyText(line)));
}

/** Text for people: a tab is only white space; all else that can end a line early, or drive a terminal, is spelled out. */
function escapeReplyText(text: string): string {
  return escapeControls(text.replaceAll('\t', ' '), CONTROLS.reply);
}

function toAscii(text: string): string {
  return text
    .replace(/[\u2028\u2029]/g, '\n')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x00-\x7f]/gu, '?');
}

function wrap(line: string): string[] {
  const octets = Buffer.from(line);
  const pieces: string[] = [];
  let start = 0;
  while (octets.length - start > ROOM) {
    const end = breakPoint(octets, start);
    pieces.push(octets.toString('utf8', start, end));
    start = end;
  }
  pieces.push(octets.toString('utf8', start));
  return pieces;
}

function breakPoint(octets: Buffer, start: number): number {
  let end = start + ROOM;
  while (isContinuation(octets[end]!)) end--;
  const space = octets.subarray(start, end).lastIndexOf(SPACE);
  return space === -1 ? end : start + space + 1;
}

/** RFC 3629 §3: every octet of a character but its first is 10xxxxxx. */
function isContinuation(octet: number): boolean {
  return (octet & 0xc0) === 0x80;
}

/**
 * Octets by which messages may lengthen one reply. curl 7.88 gives up on a reply of some 109 KiB (measured). What does
 * not fit waits for the next reply.
 */
export const MAX_JOINED_OCTETS = 96 * 1024;

/** The space before a line in between, and its CR LF. */
const LINE_OVERHEAD = 3;

/**
 * lftp 4.9 decides from the last line of an error whether to try again, for ever: with these words a message would
 * send it into a loop of DELE or RETR (measured), or make a failed LIST an empty directory.
 */
const READ_BY_LFTP = /Broken pipe|Too many|timed out|closed by the remote host|No files found/;

/**
 * The reply with the messages as its last lines, in order, as mod_msg writes them: `200-NOOP command successful`,
 * ` first`, `200 second`. The closing line of a FEAT or STAT becomes a line in between.
 */
export function joinMessages(reply: Reply, texts: readonly string[], charset: Charset = 'utf8'): Reply {
  const added = texts.flatMap((text) => messageLines(text, charset));
  if (!lastLineStays(reply, added)) return {...reply, lines: [...reply.lines, ...added]};
  return {...reply, lines: [...reply.lines.slice(0, -1), ...added, ...reply.lines.slice(-1)]};
}

/** How many of these messages, oldest first, join one reply: at least one, whatever its size. */
export function countThatFit(texts: readonly string[]): number {
  let octets = 0;
  const over = texts.findIndex((text) => {
    for (const line of messageLines(text)) octets += Buffer.byteLength(line) + LINE_OVERHEAD;
    return octets > MAX_JOINED_OCTETS;
  });
  return over === -1 ? texts.length : Math.max(1, over);
}

function lastLineStays(reply: Reply, added: readonly string[]): boolean {
  const isError = reply.code >= 400;
  return reply.closing === true || (isError && added.slice(-1).some((line) => READ_BY_LFTP.test(line)));
}
