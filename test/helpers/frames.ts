import type {ControlRequest, ControlResponse, Dialect} from '../../src/lib/protocol/message.ts';

// The wire format once more, apart from the codecs under test: a mistake there must not hide itself here.

/** Limits of ProFTPD 1.3.8 and 1.3.10 for what they take. */
const MAX_BINARY_STRINGS = 32;
const MAX_BINARY_ARGUMENT = 256;
const MAX_JSON_REQUEST = 1024;

/** Takes the next bytes of a request: as many as asked for or, when the client sent no more, fewer. */
export type Take = (count: number) => Buffer;

/** What a server finds when it reads as ProFTPD does: once a field, never waiting for more. */
export type Reading =
  | {readonly kind: 'request'; readonly request: ControlRequest}
  /** Bytes that are no request in this dialect. Some of them stay unread. */
  | {readonly kind: 'unsupported'}
  /** Bytes that ProFTPD hangs up on without a word. */
  | {readonly kind: 'malformed'};

/** Reads one request after its first four bytes, `header`. */
export function readRequest(dialect: Dialect, header: Buffer, take: Take): Reading {
  if (header.length < 4) return {kind: 'malformed'};
  return dialect === 'binary' ? readBinary(take) : readJson(header.readUInt32LE(), take);
}

function readBinary(take: Take): Reading {
  const count = takeWord(take);
  if (count === 0 || count > MAX_BINARY_STRINGS) return {kind: 'malformed'};
  const strings: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = takeWord(take);
    if (length > MAX_BINARY_ARGUMENT) return {kind: 'malformed'};
    const text = take(length);
    if (text.length < length) return {kind: 'malformed'};
    strings.push(text.toString());
  }
  return {kind: 'request', request: {action: strings[0]!, args: strings.slice(1)}};
}

/** A length, or one too large for anything when the client sent no more. */
function takeWord(take: Take): number {
  const bytes = take(4);
  return bytes.length < 4 ? Number.POSITIVE_INFINITY : bytes.readUInt32LE();
}

function readJson(length: number, take: Take): Reading {
  // The first word of a binary request is its status, 0.
  if (length === 0) return {kind: 'unsupported'};
  if (length > MAX_JSON_REQUEST) return {kind: 'malformed'};
  const text = take(length);
  if (text.length < length) return {kind: 'malformed'};
  try {
    const {action, args} = JSON.parse(text.toString()) as ControlRequest;
    if (typeof action !== 'string' || !Array.isArray(args)) return {kind: 'unsupported'};
    return {kind: 'request', request: {action, args}};
  } catch {
    return {kind: 'unsupported'};
  }
}

/** The bytes of a response. */
export function responseFrame(dialect: Dialect, {status, responses}: ControlResponse): Buffer {
  if (dialect === 'json') {
    const json = Buffer.from(JSON.stringify({status, responses}));
    return Buffer.concat([word(json.length), json]);
  }
  const strings = responses.map((line) => Buffer.from(line));
  return Buffer.concat([
    word(status),
    word(strings.length),
    ...strings.flatMap((line) => [word(line.length), line]),
  ]);
}

/** The bytes of a request. */
export function requestFrame(dialect: Dialect, action: string, ...args: readonly string[]): Buffer {
  if (dialect === 'json') {
    const json = Buffer.from(JSON.stringify({action, args}));
    return Buffer.concat([word(json.length), json]);
  }
  const strings = [action, ...args].map((text) => Buffer.from(text));
  return Buffer.concat([
    word(0),
    word(strings.length),
    ...strings.flatMap((text) => [word(text.length), text]),
  ]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return bytes;
}
