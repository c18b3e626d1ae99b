import type {SessionIdentity} from '../../audience/session.ts';
import {MAX_NAME_LENGTH, MAX_WAITING_MESSAGES} from '../limits.ts';
import type {SessionRecord} from '../schema.ts';
import type {Message, SessionMailbox} from './mailbox.ts';

/** What a session tells the mailbox it belongs to. */
export interface SessionNews {
  changed(session: MailboxSession): void;
  active(session: MailboxSession): void;
  shown(session: MailboxSession, id: string): void;
  ended(session: MailboxSession): void;
}

/** A message stays until the server has been told that it was shown: `hello` names it to a server that is new. */
interface Held {
  readonly message: Message;
  shown: boolean;
}

/** One session's end of the queue. */
export class MailboxSession implements SessionMailbox {
  readonly #since = Date.now();
  readonly #news: SessionNews;
  readonly #held = new Map<string, Held>();
  /** Messages already shown, newest last: a server that says one again does not get it shown again. */
  readonly #past = new Set<string>();
  #identity: SessionIdentity;
  #activeAt = performance.now();
  #ended = false;

  constructor(
    readonly id: string,
    readonly n: number,
    identity: SessionIdentity,
    news: SessionNews,
  ) {
    this.#identity = identity;
    this.#news = news;
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
    return [...this.#held.values()].filter(({shown}) => !shown).map(({message}) => message);
  }

  shown(ids: readonly string[]): void {
    if (this.#ended) return;
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held === undefined || held.shown) continue;
      held.shown = true;
      this.#news.shown(this, id);
    }
  }

  goodbye(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#news.ended(this);
  }

  /** Take a message in, unless it has come before or the session is over. */
  take(message: Message): boolean {
    if (this.#ended || this.#held.has(message.id) || this.#past.has(message.id)) return false;
    this.#held.set(message.id, {message, shown: false});
    return true;
  }

  /** The server has been told that the message was shown. */
  reported(id: string): void {
    this.#held.delete(id);
    this.#past.add(id);
    if (this.#past.size <= MAX_WAITING_MESSAGES) return;
    for (const oldest of this.#past) {
      this.#past.delete(oldest);
      break;
    }
  }

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
      ...(this.holdsNothing ? {} : {holds: [...this.#held.keys()].slice(0, MAX_WAITING_MESSAGES)}),
    };
  }
}

function cut(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}
