import type {Socket} from 'node:net';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {mayJoin} from '../../reply/commands.ts';
import {countThatFit, formatReply, joinMessages, type Reply, reply} from '../../reply/reply.ts';
import type {Message, SessionMailbox} from '../../session/mailbox/mailbox.ts';
import {findCommand} from '../commands/commands.ts';
import {status} from '../commands/info.ts';
import {ActivePort, type DataPort} from '../data/dataPort.ts';
import type {RunningTransfer} from '../data/runningTransfer.ts';
import {octetsOf, readableText} from '../octets.ts';
import type {MockTimeouts, VirtualServer} from '../options.ts';
import {type Command, initialState, type Session} from '../session.ts';
import type {FileTree} from '../tree/tree.ts';
import {type FtpLine, LineReader} from './lines.ts';
import {WrittenMessages} from './writtenMessages.ts';

/** Commands that wait for their turn; with more of them the socket is not read until there are fewer. */
const MAX_WAITING = 32;

/** How long a connection that has been told goodbye may take to read it. */
const LINGER_MS = 2000;

/** HTTP on an FTP port is a cross-protocol attack through a browser: ProFTPD closes the connection at once, so do we. */
const HTTP_VERBS = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

/** RFC 959 §5.4 has RNTO follow RNFR at once. Whatever else comes ProFTPD refuses, and goes on waiting for the RNTO. */
const AFTER_RNFR = ['RNTO', 'NOOP', 'HELP', 'STAT', 'QUIT'];

/** Refused as they are, these have it forget what was to be renamed, as measured. */
const FORGETS_RNFR = ['LIST', 'NLST', 'MLSD', 'RETR', 'STOR', 'APPE', 'STOU'];

/** `closing`: the last reply has been sent, the client is to hang up. */
type Phase =
  | {readonly kind: 'idle'}
  | {readonly kind: 'executing'}
  | {readonly kind: 'closing'; readonly since: number};

export interface ControlOptions {
  readonly socket: Socket;
  readonly server: VirtualServer;
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly tree: FileTree;
  readonly mailbox: SessionMailbox;
  /** The connection is closed: no acknowledgement can come any more. */
  readonly onEnd: () => void;
  /** Takes a line for each command and reply. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** One client: its control connection, its state, and its end of the message queue. */
export class ControlConnection implements Session {
  readonly server: VirtualServer;
  readonly tree: FileTree;
  readonly peerAddress: string;
  readonly localAddress: string;
  state = initialState();
  dataPort: DataPort;
  transfer: RunningTransfer | null = null;

  readonly #socket: Socket;
  readonly #mailbox: SessionMailbox;
  readonly #reader = new LineReader();
  readonly #written: WrittenMessages;
  readonly #onEnd: () => void;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #connectedAt = performance.now();
  #waiting: FtpLine[] = [];
  #answeringStatus = false;
  #lastCommandAt = performance.now();
  #phase: Phase = {kind: 'idle'};

  constructor({socket, server, peerAddress, localAddress, tree, mailbox, onEnd, trace}: ControlOptions) {
    this.#socket = socket;
    this.server = server;
    this.peerAddress = peerAddress;
    this.localAddress = localAddress;
    this.tree = tree;
    this.#mailbox = mailbox;
    this.#onEnd = onEnd;
    this.#trace = trace;
    this.#trace?.('connected');
    this.#written = new WrittenMessages(
      socket,
      (ids) => mailbox.shown(ids),
      () => this.#leaveQueue(),
    );
    this.dataPort = this.#defaultDataPort();
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('end', () => this.#inputEnds());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#release());
    const greeting = `ftpdctl mock FTP server (${server.name}), any password will do [${localAddress}]`;
    void this.#write(reply(220, greeting));
  }

  async preliminary(sent: Reply): Promise<void> {
    await this.#write(sent);
  }

  begin(transfer: RunningTransfer): void {
    this.transfer = transfer;
    if (this.#phase.kind === 'closing' || this.#socket.readableEnded) transfer.abort('closing');
    if (this.#waiting.some((line) => isAbort(line))) transfer.abort('ABOR');
  }

  useDataPort(port: DataPort | null): void {
    this.dataPort.close();
    this.dataPort = port ?? this.#defaultDataPort();
    if (this.#phase.kind === 'closing') this.dataPort.close();
  }

  identify(user: string | null): void {
    this.#mailbox.change({user: user === null ? null : readableText(user)});
  }

  reset(): void {
    this.state = initialState();
    this.useDataPort(null);
    this.identify(null);
  }

  /** End the session, whatever it is doing; with a reply (421, RFC 959 §5.4) when that was not the client's wish. */
  end(farewell?: Reply): void {
    if (this.#phase.kind === 'closing') return;
    if (farewell !== undefined) void this.#write(farewell);
    this.#close();
    this.#socket.end();
    this.#socket.resume();
    this.#leaveQueue();
  }

  #close(): void {
    this.#phase = {kind: 'closing', since: performance.now()};
    this.#waiting = [];
    this.transfer?.abort('closing');
  }

  /** Close at once, whatever has been acknowledged. */
  abandon(): void {
    this.#destroy();
  }

  /** Close without waiting for the client to hang up, or for its acknowledgements. */
  #destroy(): void {
    this.#written.look();
    this.#written.giveUp();
    this.#socket.destroy();
  }

  /** Called about once a second: the one clock of all sessions. */
  sweep(now: number, timeouts: MockTimeouts): void {
    const phase = this.#phase;
    const {transfer} = this;
    if (phase.kind === 'closing') {
      if (now - phase.since > LINGER_MS) this.#destroy();
    } else if (this.state.login.kind !== 'done' && now - this.#connectedAt > timeouts.login * 1000) {
      this.end(reply(421, `Login timeout (${timeouts.login} seconds): closing control connection`));
    } else if (transfer !== null) {
      if (transfer.idle(now) > timeouts.stalled * 1000) transfer.abort('stalled');
    } else if (now - this.#lastCommandAt > timeouts.idle * 1000) {
      this.end(reply(421, `Idle timeout (${timeouts.idle} seconds): closing control connection`));
    }
  }

  /** RFC 959 §3.3: the port that the control connection came from. */
  #defaultDataPort(): DataPort {
    return new ActivePort(this.localAddress, this.peerAddress, this.#socket.remotePort ?? 0);
  }

  #read(chunk: Buffer): void {
    if (this.#phase.kind === 'closing') return;
    this.#reader.push(chunk);
    this.#takeLines();
    void this.#work();
  }

  /** Queue up to MAX_WAITING lines. With a full queue the socket is paused; with no whole line left it is read again. */
  #takeLines(): void {
    while (this.#phase.kind !== 'closing') {
      if (this.#waiting.length >= MAX_WAITING || this.#answeringStatus) {
        this.#socket.pause();
        return;
      }
      const line = this.#reader.next();
      if (line === undefined) {
        this.#socket.resume();
        return;
      }
      if (!this.#takeDuringTransfer(line)) this.#waiting.push(line);
    }
  }

  /**
   * RFC 959 §4.1.3: ABOR and STAT are for the transfer that runs now. ABOR ends it here and is answered in its turn,
   * behind the 426; STAT is answered at once, without messages: those join the 226.
   */
  #takeDuringTransfer(line: FtpLine): boolean {
    if (this.transfer === null || line.kind !== 'command') return false;
    if (isAbort(line)) this.transfer.abort('ABOR');
    const {verb, argument} = parse(line.text);
    if (verb !== 'STAT' || argument !== '') return false;
    void this.#answerStatus();
    return true;
  }

  /** Nothing more is taken from a client that sends STAT faster than it reads the answers. */
  async #answerStatus(): Promise<void> {
    this.#answeringStatus = true;
    await this.#write(status(this));
    await nextTurn();
    this.#answeringStatus = false;
    this.#takeLines();
    void this.#work();
  }

  /** RFC 959 §4.1.1: a control connection that closes unexpectedly is an ABOR and a QUIT. */
  #inputEnds(): void {
    this.transfer?.abort('closing');
    void this.#work();
  }

  /** Commands one after the other, each answered before the next begins. */
  async #work(): Promise<void> {
    if (this.#phase.kind !== 'idle') return;
    this.#phase = {kind: 'executing'};
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      await this.#execute(line);
      this.#takeLines();
      // One command and turn for each session: a client that pipelines thousands must not delay the others.
      if (this.#waiting.length > 0) await nextTurn();
    }
    this.#becomeIdle();
  }

  #becomeIdle(): void {
    if (this.#phase.kind === 'executing') this.#phase = {kind: 'idle'};
    if (this.#socket.readableEnded && !this.#answeringStatus) this.end();
  }

  async #execute(line: FtpLine): Promise<void> {
    this.#lastCommandAt = performance.now();
    this.#written.look();
    this.#mailbox.active();
    if (line.kind === 'too long') return this.#finish('', '', reply(500, 'Command too long'));
    const {verb, argument} = parse(line.text);
    this.#trace?.(`> ${verb === 'PASS' ? 'PASS ***' : line.text}`);
    if (HTTP_VERBS.includes(verb)) return this.#destroy();
    await this.#finish(verb, argument, await this.#carryOut(verb, argument));
    if (verb === 'RNTO') this.state.renameFrom = null;
    findCommand(verb)?.after?.(this);
    this.#lastCommandAt = performance.now();
  }

  async #carryOut(verb: string, argument: string): Promise<Reply> {
    if (verb === '') return reply(500, 'Invalid command: try being more creative');
    if (this.state.renameFrom !== null && !AFTER_RNFR.includes(verb)) {
      if (FORGETS_RNFR.includes(verb)) this.state.renameFrom = {path: null};
      return reply(501, 'Bad sequence of commands');
    }
    const command = findCommand(verb);
    if (command === undefined) return reply(500, `${verb} not understood`);
    if (this.state.login.kind !== 'done' && !isOpenToAll(command, argument))
      return reply(530, 'Please login with USER and PASS');
    if (argument === '' && command.missing !== undefined) return command.missing;
    if (argument !== '' && command.alone === true) return reply(501, 'Invalid number of parameters');
    try {
      return await command.run(this, argument);
    } catch {
      return reply(451, 'Requested action aborted: local error in processing');
    }
  }

  /** The final reply of a command, and with it the messages that may join it. */
  async #finish(verb: string, argument: string, answer: Reply): Promise<void> {
    if (this.#phase.kind === 'closing') return;
    const pending = mayJoin(verb, argument, answer.code)
      ? this.#written.unwritten(this.#mailbox.pending())
      : [];
    const messages = await this.#announced(pending.slice(0, countThatFit(pending.map(({text}) => text))));
    if (this.#isClosing) return;
    const texts = messages.map(({text}) => text);
    const joined = joinMessages(answer, texts, this.state.utf8 ? 'utf8' : 'ascii');
    this.#written.add(messages, octetsOf(formatReply(joined)).length);
    await this.#write(joined);
    this.#written.look();
  }

  get #isClosing(): boolean {
    return this.#phase.kind === 'closing';
  }

  /** Those that the server has heard are on their way; while it reads nothing they wait for another reply. */
  async #announced(messages: readonly Message[]): Promise<readonly Message[]> {
    if (messages.length === 0) return messages;
    return (await this.#mailbox.showing(messages.map(({id}) => id))) ? messages : [];
  }

  /** Comes back when the kernel has taken the reply, or the connection has gone. */
  async #write(sent: Reply): Promise<void> {
    if (this.#phase.kind === 'closing') return;
    const text = formatReply(sent);
    if (this.#trace !== undefined) for (const line of text.trimEnd().split('\r\n')) this.#trace(`< ${line}`);
    await new Promise<void>((resolve) => {
      this.#socket.write(octetsOf(text), () => resolve());
    });
  }

  /**
   * Called when no further reply can be sent, not when the client hangs up: the session is no recipient from then on.
   * While messages of the last reply may still be acknowledged the session stays, or they would count as undelivered.
   */
  #leaveQueue(): void {
    if (this.#phase.kind !== 'closing' || this.#written.areAwaited) return;
    this.#mailbox.goodbye();
    if (this.#socket.destroyed) this.#onEnd();
  }

  #release(): void {
    this.#trace?.('closed');
    this.#close();
    this.dataPort.close();
    this.#written.look();
    this.#leaveQueue();
  }
}

function isAbort(line: FtpLine): boolean {
  return line.kind === 'command' && parse(line.text).verb === 'ABOR';
}

function isOpenToAll({beforeLogin}: Command, argument: string): boolean {
  return typeof beforeLogin === 'function' ? beforeLogin(argument) : beforeLogin === true;
}

/** RFC 959 §5.3: a verb in any case, one space (or tab, as ProFTPD has it), and an argument in which every further one counts. */
function parse(line: string): {verb: string; argument: string} {
  const [, verb = '', argument = ''] = /^([^ \t]*)[ \t]?(.*)$/s.exec(line) ?? [];
  return {verb: verb.toUpperCase(), argument: /^[ \t]*$/.test(argument) ? '' : argument};
}
