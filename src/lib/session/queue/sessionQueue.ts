import {randomBytes} from 'node:crypto';
import {EventEmitter} from 'node:events';
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {type Audience, audienceFilter} from '../../audience/audience.ts';
import type {SessionIdentity} from '../../audience/session.ts';
import {FtpdctlError} from '../../errors.ts';
import {DatagramReceiver, DatagramSender, isListening, removeSocketFile} from '../../transport/datagram.ts';
import {MAX_SESSIONS, MAX_TEXT_BYTES} from '../limits.ts';
import {checkQueuePath, mailboxIdOf, mailboxPath} from '../mailboxPath.ts';
import {pick, type Ranges} from '../ranges.ts';
import {decodeToServer, pack, type ReceiptRecord, type SessionRecord, type ToServer} from '../schema.ts';
import {trustsBeside} from '../trust.ts';
import {MailboxConnection} from './mailboxConnection.ts';
import {type Receipt, ReceiptStore, type Undelivered} from './receiptStore.ts';
import {RegisteredSession, type SessionInfo} from './registeredSession.ts';

/** Why a message was not shown. */
export const UNDELIVERED = {
  ended: 'session ended',
  full: 'too many messages wait for the session',
  allFull: 'too many messages wait',
  stopped: 'server stopped',
} as const;

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

/** What a log wants to know. Each message ends with one `shown` or `undelivered` for every recipient. */
export interface SessionQueueEvents {
  message: [{readonly audience: Audience; readonly text: string; readonly delivery: Delivery}];
  shown: [{readonly id: string; readonly sessions: readonly NamedSession[]}];
  undelivered: [{readonly id: string; readonly reason: string; readonly sessions: readonly NamedSession[]}];
  /** A datagram, or a mailbox, that nothing can be done with. */
  ignored: [{readonly reason: string}];
}

/**
 * The server's side of the session queue: which sessions there are, and what is on its way to them.
 *
 * The queue itself stores nothing. What no mailbox has taken yet lives in this process: a server that is killed loses
 * it, one that is closed reports it as undelivered. What a mailbox has taken is shown whatever becomes of the server;
 * the next server learns of it from the mailbox.
 */
export class SessionQueue extends EventEmitter<SessionQueueEvents> {
  readonly #receiver: DatagramReceiver;
  readonly #peers = new Map<string, MailboxConnection>();
  readonly #ledger = new ReceiptStore();
  /** Message ids are unique over all servers and restarts: a random part for this one, and a count. */
  readonly #run = randomBytes(6).toString('hex');
  readonly #trusts: (uid: number) => boolean;
  #messages = 0;
  #sessionCount = 0;

  private constructor(readonly path: string) {
    super();
    this.#receiver = DatagramReceiver.bind(path, (bytes) => this.#receive(bytes));
    this.#trusts = trustsBeside(path);
    this.#findMailboxes();
  }

  /**
   * Bind the queue at `queuePath` and ask the mailboxes that are there already to introduce their sessions.
   * The queue keeps the process alive until `close`.
   *
   * @throws FtpdctlError when no socket can be bound there, or the package unix-dgram is not installed
   */
  static open(queuePath: string): SessionQueue {
    checkQueuePath(queuePath);
    return new SessionQueue(queuePath);
  }

  /** The sessions that are there now. A process that has died in the meantime is found out here. */
  sessions(): SessionInfo[] {
    const alive = [...this.#peers.values()].filter((peer) => this.#isAlive(peer));
    return alive.flatMap(({sessions}) => [...sessions.values()].map((session) => session.entry()));
  }

  /**
   * Send `text` to every session that `audience` means. It returns at once: what became of the message is told by
   * `receipt`, `whenSettled` and the events.
   *
   * @throws FtpdctlError when the text takes more than 32 KiB as JSON
   */
  deliver(audience: Audience, text: string): Delivery {
    const bytes = Buffer.byteLength(JSON.stringify(text));
    if (bytes > MAX_TEXT_BYTES) {
      const hint = `${MAX_TEXT_BYTES} bytes are the most, as JSON`;
      throw new FtpdctlError('MESSAGE_TOO_LONG', `the message is too long: ${bytes} bytes`, 3, {hint});
    }
    const {takers, refused, engineOff} = this.#admit(audience, bytes);
    const id = `${this.#run}-${++this.#messages}`;
    const accepted = [...takers.values()].flat();
    const refusals = refused.map(({session, reason}) => ({session: session.id, reason}));
    const delivery = {id, recipients: accepted.length + refused.length, engineOff, refused: refusals};
    this.#ledger.open(id, bytes, accepted, refusals);
    this.emit('message', {audience, text, delivery});
    for (const {session, reason} of refused) this.emit('undelivered', {id, reason, sessions: [session]});
    for (const [peer, sessions] of takers) {
      peer.enqueue(id, text, sessions);
      this.#flush(peer);
    }
    return delivery;
  }

  /** How a message stands. Receipts of messages that have ended are kept for ten minutes, the last 256 of them. */
  receipt(id: string): Receipt | undefined {
    return this.#ledger.receipt(id);
  }

  /** The receipt of a message once it has ended for everyone; as it stands when `signal` aborts, or at `close`. */
  whenSettled(id: string, signal: AbortSignal): Promise<Receipt | undefined> {
    return this.#ledger.whenSettled(id, signal);
  }

  /** Report what no mailbox has as undelivered, and remove the socket. The mailboxes wait for the next server. */
  close(): void {
    for (const peer of this.#peers.values()) {
      for (const {id, sessions} of peer.notHandedOver()) this.#undelivered(id, sessions, UNDELIVERED.stopped);
      peer.close();
    }
    this.#peers.clear();
    this.#ledger.close();
    this.#receiver.close();
  }

  /** Divide those whom the audience means: who takes the message, by mailbox, who cannot, and who is not asked. */
  #admit(audience: Audience, bytes: number): Admission {
    const means = audienceFilter(audience);
    const hasRoom = this.#ledger.hasRoomFor(bytes);
    const admission: Admission = {takers: new Map(), refused: [], engineOff: 0};
    for (const peer of [...this.#peers.values()]) {
      const meant = [...peer.sessions.values()].filter(({identity}) => means(identity));
      if (meant.length === 0 || !this.#isAlive(peer)) continue;
      const takers: RegisteredSession[] = [];
      for (const session of meant) {
        if (!session.identity.engine) admission.engineOff++;
        else if (!hasRoom) admission.refused.push({session, reason: UNDELIVERED.allFull});
        else if (session.isFull) admission.refused.push({session, reason: UNDELIVERED.full});
        else takers.push(session);
      }
      if (takers.length > 0) admission.takers.set(peer, takers);
    }
    return admission;
  }

  #receive(bytes: Buffer): void {
    const decoded = decodeToServer(bytes);
    if (decoded.kind === 'invalid') {
      this.emit('ignored', {reason: decoded.reason});
      return;
    }
    const {datagram} = decoded;
    const peer = this.#peers.get(datagram.from) ?? this.#join(datagram);
    if (peer === null) return;
    switch (datagram.type) {
      case 'hello':
        for (const record of datagram.items) this.#introduce(peer, record);
        break;
      case 'receipts':
        for (const receipt of datagram.items) this.#account(peer, receipt);
        break;
      case 'active':
        for (const session of pick(datagram.items, peer.sessions)) session.active();
        break;
      case 'goodbye':
        this.#leave(peer, datagram.items);
        break;
    }
  }

  /** A mailbox that is not known yet joins by saying hello. */
  #join(datagram: ToServer): MailboxConnection | null {
    if (datagram.type === 'hello') return this.#connect(datagram.from, null);
    this.emit('ignored', {reason: `mailbox ${datagram.from} has not said hello`});
    return null;
  }

  /** Find the mailboxes that a server before us has left, and clear away those that died with nobody to notice. */
  #findMailboxes(): void {
    const {bytes} = pack({type: 'present'}, []);
    for (const file of filesIn(path.dirname(this.path))) {
      const id = mailboxIdOf(this.path, file);
      const peer = id === null ? null : this.#connect(id, bytes);
      if (peer !== null) this.#flush(peer);
    }
  }

  #connect(id: string, greeting: Buffer | null): MailboxConnection | null {
    const socketPath = mailboxPath(this.path, id);
    const result = DatagramSender.connect(socketPath, {
      trusts: this.#trusts,
      onWritable: () => {
        const peer = this.#peers.get(id);
        if (peer !== undefined) this.#flush(peer);
      },
    });
    if (result.kind === 'connected') {
      const peer = new MailboxConnection(id, socketPath, result.sender, greeting);
      this.#peers.set(id, peer);
      return peer;
    }
    if (result.kind === 'gone') removeSocketFile(socketPath);
    else this.emit('ignored', {reason: `mailbox ${id} cannot be written to: ${result.cause.message}`});
    return null;
  }

  #introduce(peer: MailboxConnection, record: SessionRecord): void {
    const known = peer.sessions.get(record.n);
    if (known === undefined && this.#sessionCount >= MAX_SESSIONS) {
      this.emit('ignored', {reason: `session ${peer.id}.${record.n} is one too many`});
      return;
    }
    const session = known ?? new RegisteredSession(peer.id, record);
    if (known === undefined) {
      peer.sessions.set(record.n, session);
      this.#sessionCount++;
    } else {
      known.update(record);
    }
    for (const id of record.holds ?? []) this.#ledger.adopt(id, session);
  }

  #account(peer: MailboxConnection, {id, state, to}: ReceiptRecord): void {
    const sessions = [...pick(to, peer.sessions)].filter((session) => this.#ledger[state](id, session));
    if (state === 'shown' && sessions.length > 0) this.emit('shown', {id, sessions});
  }

  #leave(peer: MailboxConnection, numbers: Ranges): void {
    this.#endSessions(peer, [...pick(numbers, peer.sessions)]);
    // Its process may go now without another word, and with it the other end of our descriptor.
    if (peer.sessions.size === 0) this.#drop(peer);
  }

  #flush(peer: MailboxConnection): void {
    const result = peer.flush();
    if (result.kind === 'gone') this.#bury(peer);
    if (result.kind === 'failed') {
      this.emit('ignored', {reason: `mailbox ${peer.id} cannot be written to: ${result.cause.message}`});
      this.#lose(peer);
    }
    // One that was only greeted is let go of again, or its end would be noticed by nobody.
    if (result.kind === 'done' && peer.sessions.size === 0) this.#drop(peer);
  }

  #isAlive(peer: MailboxConnection): boolean {
    const alive = isListening(peer.path);
    if (!alive) this.#bury(peer);
    return alive;
  }

  /** The mailbox's process has ended without a goodbye. */
  #bury(peer: MailboxConnection): void {
    removeSocketFile(peer.path);
    this.#lose(peer);
  }

  #lose(peer: MailboxConnection): void {
    this.#drop(peer);
    this.#endSessions(peer, [...peer.sessions.values()]);
  }

  #drop(peer: MailboxConnection): void {
    this.#peers.delete(peer.id);
    peer.close();
  }

  #endSessions(peer: MailboxConnection, sessions: readonly RegisteredSession[]): void {
    const ids = new Set<string>();
    for (const session of sessions) {
      peer.sessions.delete(session.n);
      this.#sessionCount--;
      for (const id of session.pending.keys()) ids.add(id);
    }
    for (const id of ids) this.#undelivered(id, sessions, UNDELIVERED.ended);
  }

  #undelivered(id: string, among: Iterable<RegisteredSession>, reason: string): void {
    const sessions = [...among].filter((session) => this.#ledger.undelivered(id, session, reason));
    if (sessions.length > 0) this.emit('undelivered', {id, reason, sessions});
  }
}

/** None of a directory that may be written to but not read: its mailboxes join with the next word they have to say. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

interface Admission {
  readonly takers: Map<MailboxConnection, RegisteredSession[]>;
  readonly refused: {readonly session: RegisteredSession; readonly reason: string}[];
  engineOff: number;
}
