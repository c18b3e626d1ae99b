import {once} from 'node:events';
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {ControlsClient} from '../../src/lib/client/client.ts';
import {ClientError} from '../../src/lib/client/errors.ts';
import {responseDecoder} from '../../src/lib/protocol/codec.ts';
import {type Bounds, deadline, type Stage} from './bounds.ts';
import {outcomeOf} from './decoder.ts';
import {cut, framesOf} from './frames.ts';

const SERVERS = 4;
const HANG_MS = 10_000;

/** What the client must make of an answer that comes on each of its connections. */
function expectedOf(frame: Buffer): string {
  if (frame.length === 0) return 'NO_ANSWER';
  const outcome = outcomeOf(responseDecoder(), [frame]);
  if (!outcome.startsWith('[')) return 'ANSWER_LOST';
  const [{dialect, message}] = JSON.parse(outcome);
  return JSON.stringify([dialect, message.status, message.responses]);
}

async function outcomeFor(socket: string): Promise<string> {
  try {
    const {dialect, status, responses} = await new ControlsClient({
      socket,
      cache: null,
      timeout: HANG_MS,
    }).request('help');
    return JSON.stringify([dialect, status, responses]);
  } catch (error) {
    if (error instanceof ClientError) return error.code;
    throw error;
  }
}

/** A server that has one answer for every connection, in two pieces. */
class LyingServer {
  pieces: readonly [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  readonly #server = createServer((connection) => {
    const [first, second] = this.pieces;
    connection.on('error', () => {});
    connection.once('data', () => connection.write(first, () => setImmediate(() => connection.end(second))));
  });

  async listen(socket: string): Promise<void> {
    await once(this.#server.listen(socket), 'listening');
  }

  close(): void {
    this.#server.close();
  }
}

/** Clients before servers that lie: they believe what is whole, and give up on the rest, by name and in time. */
export async function fuzzClient(bounds: Bounds): Promise<Stage> {
  const isOver = deadline(bounds);
  const source = framesOf('response', bounds.seed);
  const directory = await mkdtemp(join(tmpdir(), 'ftpdctl-fuzz-'));
  let [frames, believed] = [0, 0];
  let fault: string | undefined;
  const lie = async (socket: string) => {
    const server = new LyingServer();
    await server.listen(socket);
    while (frames < bounds.frames && !isOver() && fault === undefined) {
      const frame = source.next().value as Buffer;
      server.pieces = cut(frame, frames++ % (frame.length + 1));
      const [expected, outcome] = [expectedOf(frame), await outcomeFor(socket)];
      if (outcome.startsWith('[')) believed++;
      if (outcome !== expected) fault ??= `client: ${outcome}, not ${expected}, of ${frame.toString('hex')}`;
    }
    server.close();
  };
  try {
    await Promise.all(Array.from({length: SERVERS}, (_, i) => lie(join(directory, String(i)))));
  } finally {
    await rm(directory, {recursive: true, force: true});
  }
  return {frames, counted: `${frames} lies to a client, ${believed} of them whole`, fault};
}
