import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {buffer} from 'node:stream/consumers';
import type {FtpSession} from './ftpSession.ts';

/** Ask for a passive port and connect to it. */
export async function openData(session: FtpSession, localAddress = '127.0.0.1'): Promise<Socket> {
  const [answer] = await session.command('EPSV');
  const port = Number(/\|(\d+)\|/.exec(answer!)![1]);
  const socket = connect({host: '127.0.0.1', port, localAddress}).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** RETR, LIST …: what came over the data connection, and the final reply. */
export async function fetchData(
  session: FtpSession,
  command: string,
): Promise<{content: string; reply: string[]}> {
  const socket = await openData(session);
  const content = buffer(socket);
  content.catch(() => {});
  const first = await session.command(command);
  if (!first[0]!.startsWith('1')) {
    socket.destroy();
    return {content: '', reply: first};
  }
  return {content: (await content).toString(), reply: await session.reply()};
}

/** STOR, APPE, STOU: the replies, the 1xx first. */
export async function storeData(session: FtpSession, command: string, content: string): Promise<string[]> {
  const socket = await openData(session);
  const first = await session.command(command);
  if (!first[0]!.startsWith('1')) {
    socket.destroy();
    return first;
  }
  socket.end(content);
  return [...first, ...(await session.reply())];
}
