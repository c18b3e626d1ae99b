import {EventEmitter} from 'node:events';
import {type Audience, audienceFilter, type SessionIdentity} from '../../audience.ts';
import {FtpdctlError} from '../../errors.ts';
import {DatagramReceiver} from '../../transport/sockets/datagram.ts';
import {
  ANSWER_TIMEOUT_MS,
  CHECK_INTERVAL_MS,
  KICK_TIMEOUT_MS,
  MAX_SESSIONS,
  MAX_TEXT_BYTES,
} from '../limits.ts';
import {checkQueuePath} from '../mailboxPath.ts';
import {decodeToServer, pick, type ReceiptRecord, type SessionRecord} from '../schema.ts';
import type {MailboxConnection} from './mailboxConnection.ts';
import {Mailboxes} from './mailboxes.ts';
import {type Receipt, ReceiptStore, type Undelivered, undeliveredTo} from './receiptStore.ts';
import {type RegisteredSession, type SessionInfo, Sessions} from './sessions.ts';

/** Why a message was not shown. */
const UNDELIVERED = {
  ended: 'session ended',
  full: 'too many messages wait for the session',
  allFull: 'too many messages wait',
  stopped: 'server stopped',
} as const;

/** Who sends a message. */
export interface Sender {
  readonly uid: number;
  /** The names, as logs have them: `root/root`. */
  readonly client: string;
}

/** What a message came to when it was sent. Nobody was meant by it when `recipients` and `engineOff` are 0. */
export interface Delivery {
  readonly id: string;
  /** Sessions the message is for. */
  readonly recipients: number;
  /** Sessions the audience means, where `MessageEngine` is off: they get nothing, and are not recipients. */
  readonly engineOff: number;
  /** Those of the recipients that cannot take it, and why. */
  readonly refused: readonly Undelivered[];
}

/** A session, as events name it. */
export interface NamedSession {
  readonly id: string;
  readonly identity: SessionIdentity;
}

/**
 * What a log wants to know. Each message ends with one `shown`, `undelivered` or `interrupted` for every recipient,
 * whichever server tells it; those of whom no server can tell any more are counted by `unknown`, or by `unfinished` and
 * `killed`.
 */
export interface SessionQueueEvents {
  message: [
    {
      readonly audience: Audience;
      readonly text: string;
      readonly sender: Sender;
      readonly delivery: Delivery;
    },
  ];
  shown: [{readonly id: string; readonly sessions: readonly NamedSession[]}];
  undelivered: [{readonly id: string; readonly reason: string; readonly sessions: readonly NamedSession[]}];
  /** The process of these sessions has ended while the message was on the way to their clients. */
  interrupted: [{readonly id: string; readonly sessions: readonly NamedSession[]}];
  /** An earlier server has sent the message to so many sessions of which no mailbox says anything. */
  unknown: [{readonly id: string; readonly count: number}];
  /** This server closes, and so many sessions have the message and may still show it. */
  unfinished: [{readonly id: string; readonly count: number}];
  /** The server before this one, started at this time, has ended without closing the queue. */
  killed: [{readonly startedAt: Date}];
  /** A mailbox has ended before it had said what its sessions hold: while no server was there, or just after that. */
  mailboxLost: [{readonly mailbox: string}];
  /** A datagram, or a mailbox, that nothing can be done with. */
  ignored: [{readonly reason: string}];
}

export interface QueueOptions {
  /** Sessions to keep track of. */
  readonly maxSessions?: number;
  /** How long messages wait for a mailbox that has not said yet which sessions it has: milliseconds. */
  readonly answerTimeout?: number;
}

/**
 * The server's side of the session queue: which sessions there are, and what is on its way to them.
 *
 * The queue itself stores nothing. What no mailbox has taken yet lives in this process: a server that is killed loses
 * it, one that is closed reports it as undelivered. What a mailbox has taken is shown whatever becomes of the server;
 * the next server learns of it from the mailbox, and with it how many sessions the message was for.
 */
export class SessionQueue extends EventEmitter<SessionQueueEvents> {
  /** Resolves once what the events have told is written down: only then do mailboxes hear that it is. */
  recorded: () => Promise<void> = async () => {};
  readonly #receiver: DatagramReceiver;
  readonly #mailboxes: Mailboxes;
  readonly #receipts = new ReceiptStore();
  readonly #sessions: Sessions;
  readonly #checks: NodeJS.Timeout;

  private constructor(
    readonly path: string,
    {maxSessions = MAX_SESSIONS, answerTimeout = ANSWER_TIMEOUT_MS}: QueueOptions,
  ) {
    super();
    this.#sessions = new Sessions(maxSessions);
    this.#receiver = DatagramReceiver.bind(path, (bytes) => this.#receive(bytes));
    this.#mailboxes = new Mailboxes(path, answerTimeout, {
      died: (mailbox) => this.#interrupt(mailbox),
      lost: (mailbox) => this.emit('mailboxLost', {mailbox}),
      ignored: (reason) => this.emit('ignored', {reason}),
      allAnswered: () => this.#tellUnknown(),
      recorded: () => this.recorded(),
    });
    this.#checks = setInterval(() => this.#mailboxes.check(this.#receipts.hasOpen), CHECK_INTERVAL_MS);
    const found = this.#mailboxes.find();
    // The caller can add its listeners only after this constructor.
    queueMicrotask(() => {
      if (this.#receiver.replaced !== null) this.emit('killed', {startedAt: this.#receiver.replaced});
      for (const mailbox of found.lost) this.emit('mailboxLost', {mailbox});
      for (const reason of found.ignored) this.emit('ignored', {reason});
    });
  }

  /**
   * Bind the queue at `queuePath` and ask the mailboxes that are there already to introduce their sessions.
   * The queue keeps the process alive until `close`.
   *
   * @throws FtpdctlError when no socket can be bound there, or the package unix-dgram is not installed
   */
  static open(queuePath: string, options: QueueOptions = {}): SessionQueue {
    checkQueuePath(queuePath);
    return new SessionQueue(queuePath, options);
  }

  /** The sessions that are there now. Processes that have died in the meantime are removed first. */
  sessions(): SessionInfo[] {
    const alive = this.#mailboxes.all().filter((mailbox) => this.#mailboxes.isAlive(mailbox));
    return alive.flatMap(({sessions}) => [...sessions.values()].map((session) => session.info()));
  }

  /** Mailboxes that are there and have not said yet, or not all, which sessions they have. */
  get unanswered(): number {
    return this.#mailboxes.unanswered;
  }

  /** Resolves when every mailbox has said which sessions it has, or has had time enough to do so. */
  async answered(): Promise<void> {
    await this.#mailboxes.answered();
  }

  /**
   * Send `text` to every session that `audience` means. It returns at once: what became of the message is told by
   * `receipt` and the events.
   *
   * @throws FtpdctlError when the text takes more than 32 KiB as JSON
   */
  deliver(audience: Audience, text: string, sender: Sender): Delivery {
    const bytes = Buffer.byteLength(JSON.stringify(text));
    if (bytes > MAX_TEXT_BYTES) {
      const hint = `${MAX_TEXT_BYTES} bytes are the most, as JSON`;
      throw new FtpdctlError('MESSAGE_TOO_LONG', `the message is too long: ${bytes} bytes`, 3, {hint});
    }
    const {takers, refused, engineOff} = this.#split(audience, bytes);
    const id = this.#receipts.newId();
    const accepted = [...takers.values()].flat();
    const refusals = refused.map(({session, reason}) => undeliveredTo(session, reason));
    const recipients = accepted.length + refused.length;
    const delivery = {id, recipients, engineOff, refused: refusals};
    this.#receipts.open({id, bytes, sender: sender.uid}, accepted, refusals);
    this.emit('message', {audience, text, sender, delivery});
    for (const {session, reason} of refused) this.emit('undelivered', {id, reason, sessions: [session]});
    for (const [mailbox, sessions] of takers) {
      mailbox.enqueue(id, text, {recipients, sender: sender.uid}, sessions);
      this.#mailboxes.flush(mailbox);
    }
    return delivery;
  }

  /**
   * End sessions: their processes are told, and heard when they have said goodbye.
   * @param ids of sessions, as `sessions` has them
   * @returns how many have ended by the deadline
   */
  async kick(ids: ReadonlySet<string>, timeout = KICK_TIMEOUT_MS): Promise<number> {
    const left = new Set<RegisteredSession>();
    const told: MailboxConnection[] = [];
    for (const mailbox of this.#mailboxes.all()) {
      const kicked = [...mailbox.sessions.values()].filter(({id}) => ids.has(id));
      if (kicked.length === 0) continue;
      for (const session of kicked) left.add(session);
      mailbox.kick(kicked);
      told.push(mailbox);
    }
    const meant = left.size;
    const ended = this.#sessions.haveEnded(left, timeout);
    for (const mailbox of told) this.#mailboxes.flush(mailbox);
    await ended;
    return meant - left.size;
  }

  /** Say which servers take no new sessions from now on; every mailbox is told, and whichever comes later. */
  setDown(servers: readonly string[]): void {
    this.#mailboxes.setDown(servers);
  }

  /** Have every process of a mailbox end. Resolves when each has been told, or has had time enough to listen. */
  async shutDown(): Promise<void> {
    await this.#mailboxes.shutDown();
  }

  /**
   * The receipt of a message. Checks first that the processes that hold it are alive. Receipts of messages that are
   * settled are kept for ten minutes; less if there are very many, those asked for least recently going first.
   */
  receipt(id: string): Receipt | undefined {
    if ((this.#receipts.receipt(id)?.waiting ?? 0) > 0) {
      for (const mailbox of this.#mailboxesWith(id)) this.#mailboxes.isAlive(mailbox);
    }
    return this.#receipts.receipt(id);
  }

  /** The sessions that have not shown a message yet, and may do so. */
  waitingFor(id: string): NamedSession[] {
    return this.#mailboxes
      .all()
      .flatMap(({sessions}) => [...sessions.values()].filter(({pending}) => pending.has(id)));
  }

  /** Report what no mailbox has as undelivered, and remove the socket. The mailboxes wait for the next server. */
  close(): void {
    clearInterval(this.#checks);
    this.#mailboxes.removeDead();
    for (const mailbox of this.#mailboxes.all()) {
      for (const {id, sessions} of mailbox.notHandedOver()) {
        this.#undelivered(id, sessions, UNDELIVERED.stopped);
      }
    }
    for (const left of this.#receipts.unfinished()) this.emit('unfinished', left);
    this.#tellUnknown();
    this.#mailboxes.close();
    this.#receiver.close();
  }

  /** Split the sessions of an audience: those that take the message, by mailbox, those that cannot, those with it off. */
  #split(audience: Audience, bytes: number): RecipientSplit {
    const means = audienceFilter(audience);
    // An identity is what a session says of itself; its id is given to it.
    const isMeant = ({id, identity}: RegisteredSession) =>
      audience.kind === 'session' ? id === audience.name : means(identity);
    const hasRoom = this.#receipts.hasRoomFor(bytes);
    const split: RecipientSplit = {takers: new Map(), refused: [], engineOff: 0};
    for (const mailbox of this.#mailboxes.all()) {
      const meant = [...mailbox.sessions.values()].filter(isMeant);
      if (meant.length === 0 || !this.#mailboxes.isAlive(mailbox)) continue;
      const takers: RegisteredSession[] = [];
      for (const session of meant) {
        if (!session.identity.engine) split.engineOff++;
        else if (!hasRoom) split.refused.push({session, reason: UNDELIVERED.allFull});
        else if (session.isFull) split.refused.push({session, reason: UNDELIVERED.full});
        else takers.push(session);
      }
      split.takers.set(mailbox, takers);
    }
    return split;
  }

  #receive(bytes: Buffer): void {
    this.#mailboxes.heard();
    const decoded = decodeToServer(bytes);
    if (decoded.kind === 'invalid') {
      this.emit('ignored', {reason: decoded.reason});
      return;
    }
    const {datagram} = decoded;
    const known = this.#mailboxes.get(datagram.from);
    const isExpected = datagram.type === 'hello' || datagram.type === 'complete';
    const mailbox = known ?? this.#join(datagram.from, isExpected);
    // One that is new says `complete` when it opens, and is asked now: its answer ends with another.
    if (mailbox === null || (known === undefined && datagram.type === 'complete')) return;
    switch (datagram.type) {
      case 'hello':
        for (const record of datagram.items) this.#introduce(mailbox, record);
        break;
      case 'receipts':
        for (const record of datagram.items) this.#account(mailbox, record);
        if (datagram.items.some(({state}) => state === 'shown'))
          this.#mailboxes.acknowledgeSoon(mailbox, datagram.seq);
        break;
      case 'active':
        for (const session of pick(datagram.items, mailbox.sessions)) session.active();
        break;
      case 'goodbye':
        this.#endSessions(mailbox, [...pick(datagram.items, mailbox.sessions)]);
        this.#mailboxes.acknowledgeSoon(mailbox, datagram.seq);
        break;
      case 'complete':
        this.#mailboxes.complete(mailbox);
        break;
    }
  }

  #join(id: string, isExpected: boolean): MailboxConnection | null {
    if (!isExpected) this.emit('ignored', {reason: `mailbox ${id} has not said hello`});
    return this.#mailboxes.join(id);
  }

  #introduce(mailbox: MailboxConnection, record: SessionRecord): void {
    if (this.#sessions.introduce(mailbox, record)) return;
    this.emit('ignored', {reason: `session ${mailbox.id}.${record.n} is one too many`});
  }

  #account(mailbox: MailboxConnection, record: ReceiptRecord): void {
    const shown = [...pick(record.to, mailbox.sessions)].filter((session) =>
      this.#receipts.report(record, session),
    );
    if (shown.length > 0) this.emit('shown', {id: record.id, sessions: shown});
  }

  #mailboxesWith(id: string): MailboxConnection[] {
    return this.#mailboxes.all().filter(({sessions}) => {
      for (const {pending} of sessions.values()) if (pending.has(id)) return true;
      return false;
    });
  }

  /** Its process has ended: what it was showing may have been seen, the rest has not. */
  #interrupt(mailbox: MailboxConnection): void {
    const sessions = [...mailbox.sessions.values()];
    const ids = new Set(sessions.flatMap(({pending}) => [...pending.keys()]));
    for (const id of ids) {
      const interrupted = sessions.filter((session) => this.#receipts.interrupt(id, session));
      if (interrupted.length > 0) this.emit('interrupted', {id, sessions: interrupted});
    }
    this.#endSessions(mailbox, sessions);
  }

  #endSessions(mailbox: MailboxConnection, sessions: readonly RegisteredSession[]): void {
    for (const id of this.#sessions.end(mailbox, sessions))
      this.#undelivered(id, sessions, UNDELIVERED.ended);
  }

  #undelivered(id: string, among: Iterable<RegisteredSession>, reason: string): void {
    const sessions = [...among].filter((session) => this.#receipts.undelivered(id, session, reason));
    if (sessions.length > 0) this.emit('undelivered', {id, reason, sessions});
  }

  #tellUnknown(): void {
    for (const unknown of this.#receipts.newlyUnknown()) this.emit('unknown', unknown);
  }
}

interface RecipientSplit {
  readonly takers: Map<MailboxConnection, RegisteredSession[]>;
  readonly refused: {readonly session: RegisteredSession; readonly reason: string}[];
  engineOff: number;
}
