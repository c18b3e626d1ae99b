import {encodeRequest} from './codec.ts';
import type {MessageRequestOptions} from './details.ts';
import {excerpt, HARM, RequestRefused, refusalOf, refusalOfText, type ServerKind, tooLarge} from './guard.ts';
import {jsonRequestText} from './json.ts';
import {BINARY_LIMITS, JSON_LIMITS, MOD_MSG_TEXT_BYTES} from './limits.ts';
import type {ControlRequest, Dialect} from './message.ts';

/** What a caller wants sent: an action with its arguments as they are, or a message, to be laid out for the server. */
export type OutgoingRequest =
  | ({readonly kind: 'action'} & ControlRequest)
  | ({readonly kind: 'message'} & OutgoingMessage);

/** One request in one dialect, ready to be written. */
export interface Frame {
  readonly dialect: Dialect;
  readonly bytes: Buffer;
}

export type Plan =
  | {readonly kind: 'frames'; readonly frames: readonly Frame[]}
  | {readonly kind: 'refused'; readonly refusal: RequestRefused};

/**
 * The frames that carry a request to a server: one for each of these dialects in which it does no harm and arrives
 * whole. Refused when there is none.
 * @param dialects at least one
 */
export function planRequest(
  request: OutgoingRequest,
  server: ServerKind,
  dialects: readonly Dialect[],
): Plan {
  const plans = dialects.map((dialect) => planFrame(request, dialect, server));
  const frames = plans.flatMap((plan) => (plan.kind === 'frames' ? plan.frames : []));
  return frames.length > 0 ? {kind: 'frames', frames} : plans.at(-1)!;
}

function planFrame(request: OutgoingRequest, dialect: Dialect, server: ServerKind): Plan {
  const laidOut = requestFor(request, dialect, server);
  if (laidOut.kind === 'refused') return laidOut;
  return {kind: 'frames', frames: [{dialect, bytes: encodeRequest(dialect, laidOut.request)}]};
}

/** The request as a server takes it in one dialect, or why it may not be sent. */
export function requestFor(request: OutgoingRequest, dialect: Dialect, server: ServerKind): MessageRequest {
  const laidOut = layOut(request, dialect, server);
  if (laidOut.kind === 'refused') return laidOut;
  const refusal = refusalOf(laidOut.request, dialect, server);
  return refusal ? {kind: 'refused', refusal} : laidOut;
}

function layOut(request: OutgoingRequest, dialect: Dialect, server: ServerKind): MessageRequest {
  if (request.kind === 'message') return messageRequest(request, dialect, server);
  const {action, args, options} = request;
  // Only `ftpdctl serve` knows what stands beside the arguments.
  return {
    kind: 'request',
    request: {action, args, ...(server.kind === 'serve' && options && {options})},
  };
}

/** A message, as its sender has it. */
export interface OutgoingMessage {
  /** The words before the text: `all`, or `user`, `host`, `class` and a name. */
  readonly audience: readonly string[];
  /** Several lines are separated by `\n`, which only `ftpdctl serve` takes. */
  readonly text: string;
  /** Keys of the request beside its arguments, for `ftpdctl serve`. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** The request that carries a message to one server, or why there is none. */
export type MessageRequest =
  | {readonly kind: 'request'; readonly request: ControlRequest}
  | {readonly kind: 'refused'; readonly refusal: RequestRefused};

/**
 * Lay a message out for a server. mod_msg joins the words after the audience with one space, so a long text is cut at
 * spaces into as few arguments as the dialect takes and arrives unchanged.
 */
function messageRequest(message: OutgoingMessage, dialect: Dialect, server: ServerKind): MessageRequest {
  if (server.kind === 'serve') return {kind: 'request', request: requestToServe(message)};
  const {audience, text} = message;
  const refusal = refusalByProftpd(message, dialect, server);
  if (refusal) return {kind: 'refused', refusal};
  const pieces = dialect === 'binary' ? packText(text) : [text];
  if (pieces instanceof RequestRefused) return {kind: 'refused', refusal: pieces};
  return {kind: 'request', request: {action: 'msg', args: [...audience, ...pieces]}};
}

function requestToServe({audience, text, options}: OutgoingMessage): ControlRequest {
  const lines = text.split('\n');
  // A ProFTPD that has taken the place of the server meanwhile finds no message in a dry run, and sends none.
  if (lines.length > 1 || options?.['dryRun'])
    return {action: 'msg', args: audience, options: {...options, lines} satisfies MessageRequestOptions};
  return {action: 'msg', args: [...audience, text], ...(options && {options})};
}

function refusalByProftpd(
  {audience, text, options}: OutgoingMessage,
  dialect: Dialect,
  server: ServerKind,
): RequestRefused | undefined {
  if (audience[0] === 'session') {
    return new RequestRefused(
      'REFUSED_UNSUPPORTED',
      'a ProFTPD cannot be asked by its controls socket to send to one session',
      {hint: 'as root on its machine it can be reached; or send to all of its user: msg user NAME MESSAGE'},
    );
  }
  if (options?.['dryRun']) {
    return new RequestRefused(
      'REFUSED_UNSUPPORTED',
      'a ProFTPD cannot say who would get the message; nothing was sent',
    );
  }
  if (text.includes('\n')) {
    return new RequestRefused('REFUSED_CONTROL', `the message has several lines, and ${HARM[dialect]}`, {
      hint: 'write it in one line, or let --join-lines do so',
    });
  }
  return refusalOfText(text, dialect, server) ?? refusalOfSize(audience, text, dialect);
}

function refusalOfSize(
  audience: readonly string[],
  text: string,
  dialect: Dialect,
): RequestRefused | undefined {
  const size = Buffer.byteLength(text);
  const limit = dialect === 'json' ? jsonTextLimit(audience, text) : MOD_MSG_TEXT_BYTES;
  if (size <= limit) return undefined;
  if (dialect === 'binary') return tooLarge('the message', size, limit);
  const why = `its requests have at most ${JSON_LIMITS.requestBytes} bytes of JSON`;
  return new RequestRefused(
    'REFUSED_SIZE',
    `the message has ${size} bytes, this server takes at most ${limit}: ${why}`,
  );
}

/** What a request of JSON leaves for this text, in which a quote or a backslash takes two bytes. */
function jsonTextLimit(audience: readonly string[], text: string): number {
  const request = Buffer.byteLength(jsonRequestText({action: 'msg', args: [...audience, text]}));
  return JSON_LIMITS.requestBytes - (request - Buffer.byteLength(text));
}

/**
 * Cut a text of ASCII characters at single spaces into pieces of at most 256 bytes, none empty (1.3.8 drops empty
 * arguments), which joined by one space are the text again. Refused when a word is longer than a piece may be.
 */
function packText(text: string): string[] | RequestRefused {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > BINARY_LIMITS.argumentBytes) {
    const cut = lastCut(rest);
    if (cut < 1) {
      const [word] = / *[^ ]+/.exec(rest)!;
      return tooLarge(`the word ${excerpt(word.trimStart())}`, word.length, BINARY_LIMITS.argumentBytes);
    }
    pieces.push(rest.slice(0, cut));
    rest = rest.slice(cut + 1);
  }
  return [...pieces, rest];
}

/** The last space to cut at, such that neither the piece nor the rest is empty; −1 or 0 if there is none. */
function lastCut(rest: string): number {
  const limit = Math.min(BINARY_LIMITS.argumentBytes, rest.length - 2);
  return rest.lastIndexOf(' ', limit);
}
