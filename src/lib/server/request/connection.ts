import type {Socket} from 'node:net';
import type {Caller} from '../../acl/names.ts';
import {type Framed, requestDecoder} from '../../protocol/codec.ts';
import {type FrameDecoder, ProtocolError} from '../../protocol/frame.ts';
import {SERVE_REQUEST_BYTES} from '../../protocol/limits.ts';
import type {ControlRequest, Dialect} from '../../protocol/message.ts';
import type {Accepted} from '../../transport/sockets/listener.ts';
import type {LoggedClient} from '../controlsLog.ts';

/** What a connection tells of its client. */
export interface ConnectionEvents {
  /** The request is complete. */
  request(connection: Connection, framed: Framed<ControlRequest>): void;
  /** The bytes are not a request. */
  broken(connection: Connection, error: ProtocolError): void;
  /** The connection is closed. */
  closed(connection: Connection): void;
}

type Decoder = FrameDecoder<Framed<ControlRequest>>;

type State =
  | {readonly kind: 'reading'; readonly decoder: Decoder; dialect: Dialect}
  /** The request is complete, or invalid; the answer has not been sent. */
  | {readonly kind: 'asked'}
  | {readonly kind: 'answering'}
  | {readonly kind: 'closed'};

/** One client: one request, one answer. */
export class Connection implements LoggedClient {
  readonly caller: Caller;
  /** The path the client has bound its own end to; empty when it has none. */
  readonly path: string;
  readonly client: string;
  readonly isLogged: boolean;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  #state: State = {kind: 'reading', decoder: requestDecoder(SERVE_REQUEST_BYTES), dialect: 'json'};

  constructor(
    {socket, credentials, path}: Accepted,
    {client, isLogged}: LoggedClient,
    events: ConnectionEvents,
  ) {
    this.caller = {uid: credentials.uid, gid: credentials.gid};
    this.path = path;
    this.client = client;
    this.isLogged = isLogged;
    this.#socket = socket;
    this.#events = events;
    // A client may well close its sending half before it reads the answer.
    socket.allowHalfOpen = true;
    socket.on('data', (chunk) => {
      this.#recognise(chunk);
      this.#take((decoder) => decoder.push(chunk));
    });
    socket.on('end', () => this.#take((decoder) => decoder.end()));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#state = {kind: 'closed'};
      events.closed(this);
    });
  }

  /** The dialect of an incomplete request; JSON until it is known. */
  get dialect(): Dialect {
    return this.#state.kind === 'reading' ? this.#state.dialect : 'json';
  }

  /** Whether the request is still incomplete. */
  get isReading(): boolean {
    return this.#state.kind === 'reading';
  }

  /** Send the answer, and close once the kernel has taken it. */
  answer(frame: Buffer): void {
    if (this.#state.kind === 'closed') return;
    this.#state = {kind: 'answering'};
    this.#socket.write(frame, () => this.drop());
  }

  /** Close at once. If the client has sent something that was not read, it sees a reset (ECONNRESET). */
  drop(): void {
    this.#socket.destroy();
  }

  /** By the first four bytes; a client that sends them in pieces is recognised when its request is complete. */
  #recognise(chunk: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'reading' || state.decoder.received > 0) return;
    if (chunk.length >= 4 && chunk.readInt32LE() === 0) state.dialect = 'binary';
  }

  #take(read: (decoder: Decoder) => Framed<ControlRequest> | undefined): void {
    const state = this.#state;
    if (state.kind !== 'reading') return;
    const outcome = attempt(() => read(state.decoder));
    if (outcome === undefined) return;
    this.#state = {kind: 'asked'};
    this.#socket.pause();
    if (outcome instanceof ProtocolError) this.#events.broken(this, outcome);
    else this.#events.request(this, outcome);
  }
}

function attempt<T>(read: () => T): T | ProtocolError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}
