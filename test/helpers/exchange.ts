import {once} from 'node:events';
import {createConnection, type Socket} from 'node:net';
import {responseDecoder} from '../../src/lib/protocol/codec.ts';
import type {ControlResponse, Dialect} from '../../src/lib/protocol/message.ts';
import {openConnection} from '../../src/lib/transport/sockets/connection.ts';
import {requestFrame} from './frames.ts';

/** What came back on one connection. */
export interface Exchanged {
  readonly bytes: Buffer;

  readonly end: 'eof' | 'reset';
  readonly dialect?: Dialect;
  readonly response?: ControlResponse;
}

/** Connects without a path of its own, writes, and reads to the end. */
export async function exchange(
  socketPath: string,
  bytes: Uint8Array,
  {shutdown = false}: {shutdown?: boolean} = {},
): Promise<Exchanged> {
  const socket = createConnection({path: socketPath, allowHalfOpen: true});
  const chunks: Buffer[] = [];
  let end: Exchanged['end'] = 'eof';
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {
    end = 'reset';
  });
  socket.write(bytes);
  if (shutdown) socket.end();
  socket.on('end', () => socket.end());
  await once(socket, 'close');
  return decoded(Buffer.concat(chunks), end);
}

/** One request in one dialect, from a client without a path. */
export async function ask(
  socketPath: string,
  dialect: Dialect,
  action: string,
  ...args: readonly string[]
): Promise<ControlResponse> {
  const {response} = await exchange(socketPath, requestFrame(dialect, action, ...args));
  if (response === undefined) throw new Error(`no answer to ${action}`);
  return response;
}

/** The same from a client bound as ours are. */
export async function exchangeAsOurs(socketPath: string, bytes: Buffer): Promise<Exchanged> {
  const connection = openConnection(socketPath, bytes);
  const chunks: Buffer[] = [];
  const {kind} = await connection.read((chunk) => {
    chunks.push(chunk);
    return false;
  });
  return decoded(Buffer.concat(chunks), kind === 'closed' ? 'eof' : 'reset');
}

/** Fewer than the kernel lets wait for a server that is in this very process. */
const AT_ONCE = 100;

/** Clients that connect and say nothing. */
export async function silentClients(socketPath: string, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({length: Math.min(AT_ONCE, count - sockets.length)}, () =>
      createConnection(socketPath).on('error', () => {}),
    );
    sockets.push(...batch);
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
  }
  return sockets;
}

function decoded(bytes: Buffer, end: Exchanged['end']): Exchanged {
  const framed = bytes.length === 0 ? undefined : responseDecoder().push(bytes);
  return {bytes, end, ...(framed ? {dialect: framed.dialect, response: framed.message} : {})};
}
