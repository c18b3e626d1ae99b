import {type Framed, responseDecoder} from '../protocol/codec.ts';
import type {ControlResponse, Dialect} from '../protocol/message.ts';
import type {Frame} from '../protocol/plan.ts';
import {SystemCallError} from '../transport/libc.ts';
import {type ControlsConnection, openConnection} from '../transport/sockets/connection.ts';
import {ClientError} from './errors.ts';
import {isNotExecuted} from './verdict.ts';

/** What became of one attempt: the same request in one or both dialects, each on a connection of its own. */
export type AttemptResult =
  /** One frame was carried out, and this is its answer. */
  | {readonly kind: 'answered'; readonly dialect: Dialect; readonly response: ControlResponse}
  /** The server has said that it carried nothing out; it speaks this dialect. */
  | {readonly kind: 'not-executed'; readonly dialect: Dialect; readonly reason: string}
  /** The server speaks this dialect, which was not tried; nothing was carried out. */
  | {readonly kind: 'other-dialect'; readonly dialect: Dialect}
  /** Every connection was closed without a byte. */
  | {readonly kind: 'refused'; readonly dialects: readonly Dialect[]; readonly bound: boolean}
  /** The server's backlog is full, or its poll came between our connect and our write; nothing was sent. */
  | {readonly kind: 'no-slot'};

type Outcome =
  | {readonly kind: 'answer'; readonly sent: Frame; readonly answer: Framed<ControlResponse>}
  | {readonly kind: 'silent'};

/**
 * Send the same request in one or both dialects at once. A server never carries out a frame of the wrong dialect
 * (measured: 1.3.8 closes without a byte, 1.3.10 answers −7 in JSON; `ftpdctl serve` knows our client by its path and
 * answers it in JSON only), so at most one frame is executed.
 *
 * Fewer frames than given are sent where a further connection would not be safe or finds no slot: a frame cannot be
 * taken back, since a server reads what was written even after the client has gone.
 *
 * @param onSent called when something was sent, with the dialects of it
 * @param block milliseconds that the event loop may stand still for the first answer
 * @throws ClientError `ANSWER_LOST` when an answer breaks off or is none; SystemCallError when connecting fails.
 */
export async function attempt(
  socketPath: string,
  frames: readonly Frame[],
  signal: AbortSignal,
  onSent: (dialects: readonly Dialect[]) => void = () => {},
  block = 0,
): Promise<AttemptResult> {
  signal.throwIfAborted();
  const sent = sendAll(socketPath, frames);
  if (sent.length === 0) return {kind: 'no-slot'};
  const closeAll = () => {
    for (const {connection} of sent) connection.close();
  };
  signal.addEventListener('abort', closeAll);
  try {
    onSent(sent.map(({frame}) => frame.dialect));
    if (block > 0) sent[0]!.connection.block(block);
    const result = await firstConclusive(sent);
    if (result) return result;
    signal.throwIfAborted();
    return {
      kind: 'refused',
      dialects: sent.map(({frame}) => frame.dialect),
      bound: sent.every(({connection}) => connection.path !== undefined),
    };
  } catch (error) {
    // Closing breaks off an answer that has begun.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', closeAll);
    closeAll();
  }
}

interface SentFrame {
  readonly frame: Frame;
  readonly connection: ControlsConnection;
}

/** How connecting fails where the same may be tried again: the first of connect, the others of the write after it. */
const NOT_SENT = new Set(['EAGAIN', 'EPIPE', 'ECONNRESET']);

/** One connection for each frame; only the first of them throws, since what was written cannot be taken back. */
function sendAll(socketPath: string, frames: readonly Frame[]): SentFrame[] {
  const sent: SentFrame[] = [];
  for (const frame of frames) {
    const isFirst = sent.length === 0;
    try {
      const connection = openConnection(socketPath, frame.bytes, !isFirst);
      sent.push({frame, connection});
      // Without its path `ftpdctl serve` cannot tell our client from a stock one, and would carry out both frames.
      if (connection.path === undefined) break;
    } catch (error) {
      if (!(error instanceof SystemCallError) || (isFirst && !NOT_SENT.has(error.code))) throw error;
      break;
    }
  }
  return sent;
}

async function readAnswer({frame, connection}: SentFrame): Promise<Outcome> {
  const decoder = responseDecoder();
  let answer: Framed<ControlResponse> | undefined;
  let broken: unknown;
  await connection.read((chunk) => {
    try {
      answer = decoder.push(chunk);
    } catch (error) {
      broken = error;
    }
    return answer !== undefined || broken !== undefined;
  });
  if (answer) return {kind: 'answer', sent: frame, answer};
  if (decoder.received === 0) return {kind: 'silent'};
  throw new ClientError('ANSWER_LOST', 'the answer of the server broke off or is no answer at all', {
    cause: broken,
    hint: 'the request may have been carried out: look before you send it again',
  });
}

/** The first outcome that settles the attempt; `undefined` when none does. */
async function firstConclusive(sent: readonly SentFrame[]): Promise<AttemptResult | undefined> {
  const tried = sent.map(({frame}) => frame.dialect);
  return new Promise((resolve, reject) => {
    let open = sent.length;
    for (const one of sent) {
      readAnswer(one).then((outcome) => {
        const result = conclude(tried, outcome);
        if (result) resolve(result);
        else if (--open === 0) resolve(undefined);
      }, reject);
    }
  });
}

function conclude(tried: readonly Dialect[], outcome: Outcome): AttemptResult | undefined {
  if (outcome.kind === 'silent') return undefined;
  const {dialect, message: response} = outcome.answer;
  if (dialect !== outcome.sent.dialect) {
    return tried.includes(dialect) ? undefined : {kind: 'other-dialect', dialect};
  }
  if (isNotExecuted(response)) return {kind: 'not-executed', dialect, reason: response.responses[0]!};
  return {kind: 'answered', dialect, response};
}
