import {Ajv, type ValidateFunction} from 'ajv';
import type {SessionIdentity} from '../audience.ts';
import {MAX_DATAGRAM_BYTES} from '../transport/sockets/datagram.ts';
import {MAX_DOWN, MAX_NAME_LENGTH, MAX_RANGES} from './limits.ts';
import type {Message} from './mailbox/mailbox.ts';
import {MAILBOX_ID_PATTERN} from './mailboxPath.ts';

/** One session, as its mailbox introduces it; said again when something about it has changed. */
export interface SessionRecord extends SessionIdentity {
  /** Number within the mailbox, never used again. */
  readonly n: number;
  /** When the client connected: milliseconds since 1970. */
  readonly since: number;
  /** Milliseconds since the client's last command. */
  readonly idle: number;
}

/** Travels with a message, so that a server that has not sent it can keep its receipt. */
export interface Origin {
  /** Sessions that it was sent to, over all mailboxes. */
  readonly recipients: number;
  /** Uid of the sender. */
  readonly sender: number;
}

/**
 * What became of a message: the mailbox has it for these sessions; it is about to be written to their clients, who may see
 * it from now on; it was shown in them; or it was shown, and an earlier server has acknowledged that.
 */
export interface ReceiptRecord extends Origin {
  readonly id: string;
  readonly state: 'taken' | 'showing' | 'shown' | 'recorded';
  readonly to: Ranges;
}

/** One message for some sessions of a mailbox. */
export interface DeliveryRecord extends Message, Origin {
  readonly to: Ranges;
}

/**
 * From a mailbox to the server. `from` is the mailbox's id, `seq` one more than in its datagram before.
 * `complete` ends what a mailbox says of itself when it is asked (`present`).
 */
export type ToServer = {readonly from: string; readonly seq: number} & (
  | {readonly type: 'hello'; readonly items: readonly SessionRecord[]}
  | {readonly type: 'receipts'; readonly items: readonly ReceiptRecord[]}
  | {readonly type: 'active'; readonly items: Ranges}
  | {readonly type: 'goodbye'; readonly items: Ranges}
  | {readonly type: 'complete'}
);

/**
 * From the server to a mailbox. `present`: a server that does not know the mailbox asks for everything it has.
 * `acknowledge`: what the mailbox has said up to `seq` is recorded, and need not be said to the next server.
 * `down`: the servers that take no new sessions now, all of them, as `status` names them; none before the first.
 * `kick`: these sessions are to end. `shutdown`: the mailbox's process is to end.
 */
export type ToMailbox =
  | {readonly type: 'present'}
  | {readonly type: 'down'; readonly servers: readonly string[]}
  | {readonly type: 'kick'; readonly items: Ranges}
  | {readonly type: 'shutdown'}
  | {readonly type: 'acknowledge'; readonly seq: number}
  | {readonly type: 'deliver'; readonly items: readonly DeliveryRecord[]};

export type Decoded<T> =
  | {readonly kind: 'datagram'; readonly datagram: T}
  | {readonly kind: 'invalid'; readonly reason: string};

const name = {type: 'string', maxLength: MAX_NAME_LENGTH} as const;
const nullableName = {...name, nullable: true} as const;
const whole = {type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER} as const;
const messageId = {type: 'string', minLength: 1, maxLength: 64} as const;
const ranges = {type: 'array', items: whole, minItems: 2, maxItems: 2 * MAX_RANGES} as const;
const origin = {recipients: whole, sender: whole} as const;
const head = {from: {type: 'string', pattern: MAILBOX_ID_PATTERN}, seq: whole} as const;

const sessionRecord = {
  type: 'object',
  properties: {
    n: whole,
    since: whole,
    idle: whole,
    pid: whole,
    user: nullableName,
    address: name,
    host: name,
    class: nullableName,
    server: name,
    engine: {type: 'boolean'},
  },
  required: ['n', 'since', 'idle', 'pid', 'user', 'address', 'host', 'class', 'server', 'engine'],
} as const;

const receiptRecord = {
  type: 'object',
  properties: {
    id: messageId,
    state: {enum: ['taken', 'showing', 'shown', 'recorded']},
    to: ranges,
    ...origin,
  },
  required: ['id', 'state', 'to', 'recipients', 'sender'],
} as const;

const deliveryRecord = {
  type: 'object',
  properties: {id: messageId, text: {type: 'string'}, to: ranges, ...origin},
  required: ['id', 'text', 'to', 'recipients', 'sender'],
} as const;

function listOf(type: string, items: object) {
  return {
    properties: {type: {const: type}, ...head, items: {type: 'array', items, minItems: 1}},
    required: ['from', 'seq', 'items'],
  };
}

function rangesOf(type: string) {
  return {properties: {type: {const: type}, ...head, items: ranges}, required: ['from', 'seq', 'items']};
}

const toServerSchema = {
  type: 'object',
  discriminator: {propertyName: 'type'},
  required: ['type'],
  oneOf: [
    listOf('hello', sessionRecord),
    listOf('receipts', receiptRecord),
    rangesOf('active'),
    rangesOf('goodbye'),
    {properties: {type: {const: 'complete'}, ...head}, required: ['from', 'seq']},
  ],
};

const toMailboxSchema = {
  type: 'object',
  discriminator: {propertyName: 'type'},
  required: ['type'],
  oneOf: [
    {properties: {type: {const: 'present'}}},
    {
      properties: {type: {const: 'down'}, servers: {type: 'array', items: name, maxItems: MAX_DOWN}},
      required: ['servers'],
    },
    {properties: {type: {const: 'kick'}, items: ranges}, required: ['items']},
    {properties: {type: {const: 'shutdown'}}},
    {properties: {type: {const: 'acknowledge'}, seq: whole}, required: ['seq']},
    {
      properties: {type: {const: 'deliver'}, items: {type: 'array', items: deliveryRecord, minItems: 1}},
      required: ['items'],
    },
  ],
};

const ajv = new Ajv({discriminator: true, strictTypes: false});
const validateToServer = ajv.compile<ToServer>(toServerSchema);
const validateToMailbox = ajv.compile<ToMailbox>(toMailboxSchema);

/** Read a datagram that came from a mailbox. Whatever the bytes are, nothing is thrown. */
export function decodeToServer(bytes: Buffer): Decoded<ToServer> {
  return decode(bytes, validateToServer);
}

/** Read a datagram that came from the server. Whatever the bytes are, nothing is thrown. */
export function decodeToMailbox(bytes: Buffer): Decoded<ToMailbox> {
  return decode(bytes, validateToMailbox);
}

function decode<T>(bytes: Buffer, validate: ValidateFunction<T>): Decoded<T> {
  if (bytes.length > MAX_DATAGRAM_BYTES) return {kind: 'invalid', reason: 'too large'};
  let datagram: unknown;
  try {
    datagram = JSON.parse(bytes.toString('utf8'));
  } catch {
    return {kind: 'invalid', reason: 'not JSON'};
  }
  if (validate(datagram)) return {kind: 'datagram', datagram};
  const {instancePath, message} = validate.errors![0]!;
  return {kind: 'invalid', reason: `datagram${instancePath} ${message}`};
}

/**
 * One datagram of as many leading `items` as fit, and how many those are. A single item always fits: names, texts
 * and ranges are bounded so that it does.
 */
export function pack(
  head: {readonly type: string; readonly from?: string; readonly seq?: number},
  items: Iterable<object>,
): {bytes: Buffer; count: number} {
  const opening = `${JSON.stringify(head).slice(0, -1)},"items":[`;
  const parts: string[] = [];
  let size = opening.length + ']}'.length;
  for (const item of items) {
    const part = JSON.stringify(item);
    size += Buffer.byteLength(part) + 1;
    if (size > MAX_DATAGRAM_BYTES && parts.length > 0) break;
    parts.push(part);
  }
  return {bytes: Buffer.from(`${opening}${parts.join(',')}]}`), count: parts.length};
}

/** A set of session numbers as a flat list of first and last, ascending: `[1, 10000, 10002, 10002]`. */
export type Ranges = readonly number[];

/** The ranges of `numbers`, in lists of at most `MAX_RANGES` ranges. */
export function toRanges(numbers: Iterable<number>): Ranges[] {
  const lists: number[][] = [];
  let list: number[] = [];
  for (const number of Float64Array.from(numbers).sort()) {
    const last = list.length - 1;
    if (last > 0 && number <= list[last]! + 1) {
      list[last] = number;
      continue;
    }
    if (list.length === 0 || list.length === 2 * MAX_RANGES) {
      list = [];
      lists.push(list);
    }
    list.push(number, number);
  }
  return lists;
}

/** What `known` has for the numbers of `ranges`. At most `known.size` steps a range, however wide it is. */
export function* pick<T>(ranges: Ranges, known: ReadonlyMap<number, T>): Generator<T> {
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const [first, last] = [ranges[at]!, ranges[at + 1]!];
    if (last - first >= known.size) {
      for (const [number, value] of known) if (number >= first && number <= last) yield value;
    } else {
      for (let number = first; number <= last; number++) {
        const value = known.get(number);
        if (value !== undefined) yield value;
      }
    }
  }
}
