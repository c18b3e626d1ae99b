/** Either end of a queue, which says and does what a test tells it to, and nothing of its own accord. */
import {randomBytes} from 'node:crypto';
import {readdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {expect} from 'vitest';
import {mailboxIdOf, mailboxPath} from '../../src/lib/session/mailboxPath.ts';
import {
  decodeToMailbox,
  decodeToServer,
  type ReceiptRecord,
  type SessionRecord,
  type ToMailbox,
  type ToServer,
} from '../../src/lib/session/schema.ts';
import {DatagramReceiver, DatagramSender} from '../../src/lib/transport/sockets/datagram.ts';
import {identity} from './support.ts';

/** Turns of the event loop, as many as it takes: no clock is asked, so that tests can stop it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

/** What lies in sockets is read, and what follows from it is done. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

function sendTo(socketPath: string, text: string): void {
  const result = DatagramSender.connect(socketPath, {trusts: () => true, onWritable: () => {}});
  if (result.kind !== 'connected') throw new Error(`${socketPath}: ${result.kind}`);
  expect(result.sender.send(Buffer.from(text))).toEqual({kind: 'sent'});
  result.sender.close();
}

/** Receipts for all the sessions of one mailbox. */
export function receiptOf(id: string, state: ReceiptRecord['state'], ...numbers: number[]): ReceiptRecord {
  return {id, state, to: numbers.flatMap((n) => [n, n]), recipients: numbers.length, sender: 0};
}

/** A mailbox of one's own beside the queue at `queuePath`. */
export class ScriptedMailbox {
  readonly id: string;
  readonly heard: ToMailbox[] = [];
  readonly #queuePath: string;
  readonly #receiver: DatagramReceiver;
  #seq = 0;

  constructor(queuePath: string) {
    this.id = `${process.pid}.${randomBytes(6).toString('hex')}`;
    this.#queuePath = queuePath;
    this.#receiver = DatagramReceiver.bind(mailboxPath(queuePath, this.id), (bytes) => {
      const decoded = decodeToMailbox(bytes);
      if (decoded.kind === 'invalid') throw new Error(decoded.reason);
      this.heard.push(decoded.datagram);
    });
  }

  hello(...sessions: (number | {n: number; idle: number})[]): void {
    const items = sessions.map((session): SessionRecord => {
      const {n, idle} = typeof session === 'number' ? {n: session, idle: 0} : session;
      return {...identity({user: `user${n}`}), n, since: 0, idle};
    });
    this.say({type: 'hello', items});
  }

  say(said: {type: ToServer['type']; items?: unknown}): void {
    sendTo(this.#queuePath, JSON.stringify({...said, from: this.id, seq: ++this.#seq}));
  }

  /** What it was told of this type, as often as it was told. */
  heardOf(type: ToMailbox['type']): ToMailbox[] {
    return this.heard.filter((datagram) => datagram.type === type);
  }

  /** The process is gone, without a goodbye; its socket file stays, or is removed as in a goodbye that nobody read. */
  die({leaveFile = true}: {leaveFile?: boolean} = {}): void {
    this.#receiver.close({leaveFile});
  }
}

/** A server of one's own at `queuePath`. */
export class ScriptedServer {
  readonly heard: ToServer[] = [];
  readonly #queuePath: string;
  readonly #receiver: DatagramReceiver;

  constructor(queuePath: string) {
    this.#queuePath = queuePath;
    this.#receiver = DatagramReceiver.bind(queuePath, (bytes) => {
      const decoded = decodeToServer(bytes);
      if (decoded.kind === 'invalid') throw new Error(decoded.reason);
      this.heard.push(decoded.datagram);
    });
  }

  /** Say something to the only mailbox there is. */
  say(said: ToMailbox): void {
    const directory = dirname(this.#queuePath);
    const [mailbox] = readdirSync(directory).filter((file) => mailboxIdOf(this.#queuePath, file) !== null);
    sendTo(join(directory, mailbox!), JSON.stringify(said));
  }

  /** What was said, in short, since this was last asked. */
  heardSince(): string[] {
    return this.heard.splice(0).map((datagram) => {
      if (!('items' in datagram)) return datagram.type;
      const items = datagram.type === 'hello' ? datagram.items.map(({user}) => user) : datagram.items;
      return `${datagram.type} ${JSON.stringify(items)}`;
    });
  }

  close(): void {
    this.#receiver.close();
  }
}
