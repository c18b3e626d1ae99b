import {setTimeout as sleep} from 'node:timers/promises';
import {OPEN_ACTION} from '../../acl/evaluate.ts';
import {FtpdctlError} from '../../errors.ts';
import type {Framed} from '../../protocol/codec.ts';
import type {ProtocolError} from '../../protocol/frame.ts';
import {type ControlRequest, type Dialect, STATUS} from '../../protocol/message.ts';
import type {PeerCredentials} from '../../transport/libc.ts';
import {isOurClientPath, removeClientPath} from '../../transport/sockets/connection.ts';
import type {Accepted, ClientHandler} from '../../transport/sockets/listener.ts';
import type {Action, ServerView} from '../actions/action.ts';
import type {Logs} from '../configuration.ts';
import {BLOCKED, type ControlResult, failure, resultFrame, STALE, UNSUPPORTED} from '../controlResult.ts';
import {type ControlsLog, type LoggedClient, Omissions} from '../controlsLog.ts';
import type {HostResolver} from '../hostResolver.ts';
import {authorize} from './authorization.ts';
import {Connection, type ConnectionEvents} from './connection.ts';
import {IdleTimeouts} from './idleTimeouts.ts';
import {ConcurrencyLimit, RateLimit} from './limits.ts';

/** Connections at a time with an incomplete request, or an answer that the client has not read. */
const MAX_UNFINISHED = 256;
/** Milliseconds a client has to send its request, and then to read the answer. */
const CLIENT_TIMEOUT_MS = 5000;
/** Requests that may wait for the concurrency limit, of at most 64 KiB each. */
const MAX_QUEUED = 512;
const MAX_QUEUED_OF_ONE_USER = 128;
/** Rate limit on one user's connections that lead to no action. Connections above it are closed on accept. */
const FRUITLESS = {burst: 500, perSecond: 50};
/** Rate limit on one user's connections that are logged one by one; the others are counted. */
const LOGGED = {burst: 100, perSecond: 5};

/** Replaced as a whole by each reload. */
export interface ServerState extends Omit<ServerView, 'hosts'> {
  readonly resolver: HostResolver;
  readonly logs: Logs;
  /** On `logs.controls`. */
  readonly log: ControlsLog;
}

/** Reads one request of each client, queues it, authorizes it, runs its action, and answers. */
export class RequestHandler implements ConnectionEvents, ClientHandler {
  readonly #current: () => ServerState;
  readonly #version: string;
  readonly #open = new Set<Connection>();
  readonly #unfinished = new IdleTimeouts<Connection>(
    {most: MAX_UNFINISHED, timeout: CLIENT_TIMEOUT_MS, ownerOf: ({caller}) => caller.uid},
    (connection) => this.#block(connection),
  );
  readonly #concurrency: ConcurrencyLimit;
  readonly #fruitless = new RateLimit(FRUITLESS);
  readonly #logged = new RateLimit(LOGGED);
  readonly #omitted = new Omissions((line) => this.#current().log.line(line));

  constructor(current: () => ServerState, version: string) {
    this.#current = current;
    this.#version = version;
    this.#concurrency = new ConcurrencyLimit({
      running: current().settings.controls.maxClients.value,
      waiting: MAX_QUEUED,
      waitingOfOneUser: MAX_QUEUED_OF_ONE_USER,
    });
  }

  /** Rate limit on connections that lead to no action, so that one user cannot slow down the others. */
  accepts(credentials: PeerCredentials): boolean {
    const {uid} = credentials;
    if (isTrusted(uid) || this.#fruitless.take(uid)) return true;
    this.#omitted.count(this.#current().names.client(credentials));
    return false;
  }

  onConnection(accepted: Accepted): void {
    const {credentials, path} = accepted;
    const client = this.#current().names.client(credentials);
    const isLogged = isTrusted(credentials.uid) || this.#logged.take(credentials.uid);
    if (!isLogged) this.#omitted.count(client);
    const connection = new Connection(accepted, {client, isLogged}, this);
    this.#current().log.accepted(connection);
    this.#open.add(connection);
    this.#unfinished.add(connection);
    removeClientPath(path, credentials.uid);
  }

  /** The configuration has changed. */
  resize(): void {
    this.#concurrency.resize(this.#current().settings.controls.maxClients.value);
  }

  /** Answer the requests that are complete; connections with an incomplete one are dropped. */
  async close(): Promise<void> {
    for (const connection of this.#open) if (connection.isReading) connection.drop();
    const deadline = new AbortController();
    const late = sleep(CLIENT_TIMEOUT_MS, undefined, {signal: deadline.signal}).catch(() => {});
    await Promise.race([this.#concurrency.idle(), late]);
    await Promise.race([this.#allClosed(), late]);
    deadline.abort();
    for (const connection of this.#open) connection.drop();
    this.#omitted.flush();
  }

  request(connection: Connection, {dialect, message}: Framed<ControlRequest>): void {
    const state = this.#current();
    const {log} = state;
    this.#unfinished.delete(connection);
    if (dialect === 'binary' && isOurClientPath(connection.path)) {
      // Our client sends the same request in JSON on another connection. 1.3.10, too, answers the binary one so and does
      // not run it.
      this.#fruitless.giveBack(connection.caller.uid);
      log.note(
        connection,
        (client) => `not carried out in this dialect for ${client} client, which speaks the other, too`,
      );
      this.#answer(connection, UNSUPPORTED, 'json', false);
      return;
    }
    // 1.3.8 passes empty arguments over, 1.3.10 keeps them (measured).
    const args = dialect === 'binary' ? message.args.filter((arg) => arg !== '') : message.args;
    const request = {...message, args};
    const authorization = authorize(request, connection.caller, state);
    if (authorization.kind === 'refused') {
      const {because, result} = authorization;
      log.untrusted(connection, request);
      if (because !== undefined) log.note(connection, (client) => `${client} client ${because}`);
      this.#answer(connection, result, dialect, false);
    } else {
      this.#queue(connection, authorization.action, request, dialect);
    }
  }

  broken(connection: Connection, error: ProtocolError): void {
    this.#unfinished.delete(connection);
    const {log} = this.#current();
    if (error.code === 'PROTOCOL_MALFORMED') {
      log.invalid(connection);
      this.#answer(connection, UNSUPPORTED, 'json', false);
    } else {
      log.note(connection, () => `error: unable to receive client request: ${error.message}`);
      connection.drop();
    }
  }

  closed(connection: Connection): void {
    this.#unfinished.delete(connection);
    this.#open.delete(connection);
    this.#current().log.closed(connection);
  }

  #queue(connection: Connection, action: Action, request: ControlRequest, dialect: Dialect): void {
    const arrival = performance.now();
    const {uid} = connection.caller;
    // Actions open to everybody who connects are subject to the log's limits, like refusals.
    const isOpen = action.permission === OPEN_ACTION;
    const who = isOpen ? connection : {client: connection.client, isLogged: true};
    const queued = this.#concurrency.run(uid, async (release) => {
      const {authFreshness} = this.#current().settings.controls;
      if (isOpen) this.#current().log.untrusted(who, request);
      else this.#current().log.received(who, request);
      if (performance.now() - arrival > authFreshness.value * 1000) {
        this.#answer(connection, STALE, dialect, false);
        return;
      }
      this.#fruitless.giveBack(uid);
      const result = await this.#run(connection, action, request, release);
      this.#answer(connection, result, dialect, true, who);
    });
    if (queued) return;
    this.#current().log.untrusted(connection, request);
    this.#answer(connection, BLOCKED, dialect, false);
  }

  /**
   * Run the action. An error becomes a result, too.
   * @param release gives up its place in the concurrency limit: called before waiting for a name server
   */
  async #run(
    {caller, client}: Connection,
    action: Action,
    {args, options = {}}: ControlRequest,
    release: () => void,
  ): Promise<ControlResult> {
    const {resolver, ...state} = this.#current();
    const resolve = (name: string) => {
      release();
      return resolver.resolve(name, caller.uid);
    };
    try {
      return await action.run({caller, client, args, release, options}, {...state, hosts: {resolve}});
    } catch (error) {
      return this.#explainFailure(error);
    }
  }

  #explainFailure(error: unknown): ControlResult {
    if (error instanceof FtpdctlError) {
      const status =
        error.exitStatus === -STATUS.WRONG_PARAMETERS ? STATUS.WRONG_PARAMETERS : STATUS.GENERIC_ERROR;
      return failure(status, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    }
    this.#current().log.line(`error: this should not happen: ${(error as Error).stack ?? error}`);
    return failure(STATUS.INTERNAL_ERROR, 'internal error');
  }

  /** @param returned whether an action was run and this is what it came to */
  #answer(
    connection: Connection,
    result: ControlResult,
    dialect: Dialect,
    returned: boolean,
    who: LoggedClient = connection,
  ): void {
    if (this.#open.has(connection)) this.#unfinished.add(connection);
    this.#send(connection, result, dialect, returned, who);
  }

  #send(
    connection: Connection,
    result: ControlResult,
    dialect: Dialect,
    returned: boolean,
    who: LoggedClient = connection,
  ): void {
    this.#current().log.sent(who, result, returned);
    connection.answer(resultFrame(result, dialect, this.#version));
  }

  /**
   * A connection that was evicted. The answer is ProFTPD's to a client that has not written yet; the connection does not
   * count as unfinished again while it is sent, since there may be too many of them.
   */
  #block(connection: Connection): void {
    if (connection.isReading) this.#send(connection, BLOCKED, connection.dialect, false);
    else connection.drop();
  }

  async #allClosed(): Promise<void> {
    while (this.#open.size > 0) await sleep(10);
  }
}

/** Root and the server's own user could end the server anyway: they are not rate-limited. */
function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid!();
}
