import type {EventEmitter} from 'node:events';
import {type Audience, NOT_LOGGED_IN} from '../audience/audience.ts';
import type {Receipt} from '../session/queue/receiptStore.ts';
import type {SessionInfo} from '../session/queue/registeredSession.ts';
import type {
  Delivery,
  NamedSession,
  SessionQueue,
  SessionQueueEvents,
} from '../session/queue/sessionQueue.ts';

/** What the server needs of the session queue. */
export type MessageQueue = EventEmitter<SessionQueueEvents> &
  Pick<SessionQueue, 'sessions' | 'deliver' | 'receipt' | 'close'>;

/** What is known of a message that was sent. */
export interface SentMessage extends Receipt {
  /** Who has sent it; `null`: a server before this one did. */
  readonly sender: number | null;
  readonly lost: readonly LostMessage[];
}

/** A session that will never show a message. */
export interface LostMessage {
  readonly user: string | null;
  readonly host: string;
  readonly reason: string;
}

interface Account {
  readonly sender: number;
  readonly lost: LostMessage[];
}

/** Without a queue nobody can be connected. */
const NOBODY: Delivery = {id: '', recipients: 0, engineOff: 0, refused: []};

/** Fewest accounts before those are dropped that the queue has forgotten. */
const FEWEST_ACCOUNTS = 1024;

/** Who sends a message. */
export interface Sender {
  readonly uid: number;
  /** The names, as logs have them: `root/root`. */
  readonly client: string;
}

/** Sends messages, and writes down what becomes of each: in the MessageLog, and for whoever asks for a receipt. */
export class Messages {
  readonly #queue: MessageQueue | null;
  readonly #log: (line: string) => void;
  readonly #accounts = new Map<string, Account>();
  #mostAccounts = FEWEST_ACCOUNTS;

  /** @param log takes one line of the MessageLog */
  constructor(queue: MessageQueue | null, log: (line: string) => void) {
    this.#queue = queue;
    this.#log = log;
    queue?.on('shown', ({id, sessions}) => {
      for (const session of sessions) log(`message ${id} shown to ${nameOf(session)}`);
    });
    queue?.on('undelivered', ({id, reason, sessions}) => {
      for (const session of sessions) {
        const {user, host} = session.identity;
        this.#accounts.get(id)?.lost.push({user, host, reason});
        log(`message ${id} undelivered to ${nameOf(session)}: ${reason}`);
      }
    });
    queue?.on('ignored', ({reason}) => log(`ignored: ${reason}`));
  }

  sessions(): readonly SessionInfo[] {
    return this.#queue?.sessions() ?? [];
  }

  /** @throws FtpdctlError when the text is too long */
  send({uid, client}: Sender, audience: Audience, text: string): Delivery {
    if (this.#queue === null) return NOBODY;
    const open = ({delivery}: {readonly delivery: Delivery}) => {
      this.#prune();
      this.#accounts.set(delivery.id, {sender: uid, lost: []});
      this.#log(`message ${delivery.id} from ${client} client ${describe(audience, delivery)}`);
    };
    // The queue names the message before it tells what it refuses, and both before `deliver` returns.
    this.#queue.once('message', open);
    try {
      return this.#queue.deliver(audience, text);
    } finally {
      // A message that was not taken must leave nobody waiting: the next one has another sender.
      this.#queue.off('message', open);
    }
  }

  sent(id: string): SentMessage | undefined {
    const receipt = this.#queue?.receipt(id);
    if (receipt === undefined) return undefined;
    const account = this.#accounts.get(id);
    return {...receipt, sender: account?.sender ?? null, lost: account?.lost ?? []};
  }

  close(): void {
    this.#queue?.close();
  }

  #prune(): void {
    if (this.#accounts.size < this.#mostAccounts) return;
    for (const id of this.#accounts.keys()) {
      if (this.#queue?.receipt(id) === undefined) this.#accounts.delete(id);
    }
    this.#mostAccounts = Math.max(FEWEST_ACCOUNTS, 2 * this.#accounts.size);
  }
}

function describe(audience: Audience, {recipients, engineOff}: Delivery): string {
  const to = audience.kind === 'all' ? 'all' : `${audience.kind} '${audience.name}'`;
  const off = engineOff === 0 ? '' : `, not to ${sessionCount(engineOff)} with MessageEngine off`;
  return `to ${to}: ${sessionCount(recipients)}${off}`;
}

/** `1 session`, `2 sessions`. */
export function sessionCount(count: number): string {
  return `${count} session${count === 1 ? '' : 's'}`;
}

function nameOf({id, identity}: NamedSession): string {
  return `${identity.user ?? NOT_LOGGED_IN}@${identity.host} (session ${id}, pid ${identity.pid})`;
}
