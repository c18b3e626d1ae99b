import type {Socket} from 'node:net';
import {posix} from 'node:path';
import {type Readable, Transform, type Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {type Reply, reply} from '../../reply/reply.ts';
import {DataSender} from '../data/dataSender.ts';
import {RunningTransfer} from '../data/runningTransfer.ts';
import type {Handler, Session, TransferRange} from '../session.ts';
import {resolvePath, TreeError, type WriteMode} from '../tree/tree.ts';
import {bytes, takeRange} from './parameters.ts';
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
    session.state.octets += transfer.octets;
  }
}

export const retrieve: Handler = async (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  const range = takeRange(session);
  if (argument === '') return reply(500, "'RETR' not understood");
  return replyForPath(argument, async () => {
    const size = await sizeOf(session, path);
    if (range.offset > size) return reply(554, `${range.kind}: invalid ${argument} argument`);
    const length = Math.min(size - range.offset, range.kind === 'RANG' ? range.length : size);
    const content = await session.tree.read(path, range.offset, range.kind === 'RANG' ? length : undefined);
    return discarding(content, () =>
      overDataConnection(session, opening(session, argument, length), (socket, signal) =>
        pipeline([content, ...(session.state.type === 'A' ? [toNetwork()] : []), new DataSender(socket)], {
          signal,
        }),
      ),
    );
  });
};

/** From beyond the end on nothing is stored: what lies between would be nobody's. */
export const store: Handler = (session, argument) => {
  const range = takeRange(session);
  if (argument === '') return reply(500, "'STOR' not understood");
  const otherwise: WriteMode = {kind: 'replace'};
  return storeAt(session, argument, range, range.offset > 0 ? {kind: 'at', offset: range.offset} : otherwise);
};

/** After REST it is a STOR from there, as ProFTPD has it. */
export const append: Handler = (session, argument) => {
  const range = takeRange(session);
  if (argument === '') return reply(500, "'APPE' not understood");
  if (range.kind === 'RANG') return reply(550, 'APPE incompatible with RANG');
  const otherwise: WriteMode = {kind: 'append'};
  return storeAt(session, argument, range, range.offset > 0 ? {kind: 'at', offset: range.offset} : otherwise);
};

/** RFC 1123 §4.1.2.9: the name is in the 150, as `FILE: name`. */
export const storeUnique: Handler = (session) => {
  const {kind, offset} = takeRange(session);
  if (kind === 'RANG' || offset > 0) return reply(550, `STOU incompatible with ${kind}`);
  const name = `ftp${Math.random().toString(36).slice(2, 8)}`;
  return receive(session, name, {kind: 'new'}, `FILE: ${name}`);
};

function storeAt(session: Session, name: string, range: TransferRange, mode: WriteMode): Promise<Reply> {
  return replyForPath(name, async () => {
    const size = await sizeOf(session, resolvePath(session.state.workingDirectory, name), 0);
    if (range.offset > size) return reply(554, `${range.kind}: invalid ${name} argument`);
    const length = range.kind === 'RANG' ? range.length : undefined;
    return receive(session, name, mode, opening(session, name, length));
  });
}

/** Bytes of a file. A link that leads nowhere is none; `absent` is what a file has that is not there yet. */
async function sizeOf({tree}: Session, path: string, absent?: number): Promise<number> {
  try {
    const {kind, size} = await tree.facts(path);
    if (kind !== 'file') throw new TreeError('ENOTREG');
    return size;
  } catch (error) {
    if (!(error instanceof TreeError) || !['ENOENT', 'ELOOP'].includes(error.code)) throw error;
    const own = await tree.ownFacts(path).catch(() => undefined);
    if (own !== undefined) throw new TreeError('ENOTREG', error);
    if (absent === undefined) throw error;
    await tree.facts(posix.dirname(path));
    return absent;
  }
}

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

/** The name as the client wrote it. Of nothing no size is told. */
export function opening(session: Session, name: string, size = 0): string {
  const mode = session.state.type === 'A' ? 'ASCII' : 'BINARY';
  return `Opening ${mode} mode data connection for ${name}${size > 0 ? ` (${bytes(size)})` : ''}`;
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
