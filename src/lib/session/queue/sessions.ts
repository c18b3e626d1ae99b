import type {SessionIdentity} from '../../audience.ts';
import {MAX_WAITING_MESSAGES} from '../limits.ts';
import type {SessionRecord} from '../schema.ts';

/** A session as `who` shows it. */
export interface SessionInfo extends SessionIdentity {
  /** Unique over all processes, and never used again. */
  readonly id: string;
  readonly connectedAt: Date;
  /** Milliseconds since the client's last command. */
  readonly idle: number;
  /** Messages that wait to be shown. */
  readonly waiting: number;
}

/** A session that the server knows. */
export class RegisteredSession {
  readonly id: string;
  readonly n: number;
  /** Messages that it has not shown yet: `waiting` for its mailbox to take them, `taken`, or on the way to its client. */
  readonly pending = new Map<string, 'waiting' | 'taken' | 'showing'>();
  readonly #since: number;
  #identity: SessionIdentity;
  #activeAt: number;

  constructor(mailboxId: string, record: SessionRecord) {
    this.id = `${mailboxId}.${record.n}`;
    this.n = record.n;
    this.#since = record.since;
    this.#identity = identityOf(record);
    this.#activeAt = performance.now() - record.idle;
  }

  get identity(): SessionIdentity {
    return this.#identity;
  }

  /** The session has logged in, or changed in another way. */
  update(record: SessionRecord): void {
    this.#identity = identityOf(record);
    this.#activeAt = performance.now() - record.idle;
  }

  /** Whether no more messages may wait for it. */
  get isFull(): boolean {
    return this.pending.size >= MAX_WAITING_MESSAGES;
  }

  active(): void {
    this.#activeAt = performance.now();
  }

  info(): SessionInfo {
    return {
      ...this.#identity,
      id: this.id,
      connectedAt: new Date(this.#since),
      idle: Math.round(performance.now() - this.#activeAt),
      waiting: this.pending.size,
    };
  }
}

function identityOf(record: SessionRecord): SessionIdentity {
  const {pid, user, address, host, class: className, server, engine} = record;
  return {pid, user, address, host, class: className, server, engine};
}

/** How many sessions there are in all mailboxes, and who waits for the end of some. */
export class Sessions {
  readonly #max: number;
  readonly #endWaiters = new Set<(session: RegisteredSession) => void>();
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** A mailbox tells of one of its sessions. @returns whether there is room for it */
  introduce(mailbox: {id: string; sessions: Map<number, RegisteredSession>}, record: SessionRecord): boolean {
    const known = mailbox.sessions.get(record.n);
    if (known !== undefined) {
      known.update(record);
      return true;
    }
    if (this.#count >= this.#max) return false;
    mailbox.sessions.set(record.n, new RegisteredSession(mailbox.id, record));
    this.#count++;
    return true;
  }

  /** Some have ended. @returns the ids of the messages that they will never show */
  end(mailbox: {sessions: Map<number, RegisteredSession>}, ended: readonly RegisteredSession[]): Set<string> {
    const messages = new Set<string>();
    for (const session of ended) {
      mailbox.sessions.delete(session.n);
      this.#count--;
      for (const waiter of [...this.#endWaiters]) waiter(session);
      for (const id of session.pending.keys()) messages.add(id);
    }
    return messages;
  }

  /** Takes those out of `sessions` that end. Resolves when none is left, or after `timeout` milliseconds. */
  haveEnded(sessions: Set<RegisteredSession>, timeout: number): Promise<void> {
    if (sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#endWaiters.delete(ended);
        resolve();
      };
      const ended = (session: RegisteredSession) => {
        if (sessions.delete(session) && sessions.size === 0) done();
      };
      const timer = setTimeout(done, timeout);
      this.#endWaiters.add(ended);
    });
  }
}
