import type {SessionIdentity} from '../../audience.ts';
import {MAX_NAME_LENGTH, MAX_WAITING_MESSAGES} from '../limits.ts';
import type {Origin, ReceiptRecord, SessionRecord} from '../schema.ts';
import type {Message, SessionMailbox} from './mailbox.ts';

/** What a session tells the mailbox it belongs to. */
export interface SessionNews {
  changed(session: MailboxSession): void;
  active(session: MailboxSession): void;
  progress(session: MailboxSession, id: string, state: 'showing' | 'shown', origin: Origin): void;
  /** Resolves when the server has been told all that there is to tell, or there is none; not told in time: false. */
  told(): Promise<boolean>;
  ended(session: MailboxSession): void;
}

/** A message stays until a server has acknowledged that it was shown: another server is told of it anew. */
interface Held {
  readonly message: Message;
  readonly origin: Origin;
  state: 'taken' | 'showing' | 'shown';
}

/** What has become of a message in a session. */
export interface Fate {
  readonly id: string;
  readonly origin: Origin;
  readonly state: ReceiptRecord['state'];
}

/** One session's end of the queue. */
export class MailboxSession implements SessionMailbox {
  readonly #since = Date.now();
  readonly #news: SessionNews;
  readonly #onKick: () => void;
  readonly #held = new Map<string, Held>();
  /**
   * Messages that were shown and acknowledged, newest last: one that is said again is not shown again, and the next
   * server is told, so that its receipts are whole.
   */
  readonly #past = new Map<string, Origin>();
  #identity: SessionIdentity;
  #activeAt = performance.now();
  #ended = false;

  constructor(
    readonly id: string,
    readonly n: number,
    identity: SessionIdentity,
    news: SessionNews,
    onKick: () => void = () => {},
  ) {
    this.#identity = identity;
    this.#news = news;
    this.#onKick = onKick;
  }

  change(changes: Partial<SessionIdentity>): void {
    if (this.#ended) return;
    this.#identity = {...this.#identity, ...changes};
    this.#news.changed(this);
  }

  active(): void {
    if (this.#ended) return;
    this.#activeAt = performance.now();
    this.#news.active(this);
  }

  pending(): readonly Message[] {
    return [...this.#held.values()].filter(({state}) => state !== 'shown').map(({message}) => message);
  }

  async showing(ids: readonly string[]): Promise<boolean> {
    this.#progress(ids, 'showing');
    return await this.#news.told();
  }

  shown(ids: readonly string[]): void {
    this.#progress(ids, 'shown');
  }

  #progress(ids: readonly string[], state: 'showing' | 'shown'): void {
    if (this.#ended) return;
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held === undefined || held.state === state || held.state === 'shown') continue;
      held.state = state;
      this.#news.progress(this, id, state, held.origin);
    }
  }

  /** The server wants the session to end. */
  kick(): void {
    if (!this.#ended) this.#onKick();
  }

  goodbye(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#news.ended(this);
  }

  /** Take a message in, unless it has come before; after the end, too, or no other server would learn that it was lost. */
  take(message: Message, origin: Origin): boolean {
    if (this.#held.has(message.id) || this.#past.has(message.id)) return false;
    this.#held.set(message.id, {message, origin, state: 'taken'});
    return true;
  }

  /** A server has acknowledged that the message was shown. */
  recorded(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#past.set(id, held.origin);
    if (this.#past.size <= MAX_WAITING_MESSAGES) return;
    const [oldest] = this.#past.keys();
    this.#past.delete(oldest!);
  }

  /** All that a server that is new has to know of the session's messages. */
  *fates(): Generator<Fate> {
    for (const [id, origin] of this.#past) yield {id, origin, state: 'recorded'};
    for (const [id, {origin, state}] of this.#held) yield {id, origin, state};
  }

  /** Whether there is no message whose fate no server knows yet. */
  get holdsNothing(): boolean {
    return this.#held.size === 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  record(): SessionRecord {
    const {pid, user, address, host, class: className, server, engine} = this.#identity;
    return {
      n: this.n,
      since: this.#since,
      idle: Math.round(performance.now() - this.#activeAt),
      pid,
      user: user === null ? null : cut(user),
      address: cut(address),
      host: cut(host),
      class: className === null ? null : cut(className),
      server: cut(server),
      engine,
    };
  }
}

function cut(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}
