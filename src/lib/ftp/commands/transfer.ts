import type {Socket} from 'node:net';
import {posix} from 'node:path';
import {type Readable, Transform, type Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {type Reply, reply} from '../../reply/reply.ts';
import {RunningTransfer} from '../data/runningTransfer.ts';
import type {Handler, Session} from '../session.ts';
import {resolvePath, TreeError, type WriteMode} from '../tree/tree.ts';
import {replyForPath} from './paths.ts';

export type Carry = (socket: Socket, signal: AbortSignal) => Promise<void>;

/** Open the data connection, say so, carry the octets, close it. Every reply but the 150 is returned. */
export async function overDataConnection(
  session: Session,
  opening: string,
  carry: Carry,
  onTreeError = transferProblem,
): Promise<Reply> {
  const transfer = new RunningTransfer();
  session.begin(transfer);
  let socket: Socket | null = null;
  try {
    socket = await session.dataPort.open(transfer.signal);
    transfer.opened(socket);
    await session.preliminary(reply(150, opening));
    await carry(socket, transfer.signal);
    return reply(226, 'Transfer complete');
  } catch (error) {
    return socket === null ? notOpened(transfer, error) : brokenOff(transfer, error, onTreeError);
  } finally {
    socket?.destroy();
    session.useDataPort(null);
    session.transfer = null;
    session.state.restart = 0;
  }
}

export const retrieve: Handler = async (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  const offset = session.state.restart;
  return replyForPath(argument, async () => {
    const {kind, size} = await session.tree.facts(path);
    if (kind !== 'file') throw new TreeError('ENOTREG');
    if (offset > size) return reply(554, `${argument}: cannot restart beyond the end of the file`);
    const content = await session.tree.read(path, offset);
    return discarding(content, () =>
      overDataConnection(session, opening(session, argument, size - offset), (socket, signal) =>
        pipeline([content, ...(session.state.type === 'A' ? [toNetwork()] : []), socket], {signal}),
      ),
    );
  });
};

export const store: Handler = (session, argument) => {
  const mode: WriteMode =
    session.state.restart > 0 ? {kind: 'at', offset: session.state.restart} : {kind: 'replace'};
  return receive(session, argument, mode, opening(session, argument));
};

export const append: Handler = (session, argument) =>
  receive(session, argument, {kind: 'append'}, opening(session, argument));

/** RFC 1123 §4.1.2.9: the name is in the 150, as `FILE: name`. */
export const storeUnique: Handler = (session) => {
  const name = `ftp${Math.random().toString(36).slice(2, 8)}`;
  return receive(session, name, {kind: 'new'}, `FILE: ${name}`);
};

function receive(session: Session, name: string, mode: WriteMode, text: string): Promise<Reply> {
  return replyForPath(name, async () => {
    const file = await session.tree.write(resolvePath(session.state.workingDirectory, name), mode);
    return discarding(file, () =>
      overDataConnection(session, text, (socket, signal) =>
        pipeline([socket, ...(session.state.type === 'A' ? [fromNetwork()] : []), file], {signal}),
      ),
    );
  });
}

/** A stream that no transfer came to take hold of must not keep its file open. */
async function discarding<T>(stream: Readable | Writable, act: () => Promise<T>): Promise<T> {
  stream.on('error', () => {});
  try {
    return await act();
  } finally {
    stream.destroy();
  }
}

function opening(session: Session, name: string, size?: number): string {
  const mode = session.state.type === 'A' ? 'ASCII' : 'BINARY';
  const octets = size === undefined ? '' : ` (${size} bytes)`;
  return `Opening ${mode} mode data connection for ${posix.basename(name)}${octets}`;
}

function notOpened(transfer: RunningTransfer, error: unknown): Reply {
  if (transfer.reason === 'ABOR') return reply(426, 'Transfer aborted');
  const why = transfer.reason === 'stalled' ? 'Connection timed out' : connectProblem(error);
  return reply(425, `Unable to build data connection: ${why}`);
}

function connectProblem(error: unknown): string {
  const code = (error as {code?: unknown} | null)?.code;
  return code === 'ECONNREFUSED' ? 'Connection refused' : String(code ?? 'Connection failed');
}

type OnTreeError = (problem: TreeError) => Reply;

function brokenOff(transfer: RunningTransfer, error: unknown, onTreeError: OnTreeError): Reply {
  if (transfer.reason === 'stalled') return reply(426, 'Transfer aborted: data connection stalled');
  if (transfer.reason !== null) return reply(426, 'Transfer aborted. Data connection closed');
  if (isConnectionProblem(error)) return reply(426, 'Transfer aborted. Data connection closed');
  return onTreeError(TreeError.from(error));
}

function transferProblem({code, message}: TreeError): Reply {
  return reply(code === 'ENOSPC' ? 552 : 451, `Transfer aborted: ${message}`);
}

const CONNECTION_CODES = [
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
  'ERR_STREAM_DESTROYED',
];

function isConnectionProblem(error: unknown): boolean {
  return CONNECTION_CODES.includes(String((error as {code?: unknown} | null)?.code));
}

const CR = 0x0d;
const LF = 0x0a;

/** RFC 959 §3.1.1.1: a line ends with CR LF on the wire, and with LF in the file; one that has its CR keeps it. */
export function toNetwork(): Transform {
  let afterCr = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = `${afterCr ? '\r' : ''}${chunk.toString('latin1')}`.replace(/(?<!\r)\n/g, '\r\n');
      done(null, Buffer.from(afterCr ? text.slice(1) : text, 'latin1'));
      afterCr = text.endsWith('\r');
    },
  });
}

export function fromNetwork(): Transform {
  let heldBack = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const octets = heldBack ? Buffer.concat([Buffer.of(CR), chunk]) : chunk;
      heldBack = octets.at(-1) === CR;
      const whole = heldBack ? octets.subarray(0, -1) : octets;
      done(null, withoutCarriageReturns(whole));
    },
    flush(done) {
      done(null, heldBack ? Buffer.of(CR) : undefined);
    },
  });
}

function withoutCarriageReturns(octets: Buffer): Buffer {
  const lines = Buffer.allocUnsafe(octets.length);
  let length = 0;
  for (let at = 0; at < octets.length; at++) {
    if (octets[at] === CR && octets[at + 1] === LF) continue;
    lines[length++] = octets[at]!;
  }
  return lines.subarray(0, length);
}
