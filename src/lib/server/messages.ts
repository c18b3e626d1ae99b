import type {EventEmitter} from 'node:events';
import {type Audience, NOT_LOGGED_IN} from '../audience.ts';
import type {Receipt} from '../session/queue/receiptStore.ts';
import type {
  Delivery,
  NamedSession,
  Sender,
  SessionQueue,
  SessionQueueEvents,
} from '../session/queue/sessionQueue.ts';
import type {SessionInfo} from '../session/queue/sessions.ts';
import {countOf} from '../text.ts';

/** What the server needs of the session queue. */
export type MessageQueue = EventEmitter<SessionQueueEvents> &
  Pick<
    SessionQueue,
    | 'sessions'
    | 'deliver'
    | 'receipt'
    | 'waitingFor'
    | 'answered'
    | 'unanswered'
    | 'recorded'
    | 'kick'
    | 'setDown'
    | 'shutDown'
    | 'close'
  >;

/** The MessageLog, or the lack of one. */
export interface MessageLog {
  write(line: string): void;
  /** Resolves when every line so far is with the operating system: not even `kill -9` undoes it then. */
  written(): Promise<void>;
}

/** The delivery of a server without a queue, which has no sessions. */
const NOBODY: Delivery = {id: '', recipients: 0, engineOff: 0, refused: []};

/** Sends messages, and writes down what becomes of each. */
export class Messages {
  readonly #queue: MessageQueue | null;
  readonly #log: MessageLog;
  /** Why there is no queue although one was asked for. */
  readonly unavailable: string | undefined;

  constructor(queue: MessageQueue | null, log: MessageLog, unavailable?: string) {
    this.#queue = queue;
    this.#log = log;
    this.unavailable = unavailable;
    if (queue === null) return;
    logEvents(queue, (line) => log.write(line));
    queue.recorded = () => log.written();
  }

  sessions(): readonly SessionInfo[] {
    return this.#queue?.sessions() ?? [];
  }

  /** Resolves when every session process has said which sessions it has, or has had time to do so. */
  async answered(): Promise<void> {
    await this.#queue?.answered();
  }

  /** Session processes that are there and have not said which sessions they have. */
  get unanswered(): number {
    return this.#queue?.unanswered ?? 0;
  }

  /** @throws FtpdctlError when the text is too long */
  async send(sender: Sender, audience: Audience, text: string): Promise<Delivery> {
    if (this.#queue === null) return NOBODY;
    await this.#queue.answered();
    const delivery = this.#queue.deliver(audience, text, sender);
    await this.#log.written();
    return delivery;
  }

  /** What is known of a message that was sent, by this server or one before it. */
  receipt(id: string): Receipt | undefined {
    return this.#queue?.receipt(id);
  }

  /** Sessions that may still show it. */
  waitingFor(id: string): readonly NamedSession[] {
    return this.#queue?.waitingFor(id) ?? [];
  }

  /** End sessions. @returns how many have ended */
  async kick(sessions: readonly SessionInfo[]): Promise<number> {
    return (await this.#queue?.kick(new Set(sessions.map(({id}) => id)))) ?? 0;
  }

  /** Say which servers take no new sessions. */
  setDown(names: readonly string[]): void {
    this.#queue?.setDown(names);
  }

  /** Have every process of a session end. */
  async shutDown(): Promise<void> {
    await this.#queue?.shutDown();
  }

  close(): void {
    this.#queue?.close();
  }
}

function logEvents(queue: MessageQueue, log: (line: string) => void): void {
  queue.on('message', ({audience, sender, delivery}) =>
    log(`message ${delivery.id} from ${sender.client} client ${describe(audience, delivery)}`),
  );
  queue.on('shown', ({id, sessions}) => {
    for (const session of sessions) log(`message ${id} shown to ${nameOf(session)}`);
  });
  queue.on('undelivered', ({id, reason, sessions}) => {
    for (const session of sessions) log(`message ${id} undelivered to ${nameOf(session)}: ${reason}`);
  });
  queue.on('interrupted', ({id, sessions}) => {
    for (const session of sessions)
      log(`message ${id} unknown to ${nameOf(session)}: session process ended while showing it`);
  });
  queue.on('unknown', ({id, count}) =>
    log(
      `message ${id} unknown to ${countOf(count, 'session')}: an earlier server sent it, and wrote above what it knew`,
    ),
  );
  queue.on('unfinished', ({id, count}) =>
    log(`message ${id} waits in ${countOf(count, 'session')}: server stopped, the next one hears of it`),
  );
  queue.on('killed', ({startedAt}) =>
    log(
      `the server started at ${startedAt.toISOString()} was killed: what it had not handed over is lost, ` +
        'and its last lines here may be missing',
    ),
  );
  queue.on('mailboxLost', ({mailbox}) =>
    log(`session process ${mailbox} ended before this server heard of its sessions: what they held is lost`),
  );
  queue.on('ignored', ({reason}) => log(`ignored: ${reason}`));
}

function describe(audience: Audience, {recipients, engineOff}: Delivery): string {
  const to = audience.kind === 'all' ? 'all' : `${audience.kind} '${audience.name}'`;
  const off = engineOff === 0 ? '' : `, not to ${countOf(engineOff, 'session')} with MessageEngine off`;
  return `to ${to}: ${countOf(recipients, 'session')}${off}`;
}

function nameOf({id, identity}: NamedSession): string {
  return `${identity.user ?? NOT_LOGGED_IN}@${identity.host} (session ${id}, pid ${identity.pid})`;
}
