import {EventEmitter} from 'node:events';
import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {type Audience, audienceFilter, type SessionIdentity} from '../../audience.ts';
import {FtpdctlError} from '../../errors.ts';
import {
  DatagramReceiver,
  DatagramSender,
  isListening,
  removeSocketFile,
} from '../../transport/sockets/datagram.ts';
import {
  ANSWER_TIMEOUT_MS,
  CHECK_INTERVAL_MS,
  MAX_CHECKED_AT_ONCE,
  MAX_SESSIONS,
  MAX_TEXT_BYTES,
} from '../limits.ts';
import {checkQueuePath, mailboxIdOf, mailboxPath, trustsBeside} from '../mailboxPath.ts';
import {decodeToServer, pick, type ReceiptRecord, type SessionRecord} from '../schema.ts';
import {MailboxConnection, RegisteredSession, type SessionInfo} from './mailboxConnection.ts';
import {type Receipt, ReceiptStore, type Undelivered, undeliveredTo} from './receiptStore.ts';

/** Why a message was not shown. */
export const UNDELIVERED = {
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
 * What a log wants to know. Each message ends with one `shown` or `undelivered` for every recipient, whichever server
 * tells it; those of whom no server can tell any more are counted by `unknown`, or by `unfinished` and `killed`.
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
  readonly #mailboxes = new Map<string, MailboxConnection>();
  /** Mailboxes that are there, and could not be connected to for want of a descriptor, say: by their ids. */
  readonly #unreached = new Set<string>();
  readonly #receipts = new ReceiptStore();
  readonly #trusts: (uid: number) => boolean;
  readonly #maxSessions: number;
  readonly #answerTimeout: number;
  readonly #toAcknowledge = new Set<MailboxConnection>();
  readonly #answerWaiters = new Set<() => void>();
  readonly #checks: NodeJS.Timeout;
  #acknowledging = false;
  #checked = 0;
  #received = 0;
  #sessionCount = 0;

  private constructor(
    readonly path: string,
    {maxSessions = MAX_SESSIONS, answerTimeout = ANSWER_TIMEOUT_MS}: QueueOptions,
  ) {
    super();
    this.#maxSessions = maxSessions;
    this.#answerTimeout = answerTimeout;
    this.#receiver = DatagramReceiver.bind(path, (bytes) => this.#receive(bytes));
    this.#trusts = trustsBeside(path);
    this.#checks = setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    const found = this.#findMailboxes();
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
    const alive = [...this.#mailboxes.values()].filter((mailbox) => this.#isAlive(mailbox));
    return alive.flatMap(({sessions}) => [...sessions.values()].map((session) => session.info()));
  }

  /** Mailboxes that are there and have not said yet, or not all, which sessions they have. */
  get unanswered(): number {
    let count = this.#unreached.size;
    for (const {isComplete, isDead} of this.#mailboxes.values()) if (!isComplete && !isDead) count++;
    return count;
  }

  /** Resolves when every mailbox has said which sessions it has, or has had time enough to do so. */
  async answered(): Promise<void> {
    const end = this.#answersDueAt();
    if (end <= performance.now()) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#answerWaiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, end - performance.now());
      this.#answerWaiters.add(done);
    });
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
      this.#flush(mailbox);
    }
    return delivery;
  }

  /**
   * The receipt of a message. Checks first that the processes that hold it are alive. Receipts of messages that are
   * settled are kept for ten minutes; less if there are very many, those asked for least recently going first.
   */
  receipt(id: string): Receipt | undefined {
    if ((this.#receipts.receipt(id)?.waiting ?? 0) > 0) {
      for (const mailbox of this.#mailboxesWith(id)) this.#isAlive(mailbox);
    }
    return this.#receipts.receipt(id);
  }

  /** The sessions that have not shown a message yet, and may do so. */
  waitingFor(id: string): NamedSession[] {
    return [...this.#mailboxes.values()].flatMap(({sessions}) =>
      [...sessions.values()].filter(({pending}) => pending.has(id)),
    );
  }

  /** Report what no mailbox has as undelivered, and remove the socket. The mailboxes wait for the next server. */
  close(): void {
    clearInterval(this.#checks);
    for (const mailbox of [...this.#mailboxes.values()]) {
      if (mailbox.isDead) this.#removeDead(mailbox);
    }
    for (const mailbox of this.#mailboxes.values()) {
      for (const {id, sessions} of mailbox.notHandedOver()) {
        this.#undelivered(id, sessions, UNDELIVERED.stopped);
      }
      mailbox.close();
    }
    for (const left of this.#receipts.unfinished()) this.emit('unfinished', left);
    this.#tellUnknown();
    this.#mailboxes.clear();
    this.#unreached.clear();
    for (const done of [...this.#answerWaiters]) done();
    this.#receiver.close();
  }

  /** Split the sessions of an audience: those that take the message, by mailbox, those that cannot, those with it off. */
  #split(audience: Audience, bytes: number): RecipientSplit {
    const means = audienceFilter(audience);
    const hasRoom = this.#receipts.hasRoomFor(bytes);
    const split: RecipientSplit = {takers: new Map(), refused: [], engineOff: 0};
    for (const mailbox of [...this.#mailboxes.values()]) {
      const meant = [...mailbox.sessions.values()].filter(({identity}) => means(identity));
      if (meant.length === 0 || !this.#isAlive(mailbox)) continue;
      const takers: RegisteredSession[] = [];
      for (const session of meant) {
        if (!session.identity.engine) split.engineOff++;
        else if (!hasRoom) split.refused.push({session, reason: UNDELIVERED.allFull});
        else if (session.isFull) split.refused.push({session, reason: UNDELIVERED.full});
        else takers.push(session);
      }
      if (takers.length > 0) split.takers.set(mailbox, takers);
    }
    return split;
  }

  #receive(bytes: Buffer): void {
    this.#received++;
    const decoded = decodeToServer(bytes);
    if (decoded.kind === 'invalid') {
      this.emit('ignored', {reason: decoded.reason});
      return;
    }
    const {datagram} = decoded;
    const mailbox =
      this.#mailboxes.get(datagram.from) ?? this.#join(datagram.from, datagram.type === 'hello');
    if (mailbox === null) return;
    switch (datagram.type) {
      case 'hello':
        for (const record of datagram.items) this.#introduce(mailbox, record);
        break;
      case 'receipts':
        for (const record of datagram.items) this.#account(mailbox, record);
        if (datagram.items.some(({state}) => state === 'shown')) this.#acknowledgeSoon(mailbox, datagram.seq);
        break;
      case 'active':
        for (const session of pick(datagram.items, mailbox.sessions)) session.active();
        break;
      case 'goodbye':
        this.#endSessions(mailbox, [...pick(datagram.items, mailbox.sessions)]);
        this.#acknowledgeSoon(mailbox, datagram.seq);
        break;
      case 'complete':
        mailbox.isComplete = true;
        this.#disconnectIdle(mailbox);
        this.#answerHasCome();
        break;
    }
  }

  /** A mailbox that is not known joins when it says something, and is asked for all that it has. */
  #join(id: string, isHello: boolean): MailboxConnection | null {
    if (!isHello) this.emit('ignored', {reason: `mailbox ${id} has not said hello`});
    const result = this.#connect(id);
    if (result.kind === 'connected') return this.#ask(result.mailbox);
    if (result.kind === 'lost') this.emit('mailboxLost', {mailbox: id});
    if (result.kind === 'ignored') this.emit('ignored', {reason: result.reason});
    return null;
  }

  /** Connect to the mailboxes of an earlier server, and remove the socket files of those whose process has died. */
  #findMailboxes(): {lost: string[]; ignored: string[]} {
    const found: {lost: string[]; ignored: string[]} = {lost: [], ignored: []};
    for (const file of filesIn(path.dirname(this.path))) {
      const id = mailboxIdOf(this.path, file);
      if (id === null) continue;
      const result = this.#connect(id);
      if (result.kind === 'connected') this.#ask(result.mailbox);
      if (result.kind === 'lost') found.lost.push(id);
      if (result.kind === 'ignored') found.ignored.push(result.reason);
    }
    return found;
  }

  #connect(id: string): JoinResult {
    const socketPath = mailboxPath(this.path, id);
    const result = DatagramSender.connect(socketPath, {
      trusts: this.#trusts,
      onWritable: () => {
        const mailbox = this.#mailboxes.get(id);
        if (mailbox !== undefined) this.#flush(mailbox);
      },
    });
    const wasUnreached = this.#unreached.delete(id);
    if (result.kind === 'connected') {
      const mailbox = new MailboxConnection(id, socketPath, result.sender);
      this.#mailboxes.set(id, mailbox);
      return {kind: 'connected', mailbox};
    }
    if (result.kind === 'gone') {
      const isLeftBehind = existsSync(socketPath);
      removeSocketFile(socketPath);
      return {kind: isLeftBehind ? 'lost' : 'closed'};
    }
    if (result.kind === 'failed') {
      this.#unreached.add(id);
      if (wasUnreached) return {kind: 'unreached'};
    }
    return {kind: 'ignored', reason: `mailbox ${id} cannot be written to: ${result.cause.message}`};
  }

  #ask(mailbox: MailboxConnection): MailboxConnection | null {
    this.#flush(mailbox);
    return this.#mailboxes.get(mailbox.id) ?? null;
  }

  #introduce(mailbox: MailboxConnection, record: SessionRecord): void {
    const known = mailbox.sessions.get(record.n);
    if (known !== undefined) {
      known.update(record);
      return;
    }
    if (this.#sessionCount >= this.#maxSessions) {
      this.emit('ignored', {reason: `session ${mailbox.id}.${record.n} is one too many`});
      return;
    }
    mailbox.sessions.set(record.n, new RegisteredSession(mailbox.id, record));
    this.#sessionCount++;
  }

  #account(mailbox: MailboxConnection, record: ReceiptRecord): void {
    const shown = [...pick(record.to, mailbox.sessions)].filter((session) =>
      this.#receipts.report(record, session),
    );
    if (shown.length > 0) this.emit('shown', {id: record.id, sessions: shown});
  }

  /** What comes up in one turn of the event loop is written down together, and acknowledged when it is. */
  #acknowledgeSoon(mailbox: MailboxConnection, seq: number): void {
    mailbox.received(seq);
    this.#toAcknowledge.add(mailbox);
    if (this.#acknowledging) return;
    this.#acknowledging = true;
    setImmediate(() => void this.#acknowledge());
  }

  async #acknowledge(): Promise<void> {
    const received = [...this.#toAcknowledge].map((mailbox) => ({mailbox, seq: mailbox.lastReceived}));
    this.#toAcknowledge.clear();
    this.#acknowledging = false;
    await this.recorded();
    for (const {mailbox, seq} of received) {
      mailbox.recorded(seq);
      if (this.#mailboxes.get(mailbox.id) === mailbox) this.#flush(mailbox);
    }
  }

  #flush(mailbox: MailboxConnection): void {
    const result = mailbox.flush();
    if (result.kind === 'gone') {
      this.#hasDied(mailbox);
      return;
    }
    const trouble = result.kind === 'failed' ? result.cause.message : '';
    // It is tried again with the next check: its sessions are there all the same.
    if (trouble !== '' && trouble !== mailbox.trouble) {
      this.emit('ignored', {reason: `mailbox ${mailbox.id} cannot be written to: ${trouble}`});
    }
    mailbox.trouble = trouble;
    this.#disconnectIdle(mailbox);
  }

  /** A mailbox without sessions is not checked for being alive: its descriptor would stay open after its process ended. */
  #disconnectIdle(mailbox: MailboxConnection): void {
    if (mailbox.isIdle && !mailbox.isDead) this.#disconnect(mailbox);
  }

  /** Check the mailboxes that owe an answer or a receipt, and try again those that could not be reached. */
  #check(): void {
    for (const id of [...this.#unreached].slice(0, MAX_CHECKED_AT_ONCE)) this.#join(id, true);
    const {hasOpen} = this.#receipts;
    const owing = [...this.#mailboxes.values()].filter(
      (mailbox) => !mailbox.isComplete || mailbox.trouble !== '' || (hasOpen && mailbox.hasPending),
    );
    const start = this.#checked < owing.length ? this.#checked : 0;
    this.#checked = start + MAX_CHECKED_AT_ONCE;
    for (const mailbox of owing.slice(start, this.#checked)) {
      if (this.#isAlive(mailbox) && mailbox.trouble !== '') this.#flush(mailbox);
    }
    this.#answerHasCome();
  }

  #mailboxesWith(id: string): MailboxConnection[] {
    return [...this.#mailboxes.values()].filter(({sessions}) => {
      for (const {pending} of sessions.values()) if (pending.has(id)) return true;
      return false;
    });
  }

  #isAlive(mailbox: MailboxConnection): boolean {
    if (!mailbox.isDead && !isListening(mailbox.path)) this.#hasDied(mailbox);
    return !mailbox.isDead;
  }

  /**
   * The mailbox's process has ended without a goodbye. What it has said of its messages before may lie in our socket, and
   * is heard first: it is over when the event loop has gone round once, and there was nothing to read.
   */
  #hasDied(mailbox: MailboxConnection): void {
    if (mailbox.isDead) return;
    mailbox.isDead = true;
    const look = (received: number | null) => {
      if (this.#mailboxes.get(mailbox.id) !== mailbox) return;
      if (received === this.#received) this.#removeDead(mailbox);
      else setImmediate(look, this.#received);
    };
    setImmediate(look, null);
  }

  #removeDead(mailbox: MailboxConnection): void {
    const isLeftBehind = existsSync(mailbox.path);
    removeSocketFile(mailbox.path);
    if (isLeftBehind && !mailbox.isComplete) this.emit('mailboxLost', {mailbox: mailbox.id});
    this.#disconnect(mailbox);
    this.#endSessions(mailbox, [...mailbox.sessions.values()]);
    this.#answerHasCome();
  }

  #disconnect(mailbox: MailboxConnection): void {
    this.#mailboxes.delete(mailbox.id);
    mailbox.close();
  }

  #endSessions(mailbox: MailboxConnection, sessions: readonly RegisteredSession[]): void {
    const ids = new Set<string>();
    for (const session of sessions) {
      mailbox.sessions.delete(session.n);
      this.#sessionCount--;
      for (const id of session.pending.keys()) ids.add(id);
    }
    for (const id of ids) this.#undelivered(id, sessions, UNDELIVERED.ended);
  }

  #undelivered(id: string, among: Iterable<RegisteredSession>, reason: string): void {
    const sessions = [...among].filter((session) => this.#receipts.undelivered(id, session, reason));
    if (sessions.length > 0) this.emit('undelivered', {id, reason, sessions});
  }

  /** The deadline of the last mailbox that has not answered: milliseconds, monotonic; 0 when all have answered. */
  #answersDueAt(): number {
    let due = 0;
    for (const mailbox of [...this.#mailboxes.values()]) {
      if (mailbox.isComplete || !this.#isAlive(mailbox)) continue;
      due = Math.max(due, mailbox.askedAt + this.#answerTimeout);
    }
    return due;
  }

  #answerHasCome(): void {
    if (this.unanswered > 0) return;
    for (const done of [...this.#answerWaiters]) done();
    this.#tellUnknown();
  }

  #tellUnknown(): void {
    for (const unknown of this.#receipts.newlyUnknown()) this.emit('unknown', unknown);
  }
}

/** Empty if the directory is unreadable; those mailboxes join when they next say something. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

type JoinResult =
  | {readonly kind: 'connected'; readonly mailbox: MailboxConnection}
  /** It has removed its socket file: all its receipts were sent. */
  | {readonly kind: 'closed'}
  /** It has died, or left its socket file because its last receipts could not be sent. */
  | {readonly kind: 'lost'}
  /** Tried again, without success. */
  | {readonly kind: 'unreached'}
  | {readonly kind: 'ignored'; readonly reason: string};

interface RecipientSplit {
  readonly takers: Map<MailboxConnection, RegisteredSession[]>;
  readonly refused: {readonly session: RegisteredSession; readonly reason: string}[];
  engineOff: number;
}
