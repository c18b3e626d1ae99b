import {setTimeout as sleep} from 'node:timers/promises';
import type {ControlRequest, ControlResponse, Dialect} from '../../src/lib/protocol/message.ts';
import {judgeClientPath, removeClientPath} from './clientPath.ts';
import {readRequest, responseFrame} from './frames.ts';
import type {HeldConnection} from './heldConnection.ts';

/** What a scripted server does with one connection. When it returns, the connection is closed. */
export type Behaviour = (connection: HeldConnection) => Promise<void>;

/**
 * What becomes of a request in the right dialect. A response, or raw bytes in its place, means that it was carried
 * out; a behaviour (`hang`, `reset`, `blocked` …) that it was not.
 */
export type Answer = ControlResponse | Uint8Array | Behaviour;

/** One response for everything, or an answer for each request. */
export type Respond = ControlResponse | ((request: ControlRequest) => Answer);

/** How `speak` differs from the plain daemon. */
export interface SpeakOptions {
  /** JSON only: reset clients that are not bound as 1.3.10 wants it, with `/tmp/ftp.cl<digits>`. Default true. */
  readonly checkClientPath?: boolean;
}

const POLL_MS = 2;
const HEADER = 4;
const PLENTY = 65_536;

/** "blocked connection", as the dialect's daemon says it. Nothing is carried out. */
export const BLOCKED: Readonly<Record<Dialect, ControlResponse>> = {
  binary: {status: -1, responses: ['blocked connection']},
  json: {status: -8, responses: ['blocked connection']},
};

/** What 1.3.10 says to a client that has waited too long. Nothing is carried out. */
export const STALE: ControlResponse = {status: -1, responses: ['error: stale connection']};

const UNSUPPORTED: ControlResponse = {status: -7, responses: ['unsupported action requested']};

/** Never answers, and never closes before the server stops. */
export const hang: Behaviour = async (connection) => {
  while (connection.open) await sleep(POLL_MS);
};

/** Reads the request and closes without a byte: the client sees a plain end. */
export const closeSilently: Behaviour = async (connection) => {
  await drain(connection);
};

/** Closes with bytes of the request unread: the client sees "connection reset". As an answer: a plain end, all being read. */
export const reset: Behaviour = async (connection) => {
  await written(connection);
};

/** Reads whatever comes and writes these pieces, each in a write of its own. */
export function send(...pieces: readonly Uint8Array[]): Behaviour {
  return async (connection) => {
    await drain(connection);
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await sleep(POLL_MS);
      await connection.write(piece);
    }
  };
}

/** Says "blocked connection" once the client has written, so that its write does not fail first. */
export function blocked(dialect: Dialect): Behaviour {
  return refuse(dialect, BLOCKED[dialect]);
}

/** Says "error: stale connection" as 1.3.10 does, once the client has written. */
export const stale: Behaviour = refuse('json', STALE);

/** The same, later. */
export function after(milliseconds: number, behaviour: Behaviour): Behaviour {
  return async (connection) => {
    await sleep(milliseconds);
    await behaviour(connection);
  };
}

/**
 * Waits for a request and answers it as that dialect's daemon: like 1.3.8 (`binary`), which resets a JSON client, or
 * like 1.3.10 (`json`), which answers −7 to a binary one. A request must be there whole when its first bytes are.
 */
export function speak(dialect: Dialect, respond: Respond, options: SpeakOptions = {}): Behaviour {
  return admitted(dialect, options, async (connection) => {
    await serve(connection, dialect, await header(connection), respond);
  });
}

/** As `speak`, without waiting: a client that has not written is told "blocked connection". */
export function speakNow(dialect: Dialect, respond: Respond, options: SpeakOptions = {}): Behaviour {
  return admitted(dialect, options, async (connection) => {
    const first = connection.take(HEADER);
    if (first === null) await connection.write(responseFrame(dialect, BLOCKED[dialect]));
    else await serve(connection, dialect, first, respond);
  });
}

function refuse(dialect: Dialect, response: ControlResponse): Behaviour {
  return async (connection) => {
    await written(connection);
    await connection.write(responseFrame(dialect, response));
  };
}

function admitted(dialect: Dialect, {checkClientPath = true}: SpeakOptions, behaviour: Behaviour): Behaviour {
  return async (connection) => {
    const {clientPath} = connection;
    const verdict = dialect === 'json' && checkClientPath ? judgeClientPath(clientPath) : 'well';
    if (verdict === 'refused') return reset(connection);
    if (verdict === 'stale') return stale(connection);
    removeClientPath(clientPath);
    await behaviour(connection);
  };
}

async function serve(
  connection: HeldConnection,
  dialect: Dialect,
  first: Buffer,
  respond: Respond,
): Promise<void> {
  const reading = readRequest(dialect, first, (count) => connection.take(count) ?? Buffer.alloc(0));
  if (reading.kind === 'malformed') return;
  if (reading.kind === 'unsupported') return connection.write(responseFrame(dialect, UNSUPPORTED));

  const answer = typeof respond === 'function' ? respond(reading.request) : respond;
  if (typeof answer === 'function') return answer(connection);
  connection.executed = reading.request;
  await connection.write(answer instanceof Uint8Array ? answer : responseFrame(dialect, answer));
}

/** The first bytes the client sends; empty when it leaves without. */
async function header(connection: HeldConnection): Promise<Buffer> {
  while (connection.open) {
    const bytes = connection.take(HEADER);
    if (bytes !== null) return bytes;
    await sleep(POLL_MS);
  }
  return Buffer.alloc(0);
}

/** Waits for the client to write, unless it has and these bytes were read. */
async function written(connection: HeldConnection): Promise<void> {
  if (connection.received.length === 0) await header(connection);
}

async function drain(connection: HeldConnection): Promise<void> {
  await written(connection);
  while (connection.take(PLENTY)?.length) {
    // The next one may be waiting already.
  }
}
