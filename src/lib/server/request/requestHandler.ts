import {lstat, unlink} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {FtpdctlError} from '../../errors.ts';
import type {Framed} from '../../protocol/codec.ts';
import type {ProtocolError} from '../../protocol/errors.ts';
import type {ControlRequest, Dialect} from '../../protocol/message.ts';
import {STATUS} from '../../protocol/status.ts';
import {isOurClientPath} from '../../transport/clientPath.ts';
import type {Accepted} from '../../transport/listener.ts';
import type {Action, ServerView} from '../actions/action.ts';
import type {Logs} from '../configuration.ts';
import type {ControlsLog} from '../log/controlsLog.ts';
import {BLOCKED, failure, type Reply, replyFrame, STALE, UNSUPPORTED} from '../reply.ts';
import {authorize} from './authorization.ts';
import {ConcurrencyLimit} from './concurrencyLimit.ts';
import {Connection, type ConnectionEvents} from './connection.ts';
import {IdleTimeouts} from './idleTimeouts.ts';

/**
 * Clients that may keep us waiting, with an unfinished request or an answer they do not read. More than the kernel lets
 * wait to be accepted, so that none must go before its request was looked at.
 */
const MAX_UNFINISHED = 256;
/** Milliseconds a client has to send its request, and then to read the answer. */
const PATIENCE = 5000;
/** Requests that may wait for a slot; each has 64 KiB at most. */
const MAX_QUEUED = 512;

/** What is in force: another after each reload. */
export interface ServerState extends ServerView {
  readonly logs: Logs;
  /** On `logs.controls`. */
  readonly log: ControlsLog;
}

/** Receives clients: reads a request, lets it wait for a slot, has it carried out, answers. */
export class RequestHandler implements ConnectionEvents {
  readonly #current: () => ServerState;
  readonly #version: string;
  readonly #open = new Set<Connection>();
  readonly #unfinished = new IdleTimeouts<Connection>(
    {most: MAX_UNFINISHED, patience: PATIENCE},
    (connection) => this.#block(connection),
  );
  readonly #slots: ConcurrencyLimit;

  constructor(current: () => ServerState, version: string) {
    this.#current = current;
    this.#version = version;
    this.#slots = new ConcurrencyLimit(current().settings.controls.maxClients.value, MAX_QUEUED);
  }

  onConnection(accepted: Accepted): void {
    const client = this.#current().names.client(accepted.credentials);
    this.#current().log.accepted(client);
    const connection = new Connection(accepted, client, this);
    this.#open.add(connection);
    this.#unfinished.enter(connection);
    removeClientPath(accepted);
  }

  /** The configuration has changed. */
  resize(): void {
    this.#slots.resize(this.#current().settings.controls.maxClients.value);
  }

  /** Answer what has been asked; who has not finished asking goes without. */
  async close(): Promise<void> {
    for (const connection of this.#open) if (connection.isReading) connection.drop();
    const deadline = new AbortController();
    const late = sleep(PATIENCE, undefined, {signal: deadline.signal}).catch(() => {});
    await Promise.race([this.#slots.idle(), late]);
    await Promise.race([this.#allClosed(), late]);
    deadline.abort();
    for (const connection of this.#open) connection.drop();
  }

  request(connection: Connection, {dialect, message}: Framed<ControlRequest>): void {
    const state = this.#current();
    const {log} = state;
    this.#unfinished.leave(connection);
    if (dialect === 'binary' && isOurClientPath(connection.path)) {
      // It offers the same request in JSON on another connection. So answers 1.3.10, and executes nothing.
      log.line(
        `not carried out in this dialect for ${connection.client} client, which speaks the other, too`,
      );
      this.#answer(connection, UNSUPPORTED, 'json', false);
      return;
    }
    // 1.3.8 passes empty arguments over, 1.3.10 keeps them (measured).
    const args = dialect === 'binary' ? message.args.filter((arg) => arg !== '') : message.args;
    const request = {...message, args};
    log.received(connection.client, request);
    const authorization = authorize(request, connection.caller, state);
    if (authorization.kind === 'refused') {
      if (authorization.because !== undefined)
        log.line(`${connection.client} client ${authorization.because}`);
      this.#answer(connection, authorization.reply, dialect, false);
    } else {
      this.#queue(connection, authorization.action, request, dialect);
    }
  }

  broken(connection: Connection, error: ProtocolError): void {
    this.#unfinished.leave(connection);
    const {log} = this.#current();
    if (error.code === 'PROTOCOL_MALFORMED') {
      log.invalid(connection.client);
      this.#answer(connection, UNSUPPORTED, 'json', false);
    } else {
      log.line(`error: unable to receive client request: ${error.message}`);
      connection.drop();
    }
  }

  closed(connection: Connection): void {
    this.#unfinished.leave(connection);
    this.#open.delete(connection);
    this.#current().log.closed(connection.client);
  }

  #queue(connection: Connection, action: Action, request: ControlRequest, dialect: Dialect): void {
    const arrival = performance.now();
    const queued = this.#slots.run(() => {
      const {authFreshness} = this.#current().settings.controls;
      if (performance.now() - arrival > authFreshness.value * 1000) {
        this.#answer(connection, STALE, dialect, false);
        return undefined;
      }
      const answer = (reply: Reply) => this.#answer(connection, reply, dialect, true);
      const reply = this.#run(connection, action, request);
      return reply instanceof Promise ? reply.then(answer) : void answer(reply);
    });
    if (!queued) this.#answer(connection, BLOCKED, dialect, false);
  }

  /** Carry a request out. Whatever goes wrong there is an answer, too. */
  #run(connection: Connection, action: Action, {args, options = {}}: ControlRequest): Reply | Promise<Reply> {
    const {caller, client} = connection;
    try {
      const reply = action.run({caller, client, args, options}, this.#current());
      return reply instanceof Promise ? reply.catch((error) => this.#explainFailure(error)) : reply;
    } catch (error) {
      return this.#explainFailure(error);
    }
  }

  #explainFailure(error: unknown): Reply {
    if (error instanceof FtpdctlError) {
      const status =
        error.exitStatus === -STATUS.WRONG_PARAMETERS ? STATUS.WRONG_PARAMETERS : STATUS.GENERIC_ERROR;
      return failure(status, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    }
    this.#current().log.line(`error: this should not happen: ${(error as Error).stack ?? error}`);
    return failure(STATUS.INTERNAL_ERROR, 'internal error');
  }

  #answer(connection: Connection, reply: Reply, dialect: Dialect, returned: boolean): void {
    if (this.#open.has(connection)) this.#unfinished.enter(connection);
    this.#send(connection, reply, dialect, returned);
  }

  #send(connection: Connection, reply: Reply, dialect: Dialect, returned: boolean): void {
    this.#current().log.sent(connection.client, reply, returned);
    connection.answer(replyFrame(reply, dialect, this.#version));
  }

  /**
   * It keeps us waiting. The words are those for a client that ProFTPD finds has not written yet; nobody waits for it to
   * read them, since the room may be full of its like.
   */
  #block(connection: Connection): void {
    if (connection.isReading) this.#send(connection, BLOCKED, connection.dialect, false);
    else connection.drop();
  }

  async #allClosed(): Promise<void> {
    while (this.#open.size > 0) await sleep(10);
  }
}

/** The stock clients leave it to the server to remove their sockets (measured). Only what is the client's own. */
async function removeClientPath({path, credentials}: Accepted): Promise<void> {
  if (!/^\/tmp\/ftp\.cl\d+$/.test(path)) return;
  try {
    const file = await lstat(path);
    if (file.isSocket() && file.uid === credentials.uid) await unlink(path);
  } catch {
    // It is gone already, or not ours to remove.
  }
}
