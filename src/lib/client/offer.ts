import {type Framed, responseDecoder} from '../protocol/codec.ts';
import type {ControlResponse, Dialect} from '../protocol/message.ts';
import type {Frame} from '../protocol/plan.ts';
import {type ControlsConnection, openConnection} from '../transport/connection.ts';
import {SystemCallError} from '../transport/libc.ts';
import {ClientError} from './errors.ts';
import {isNotExecuted} from './verdict.ts';

/** What became of the offers of one round, each made on a connection of its own. */
export type Round =
  /** One offer was carried out, and this is its answer. */
  | {readonly kind: 'answered'; readonly dialect: Dialect; readonly response: ControlResponse}
  /** The server has said that it carried nothing out; it speaks this dialect. */
  | {readonly kind: 'not-executed'; readonly dialect: Dialect; readonly reason: string}
  /** The server speaks this dialect, which was not among the offers; nothing was carried out. */
  | {readonly kind: 'other-dialect'; readonly dialect: Dialect}
  /** Every connection was closed without a byte. */
  | {readonly kind: 'refused'; readonly dialects: readonly Dialect[]; readonly bound: boolean}
  /** The server's backlog is full, or its poll came between our connect and our write; nothing was sent. */
  | {readonly kind: 'no-slot'};

type Outcome =
  | {readonly kind: 'frame'; readonly offer: Frame; readonly frame: Framed<ControlResponse>}
  | {readonly kind: 'silent'};

/**
 * Frame the same request in one or both dialects at once. A server never carries out a frame of the wrong dialect
 * (measured: 1.3.8 closes without a byte, 1.3.10 answers −7 in JSON; `ftpdctl serve` knows our client by its path and
 * answers it in JSON only), so at most one offer is executed.
 *
 * Fewer offers than asked for are made where a further connection would not be safe or finds no slot: an offer
 * cannot be taken back, since a server reads what was written even after the client has gone.
 *
 * @throws ClientError `ANSWER_LOST` when an answer breaks off or is none; SystemCallError when connecting fails.
 */
export async function makeOffers(
  socketPath: string,
  offers: readonly Frame[],
  signal: AbortSignal,
): Promise<Round> {
  signal.throwIfAborted();
  const made = connectAll(socketPath, offers);
  if (made.length === 0) return {kind: 'no-slot'};
  const closeAll = () => {
    for (const {connection} of made) connection.close();
  };
  signal.addEventListener('abort', closeAll);
  try {
    const round = await firstConclusive(made);
    if (round) return round;
    signal.throwIfAborted();
    return {
      kind: 'refused',
      dialects: made.map(({offer}) => offer.dialect),
      bound: made.every(({connection}) => connection.path !== undefined),
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

interface MadeOffer {
  readonly offer: Frame;
  readonly connection: ControlsConnection;
}

/** How connecting fails where the same may be tried again: the first of connect, the others of the write after it. */
const NOT_SENT = new Set(['EAGAIN', 'EPIPE', 'ECONNRESET']);

/** One connection for each offer; only the first of them throws, since what was written cannot be taken back. */
function connectAll(socketPath: string, offers: readonly Frame[]): MadeOffer[] {
  const made: MadeOffer[] = [];
  for (const offer of offers) {
    try {
      made.push({offer, connection: openConnection(socketPath, offer.bytes, made.length > 0)});
    } catch (error) {
      const isAlone = made.length === 0;
      if (!(error instanceof SystemCallError) || (isAlone && !NOT_SENT.has(error.code))) throw error;
      break;
    }
    // Without its path `ftpdctl serve` cannot tell our client from a stock one, and would carry out both offers.
    if (made.at(-1)?.connection.path === undefined) break;
  }
  return made;
}

async function readAnswer({offer, connection}: MadeOffer): Promise<Outcome> {
  const decoder = responseDecoder();
  let frame: Framed<ControlResponse> | undefined;
  let broken: unknown;
  await connection.read((chunk) => {
    try {
      frame = decoder.push(chunk);
    } catch (error) {
      broken = error;
    }
    return frame !== undefined || broken !== undefined;
  });
  if (frame) return {kind: 'frame', offer, frame};
  if (broken === undefined && decoder.received === 0) return {kind: 'silent'};
  throw new ClientError('ANSWER_LOST', 'the answer of the server broke off or is no answer at all', {
    cause: broken,
    hint: 'the request may have been carried out: look before you send it again',
  });
}

/** The first outcome that settles the round; `undefined` when none does. */
async function firstConclusive(made: readonly MadeOffer[]): Promise<Round | undefined> {
  const offered = made.map(({offer}) => offer.dialect);
  return new Promise((resolve, reject) => {
    let open = made.length;
    for (const one of made) {
      readAnswer(one).then((outcome) => {
        const round = conclude(offered, outcome);
        if (round) resolve(round);
        else if (--open === 0) resolve(undefined);
      }, reject);
    }
  });
}

function conclude(offered: readonly Dialect[], outcome: Outcome): Round | undefined {
  if (outcome.kind === 'silent') return undefined;
  const {dialect, message: response} = outcome.frame;
  if (dialect !== outcome.offer.dialect) {
    return offered.includes(dialect) ? undefined : {kind: 'other-dialect', dialect};
  }
  if (isNotExecuted(response)) return {kind: 'not-executed', dialect, reason: response.responses[0]!};
  return {kind: 'answered', dialect, response};
}
