import {createConnection} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {requestDecoder, responseDecoder} from '../../src/lib/protocol/codec.ts';
import {SERVE_REQUEST_BYTES} from '../../src/lib/protocol/limits.ts';
import {ask} from '../../test/helpers/exchange.ts';
import {type Bounds, deadline, type Stage} from './bounds.ts';
import {outcomeOf} from './decoder.ts';
import {cut, framesOf} from './frames.ts';
import {ServeProgram} from './serveProgram.ts';

const CLIENTS = 4;
/** A server that has not closed by then hangs: it has all it will ever get. */
const HANG_MS = 10_000;

/** Send two pieces, a turn of the loop apart, close this half and read to the end. */
async function exchange(
  socketPath: string,
  [first, second]: readonly [Buffer, Buffer],
): Promise<{answer: Buffer; cutOff: boolean}> {
  const socket = createConnection({path: socketPath, allowHalfOpen: true});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server hangs up on what it will not read. A write that comes too late loses Node what it has not read yet.
  let cutOff = false;
  socket.on('error', () => {
    cutOff = true;
  });
  socket.on('end', () => socket.end());
  socket.write(first, () => setImmediate(() => (second.length > 0 ? socket.end(second) : socket.end())));
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  const timer = new AbortController();
  const hung = sleep(HANG_MS, false, {signal: timer.signal, ref: false}).catch(() => false);
  const ended = await Promise.race([closed, hung]);
  timer.abort();
  socket.destroy();
  if (!ended) throw new Error('the server does not close');
  return {answer: Buffer.concat(chunks), cutOff};
}

/** What is wrong with an answer: a request that is whole has one, in its dialect; nothing else has more than one. */
function faultIn(frame: Buffer, {answer, cutOff}: {answer: Buffer; cutOff: boolean}): string | undefined {
  const request = outcomeOf(requestDecoder(SERVE_REQUEST_BYTES), [frame]);
  const response = answer.length === 0 ? '' : outcomeOf(responseDecoder(), [answer]);
  if (response !== '' && !(response.startsWith('[') && response.endsWith(',""]')))
    return `answered ${response}`;
  if (!request.startsWith('[') || (cutOff && answer.length === 0)) return undefined;
  const [{dialect}] = JSON.parse(request);
  return response.startsWith(`[{"dialect":"${dialect}"`) ? undefined : `a whole request answered ${response}`;
}

/** A live control server: each connection ends, whole requests are answered, and it still serves afterwards. */
export async function fuzzServer(bounds: Bounds): Promise<Stage> {
  const isOver = deadline(bounds);
  const source = framesOf('request', bounds.seed);
  const running = await ServeProgram.start();
  let [frames, answered] = [0, 0];
  let fault: string | undefined;
  const client = async () => {
    while (frames < bounds.frames && !isOver() && fault === undefined) {
      const frame = source.next().value as Buffer;
      const pieces = cut(frame, frames++ % (frame.length + 1));
      try {
        const exchanged = await exchange(running.socket, pieces);
        if (exchanged.answer.length > 0) answered++;
        const wrong = faultIn(frame, exchanged);
        if (wrong) throw new Error(wrong);
      } catch (error) {
        const sent = pieces.map((piece) => piece.toString('hex')).join(' ');
        fault ??= `server: ${(error as Error).message} to ${sent}`;
      }
    }
  };
  try {
    await Promise.all(Array.from({length: CLIENTS}, client));
    const {status} = await ask(running.socket, 'json', 'lsctrl');
    if (status !== 0) fault ??= `server: lsctrl afterwards: ${status}`;
    if (running.ended) fault ??= 'server: it has ended';
  } catch (error) {
    fault ??= `server: lsctrl afterwards: ${(error as Error).message}`;
  } finally {
    await running.stop();
  }
  return {frames, counted: `${frames} sent to a server, ${answered} answered`, fault};
}
