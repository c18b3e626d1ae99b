import {Ajv, type ValidateFunction} from 'ajv';
import type {SessionIdentity} from '../audience/session.ts';
import {MAX_DATAGRAM_BYTES} from '../transport/datagram.ts';
import {MAX_NAME_LENGTH, MAX_RANGES, MAX_WAITING_MESSAGES} from './limits.ts';
import type {Message} from './mailbox/mailbox.ts';
import {MAILBOX_ID_PATTERN} from './mailboxPath.ts';
import type {Ranges} from './ranges.ts';

/** One session, as its mailbox introduces it; said again when something about it has changed. */
export interface SessionRecord extends SessionIdentity {
  /** Number within the mailbox, never used again. */
  readonly n: number;
  /** When the client connected: milliseconds since 1970. */
  readonly since: number;
  /** Milliseconds since the client's last command. */
  readonly idle: number;
  /** Ids of the messages that the mailbox holds for it, or has shown and not said so yet. */
  readonly holds?: readonly string[];
}

/** What became of a message: the mailbox has it for these sessions, or it was shown in them. */
export interface ReceiptRecord {
  readonly id: string;
  readonly state: 'taken' | 'shown';
  readonly to: Ranges;
}

/** One message for some sessions of a mailbox. */
export interface DeliveryRecord extends Message {
  readonly to: Ranges;
}

/** From a mailbox to the server. `from` is the mailbox's id. */
export type ToServer =
  | {readonly type: 'hello'; readonly from: string; readonly items: readonly SessionRecord[]}
  | {readonly type: 'receipts'; readonly from: string; readonly items: readonly ReceiptRecord[]}
  | {readonly type: 'active'; readonly from: string; readonly items: Ranges}
  | {readonly type: 'goodbye'; readonly from: string; readonly items: Ranges};

/** From the server to a mailbox. `present`: a server has started, and asks every mailbox to say hello again. */
export type ToMailbox =
  | {readonly type: 'present'}
  | {readonly type: 'deliver'; readonly items: readonly DeliveryRecord[]};

export type Decoded<T> =
  | {readonly kind: 'datagram'; readonly datagram: T}
  | {readonly kind: 'invalid'; readonly reason: string};

const name = {type: 'string', maxLength: MAX_NAME_LENGTH} as const;
const nullableName = {...name, nullable: true} as const;
const whole = {type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER} as const;
const messageId = {type: 'string', minLength: 1, maxLength: 64} as const;
const ranges = {type: 'array', items: whole, minItems: 2, maxItems: 2 * MAX_RANGES} as const;
const from = {type: 'string', pattern: MAILBOX_ID_PATTERN} as const;

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
    holds: {type: 'array', items: messageId, maxItems: MAX_WAITING_MESSAGES},
  },
  required: ['n', 'since', 'idle', 'pid', 'user', 'address', 'host', 'class', 'server', 'engine'],
} as const;

const receiptRecord = {
  type: 'object',
  properties: {id: messageId, state: {enum: ['taken', 'shown']}, to: ranges},
  required: ['id', 'state', 'to'],
} as const;

const deliveryRecord = {
  type: 'object',
  properties: {id: messageId, text: {type: 'string'}, to: ranges},
  required: ['id', 'text', 'to'],
} as const;

function listOf(type: string, items: object) {
  return {
    properties: {type: {const: type}, from, items: {type: 'array', items, minItems: 1}},
    required: ['from', 'items'],
  };
}

const toServerSchema = {
  type: 'object',
  discriminator: {propertyName: 'type'},
  required: ['type'],
  oneOf: [
    listOf('hello', sessionRecord),
    listOf('receipts', receiptRecord),
    {properties: {type: {const: 'active'}, from, items: ranges}, required: ['from', 'items']},
    {properties: {type: {const: 'goodbye'}, from, items: ranges}, required: ['from', 'items']},
  ],
};

const toMailboxSchema = {
  type: 'object',
  discriminator: {propertyName: 'type'},
  required: ['type'],
  oneOf: [
    {properties: {type: {const: 'present'}}},
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
  const error = validate.errors?.[0];
  return {kind: 'invalid', reason: `datagram${error?.instancePath ?? ''} ${error?.message ?? 'is invalid'}`};
}

/**
 * One datagram of as many leading `items` as fit, and how many those are. An item alone always fits: names, texts,
 * ranges and held messages are bounded so that it does.
 */
export function pack(
  head: {readonly type: string; readonly from?: string},
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
