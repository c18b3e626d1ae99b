import {FtpdctlError} from '../errors.ts';
import {CONTROLS, codePointName} from '../text.ts';
import {jsonRequestText} from './json.ts';
import {BINARY_LIMITS, JSON_LIMITS} from './limits.ts';
import {type ControlRequest, type Dialect, STATUS} from './message.ts';

/**
 * What is known of the server a request is for. Everything that is not known to be `ftpdctl serve` is taken for a
 * ProFTPD, which only printable ASCII does not crash.
 */
export type ServerKind = {readonly kind: 'proftpd'} | {readonly kind: 'serve'; readonly maxRequest: number};

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
 * Why a request must not be sent in this dialect: it names the limit and the size, or the character and where it
 * stands. `undefined` when the request does no harm and arrives whole.
 */
export function refusalOf(
  request: ControlRequest,
  dialect: Dialect,
  server: ServerKind,
): RequestRefused | undefined {
  const texts = [request.action, ...request.args, ...messageLines(request)];
  return (
    firstOf(texts, (text) => refusalOfText(text, dialect, server)) ??
    (dialect === 'binary' ? refusalOfBinarySize(request) : refusalOfJsonSize(request, server))
  );
}

function messageLines(request: ControlRequest): readonly string[] {
  return (request.options?.['lines'] as readonly string[] | undefined) ?? [];
}

function firstOf<T>(
  items: readonly T[],
  refusal: (item: T) => RequestRefused | undefined,
): RequestRefused | undefined {
  for (const item of items) {
    const refused = refusal(item);
    if (refused) return refused;
  }
  return undefined;
}

/** The first character of a text that the server does not take. */
export function refusalOfText(
  text: string,
  dialect: Dialect,
  server: ServerKind,
): RequestRefused | undefined {
  const control = CONTROLS.line.exec(text);
  if (control) {
    return new RequestRefused(
      'REFUSED_CONTROL',
      `${describe(control)} is a control character, which is never sent`,
    );
  }
  // U+FFFD is what decoding leaves in place of bytes that are no UTF-8.
  if (!text.isWellFormed() || text.includes('\ufffd')) {
    return new RequestRefused('REFUSED_ENCODING', `${excerpt(text)} is not valid UTF-8`);
  }
  const foreign = server.kind === 'proftpd' ? /[^ -~]/u.exec(text) : null;
  if (!foreign) return undefined;
  return new RequestRefused('REFUSED_NON_ASCII', `${describe(foreign)} is not ASCII, and ${HARM[dialect]}`, {
    hint: 'write it in ASCII, or let --transliterate do so',
  });
}

/** What bytes outside printable ASCII do to the daemon that speaks a dialect (measured on 1.3.8 and 1.3.10rc5). */
export const HARM: Readonly<Record<Dialect, string>> = {
  binary: 'a ProFTPD up to 1.3.8 crashes on it',
  json: 'a ProFTPD from 1.3.9 on can crash on it: one that was just started does',
};

function describe(match: RegExpExecArray): string {
  const name = codePointName(match[0]);
  const shown = CONTROLS.line.test(match[0]) ? name : `"${match[0]}" (${name})`;
  return `${shown} at character ${[...match.input.slice(0, match.index)].length + 1} of ${excerpt(match.input)}`;
}

/** The beginning of a text, by characters. */
export function excerpt(text: string): string {
  const [short] = /^.{0,40}/su.exec(text)!;
  return JSON.stringify(short === text ? text : `${short}…`);
}

/** The refusal of what has a size over a limit. */
export function tooLarge(what: string, size: number, limit: number, unit = 'bytes'): RequestRefused {
  return new RequestRefused(
    'REFUSED_SIZE',
    `${what} has ${size} ${unit}, this server takes at most ${limit}`,
  );
}

function refusalOfBytes(what: string, text: string, limit: number): RequestRefused | undefined {
  const size = Buffer.byteLength(text);
  return size > limit ? tooLarge(what, size, limit) : undefined;
}

function refusalOfBinarySize({action, args}: ControlRequest): RequestRefused | undefined {
  const strings = args.length + 1;
  if (strings > BINARY_LIMITS.requestStrings) {
    return tooLarge('the request', strings, BINARY_LIMITS.requestStrings, 'words');
  }
  return (
    refusalOfBytes('the action', action, BINARY_LIMITS.actionBytes) ??
    firstOf(args, (arg) => refusalOfBytes(`the word ${excerpt(arg)}`, arg, BINARY_LIMITS.argumentBytes))
  );
}

function refusalOfJsonSize(request: ControlRequest, server: ServerKind): RequestRefused | undefined {
  const limit = server.kind === 'serve' ? server.maxRequest : JSON_LIMITS.requestBytes;
  return refusalOfBytes('the request', jsonRequestText(request), limit);
}
