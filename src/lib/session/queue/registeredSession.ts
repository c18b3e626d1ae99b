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
  /** Messages that it has not shown yet: `waiting` for its mailbox to take them, or `taken`. */
  readonly pending = new Map<string, 'waiting' | 'taken'>();
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
