import {once} from 'node:events';
import {createConnection} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {requestDecoder, responseDecoder} from '../../src/lib/protocol/codec.ts';
import {SERVE_REQUEST_BYTES} from '../../src/lib/protocol/limits.ts';
import {OPEN, startControlsServer} from '../../test/helpers/controlsServer.ts';
import {ask} from '../../test/helpers/exchange.ts';
import {type Bounds, deadline, type Stage} from './bounds.ts';
import {outcomeOf} from './decoder.ts';
import {cut, framesOf} from './frames.ts';

const CLIENTS = 4;
/** A server that has not closed by then hangs: it has all it will ever get. */
const HANG_MS = 10_000;

/** Send two pieces, a turn of the loop apart, close this half and read to the end. */
async function exchange(socketPath: string, [first, second]: readonly [Buffer, Buffer]): Promise<Buffer> {
  const socket = createConnection({path: socketPath, allowHalfOpen: true});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server may hang up on what it will not read.
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.write(first, () => setImmediate(() => socket.end(second)));
  const closed = once(socket, 'close').then(() => true);
  const timer = new AbortController();
  const hung = sleep(HANG_MS, false, {signal: timer.signal, ref: false}).catch(() => false);
  const ended = await Promise.race([closed, hung]);
  timer.abort();
  socket.destroy();
  if (!ended) throw new Error('the server does not close');
  return Buffer.concat(chunks);
}

/** What is wrong with an answer: a request that is whole has one, in its dialect; nothing else has more than one. */
function faultIn(frame: Buffer, answer: Buffer): string | undefined {
  const request = outcomeOf(requestDecoder(SERVE_REQUEST_BYTES), [frame]);
  const response = answer.length === 0 ? '' : outcomeOf(responseDecoder(), [answer]);
  if (response !== '' && !(response.startsWith('[') && response.endsWith(',""]')))
    return `answered ${response}`;
  if (!request.startsWith('[')) return undefined;
  const [{dialect}] = JSON.parse(request);
  return response.startsWith(`[{"dialect":"${dialect}"`) ? undefined : `a whole request answered ${response}`;
}

/** A live control server: each connection ends, whole requests are answered, and it still serves afterwards. */
export async function fuzzServer(bounds: Bounds): Promise<Stage> {
  const isOver = deadline(bounds);
  const source = framesOf('request', bounds.seed);
  const running = await startControlsServer(OPEN);
  let [frames, answered] = [0, 0];
  let fault: string | undefined;
  const client = async () => {
    while (frames < bounds.frames && !isOver() && fault === undefined) {
      const frame = source.next().value as Buffer;
      const pieces = cut(frame, frames++ % (frame.length + 1));
      try {
        const answer = await exchange(running.socket, pieces);
        if (answer.length > 0) answered++;
        const wrong = faultIn(frame, answer);
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
  } catch (error) {
    fault ??= `server: lsctrl afterwards: ${(error as Error).message}`;
  } finally {
    await running.stop();
  }
  return {frames, counted: `${frames} sent to a server, ${answered} answered`, fault};
}
