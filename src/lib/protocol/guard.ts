import {FtpdctlError} from '../errors.ts';
import {jsonRequestText} from './json.ts';
import {BINARY_LIMITS, JSON_LIMITS, MOD_MSG_TEXT_BYTES} from './limits.ts';
import type {ControlRequest, Dialect} from './message.ts';
import {STATUS} from './status.ts';

/**
 * What is known of the server a request is for. Everything that is not known to be `ftpdctl serve` is taken for a
 * ProFTPD, which printable ASCII alone does not crash.
 */
export type Peer = {readonly kind: 'proftpd'} | {readonly kind: 'serve'; readonly maxRequest: number};

export type RefusalCode =
  | 'REFUSED_CONTROL'
  | 'REFUSED_NON_ASCII'
  | 'REFUSED_ENCODING'
  | 'REFUSED_SIZE'
  | 'REFUSED_UNSUPPORTED';

const EXIT_STATUS: {readonly [code in RefusalCode]?: number} = {
  REFUSED_UNSUPPORTED: -STATUS.UNSUPPORTED_OPERATION,
};

/** A request that must not be sent: it would crash, reset or hang the server, or not arrive whole. */
export class RequestRefused extends FtpdctlError {
  override readonly name = 'RequestRefused';

  constructor(
    override readonly code: RefusalCode,
    message: string,
    options: {hint?: string} = {},
  ) {
    super(code, message, EXIT_STATUS[code] ?? -STATUS.WRONG_PARAMETERS, options);
  }
}

/**
 * Check that a frame does no harm and arrives whole.
 * @throws RequestRefused naming the limit and the size, or the character and where it stands.
 */
export function checkRequest(dialect: Dialect, request: ControlRequest, peer: Peer): void {
  for (const text of [request.action, ...request.args, ...messageLines(request)]) checkText(text, peer);
  if (dialect === 'binary') checkBinarySize(request);
  else checkJsonSize(request, peer);
}

function messageLines(request: ControlRequest): readonly string[] {
  return (request.options?.['lines'] as readonly string[] | undefined) ?? [];
}

/** Control characters: C0, DEL, C1, and the line and paragraph separators. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const PRINTABLE_ASCII = /^[ -~]*$/;

/** @throws RequestRefused unless the peer takes every character. */
export function checkText(text: string, peer: Peer): void {
  if (PRINTABLE_ASCII.test(text)) return;
  const control = CONTROL.exec(text);
  if (control) {
    throw new RequestRefused(
      'REFUSED_CONTROL',
      `${describe(control)} is a control character, which is never sent`,
    );
  }
  // U+FFFD is what decoding leaves in place of bytes that are no UTF-8.
  if (!text.isWellFormed() || text.includes('\ufffd')) {
    throw new RequestRefused('REFUSED_ENCODING', `${excerpt(text)} is not valid UTF-8`);
  }
  const foreign = /[^ -~]/u.exec(text);
  if (foreign && peer.kind === 'proftpd') {
    throw new RequestRefused(
      'REFUSED_NON_ASCII',
      `${describe(foreign)} is not ASCII, and a ProFTPD daemon crashes on it`,
      {hint: 'write it in ASCII, or let --transliterate do so'},
    );
  }
}

function describe(match: RegExpExecArray): string {
  const code = match[0].codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const shown = CONTROL.test(match[0]) ? name : `"${match[0]}" (${name})`;
  return `${shown} at character ${[...match.input.slice(0, match.index)].length + 1} of ${excerpt(match.input)}`;
}

function excerpt(text: string): string {
  const short = [...text].length > 40 ? `${[...text].slice(0, 40).join('')}…` : text;
  return JSON.stringify(short);
}

function tooLarge(what: string, size: number, limit: number, unit = 'bytes'): RequestRefused {
  return new RequestRefused(
    'REFUSED_SIZE',
    `${what} has ${size} ${unit}, this server takes at most ${limit}`,
  );
}

function checkBinarySize({action, args}: ControlRequest): void {
  if (args.length + 1 > BINARY_LIMITS.requestStrings) {
    throw tooLarge('the request', args.length + 1, BINARY_LIMITS.requestStrings, 'words');
  }
  if (Buffer.byteLength(action) > BINARY_LIMITS.actionBytes) {
    throw tooLarge('the action', Buffer.byteLength(action), BINARY_LIMITS.actionBytes);
  }
  for (const arg of args) {
    const size = Buffer.byteLength(arg);
    if (size > BINARY_LIMITS.argumentBytes) {
      throw tooLarge(`the word ${excerpt(arg)}`, size, BINARY_LIMITS.argumentBytes);
    }
  }
}

function checkJsonSize(request: ControlRequest, peer: Peer): void {
  const limit = peer.kind === 'serve' ? peer.maxRequest : JSON_LIMITS.requestBytes;
  const size = Buffer.byteLength(jsonRequestText(request));
  if (size > limit) throw tooLarge('the request', size, limit);
}

/**
 * The request that carries a message. mod_msg joins the words after the audience with one space, so a long text is
 * cut at spaces into as few arguments as the dialect takes and arrives unchanged.
 *
 * @param audience the words before the text: `all`, or `user`, `host`, `class` and a name
 * @param text the message; several lines are separated by `\n` and need a peer of kind `serve`
 * @throws RequestRefused when the text would do harm or cannot arrive whole
 */
export function messageRequest(
  dialect: Dialect,
  audience: readonly string[],
  text: string,
  peer: Peer,
  options: Readonly<Record<string, unknown>> = {},
): ControlRequest {
  const request = layOut(dialect, audience, text, peer, options);
  checkRequest(dialect, request, peer);
  return request;
}

function layOut(
  dialect: Dialect,
  audience: readonly string[],
  text: string,
  peer: Peer,
  options: Readonly<Record<string, unknown>>,
): ControlRequest {
  if (peer.kind === 'serve') {
    const lines = text.split('\n');
    // A ProFTPD that has taken the place of the server meanwhile finds no message in a dry run, and sends none.
    if (lines.length === 1 && !options['dryRun']) {
      return {
        action: 'msg',
        args: [...audience, text],
        ...(Object.keys(options).length > 0 ? {options} : {}),
      };
    }
    return {action: 'msg', args: audience, options: {...options, lines}};
  }
  if (options['dryRun']) {
    throw new RequestRefused(
      'REFUSED_UNSUPPORTED',
      'a ProFTPD cannot say who would get the message; nothing was sent',
    );
  }
  if (text.includes('\n')) {
    throw new RequestRefused('REFUSED_CONTROL', 'a message of several lines would crash a ProFTPD daemon', {
      hint: 'write it in one line, or let --join-lines do so',
    });
  }
  const size = Buffer.byteLength(text);
  if (size > MOD_MSG_TEXT_BYTES) throw tooLarge('the message', size, MOD_MSG_TEXT_BYTES);
  return {action: 'msg', args: [...audience, ...(dialect === 'binary' ? packText(text) : [text])]};
}

/**
 * Cut a text at single spaces into pieces of at most 256 bytes, none empty (1.3.8 drops empty arguments), which
 * joined by one space are the text again. ASCII only, so that a character is a byte.
 * @throws RequestRefused when a word is longer than a piece may be.
 */
export function packText(text: string): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > BINARY_LIMITS.argumentBytes) {
    const cut = lastCut(rest);
    if (cut < 1) {
      const word = /^ *[^ ]+/.exec(rest)?.[0] ?? rest;
      throw tooLarge(
        `the word ${excerpt(word.trimStart())}`,
        Buffer.byteLength(word),
        BINARY_LIMITS.argumentBytes,
      );
    }
    pieces.push(rest.slice(0, cut));
    rest = rest.slice(cut + 1);
  }
  return [...pieces, rest];
}

/** The last space to cut at, such that neither the piece nor the rest is empty; −1 if there is none. */
function lastCut(rest: string): number {
  const limit = Math.min(BINARY_LIMITS.argumentBytes, rest.length - 2);
  return rest.lastIndexOf(' ', limit);
}
