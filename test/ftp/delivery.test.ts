import {once} from 'node:events';
import {connect, Socket} from 'node:net';
import {text} from 'node:stream/consumers';
import {describe, expect, onTestFinished, test} from 'vitest';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import {MAX_JOINED_OCTETS} from '../../src/lib/reply/reply.ts';
import {fetchData, openData} from '../helpers/data.ts';
import {startMock} from '../helpers/mock.ts';

const MEGABYTE = 1024 * 1024;

function bigTree(): MemoryTree {
  const tree = new MemoryTree();
  tree.addFile('/big.bin', Buffer.alloc(16 * MEGABYTE));
  return tree;
}

/** Leaves the client in flow, without a listener. */
async function readUntil(client: Socket, wanted: string): Promise<string> {
  let wire = '';
  for (client.resume(); !wire.includes(wanted); ) wire += String((await once(client, 'data'))[0]);
  return wire;
}

/** Counts the answers to STAT that are written, and the octets of them that wait in this process. */
function watchWrites(): {count: number; mostWaiting: number} {
  const seen = {count: 0, mostWaiting: 0};
  const {write} = Socket.prototype;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
    const room = (write as (...all: unknown[]) => boolean).apply(this, args);
    if (String(args[0]).startsWith('211-')) {
      seen.count += 1;
      seen.mostWaiting = Math.max(seen.mostWaiting, this.writableLength);
    }
    return room;
  } as typeof write;
  onTestFinished(() => {
    Socket.prototype.write = write;
  });
  return seen;
}

describe('a session tells the queue', () => {
  test('who it is: nobody until the password, nobody again after REIN', async () => {
    const {mailbox, connect: open, port} = await startMock({classOf: (address) => `from ${address}`});
    const session = await open({localAddress: '127.0.0.9'});
    expect(mailbox.last.identity).toEqual({
      pid: process.pid,
      user: null,
      address: '127.0.0.9',
      host: '127.0.0.9',
      class: 'from 127.0.0.9',
      server: `127.0.0.1#${port}`,
      engine: true,
    });
    await session.command('USER dave');
    expect(mailbox.last.changes).toEqual([]);
    await session.command('PASS x');
    expect(mailbox.last.changes).toEqual([{user: 'dave'}]);
    await session.command('REIN');
    await session.command('NOOP');
    expect(mailbox.last.changes).toEqual([{user: 'dave'}, {user: null}]);
    expect(await session.command('PWD')).toEqual(['530 Please login with USER and PASS']);
  });

  test('of every command, and of its end, once', async () => {
    const {mailbox, login, server} = await startMock();
    const session = await login();
    await session.command('NOOP');
    expect(mailbox.last.commands).toBe(3);
    expect(mailbox.last.ended).toBe(false);
    await session.close();
    await server.close();
    expect(mailbox.last.ended).toBe(true);
    expect(server.size).toBe(0);
  });

  test('of its end with QUIT, not when the client hangs up', async () => {
    const {mailbox, login} = await startMock();
    const session = await login();
    mailbox.last.deliver('one');
    expect(await session.command('QUIT')).toEqual(['221-Goodbye.', '221 one']);
    await expect.poll(() => mailbox.last.ended).toBe(true);
    expect(mailbox.shownTexts).toEqual(['one']);
  });
});

describe('a message', () => {
  test('is reported as shown once, after its reply', async () => {
    const {mailbox, login} = await startMock();
    const session = await login();
    mailbox.last.deliver('one', 'two');
    expect(await session.command('PWD')).toHaveLength(1);
    expect(mailbox.shownTexts).toEqual([]);
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', ' one', '200 two']);
    expect(await session.command('NOOP')).toHaveLength(1);
    await expect.poll(() => mailbox.shownTexts).toEqual(['one', 'two']);
  });

  test('that comes during a transfer joins its 226', async () => {
    const {mailbox, login} = await startMock({tree: bigTree()});
    const session = await login();
    await session.command('TYPE I');
    const data = await openData(session);
    expect(await session.command('RETR big.bin')).toHaveLength(1);
    mailbox.last.deliver('meanwhile');
    data.resume();
    expect(await session.reply()).toEqual(['226-Transfer complete', '226 meanwhile']);
  });

  test('joins the 221 of QUIT, and the connection ends', async () => {
    const {mailbox, login} = await startMock();
    const session = await login();
    mailbox.last.deliver('bye');
    expect(await session.command('QUIT')).toEqual(['221-Goodbye.', '221 bye']);
    await expect(session.reply()).rejects.toThrow('no complete reply: [""]');
    await expect.poll(() => mailbox.shownTexts).toEqual(['bye']);
  });

  test('that nobody took is still pending when the session says goodbye', async () => {
    const {mailbox, login, server} = await startMock();
    const session = await login();
    mailbox.last.deliver('never seen');
    await session.close();
    await server.close();
    expect([mailbox.last.ended, mailbox.last.waiting, mailbox.shownTexts]).toEqual([
      true,
      ['never seen'],
      [],
    ]);
  });

  test('is not reported as shown to a client that has stopped reading', async () => {
    const {mailbox, port, server} = await startMock({timeouts: {login: 2}});
    const client = connect({host: '127.0.0.1', port}).on('error', () => {});
    await once(client, 'connect');
    client.pause();
    // Replies pile up until the kernel takes no more; the mock server holds one reply, not thousands.
    const commands = 'HELP\r\n'.repeat(200_000);
    client.write(commands);
    let before = -1;
    const standsStill = (): boolean => {
      const [earlier, now] = [before, mailbox.last.commands];
      before = now;
      return earlier === now;
    };
    await expect.poll(standsStill, {interval: 50, timeout: 10_000}).toBe(true);
    mailbox.last.deliver('unread');
    await expect.poll(() => mailbox.last.ended, {timeout: 10_000}).toBe(true);
    await expect.poll(() => server.size, {timeout: 10_000}).toBe(0);
    expect(mailbox.shownTexts).toEqual([]);
    client.destroy();
  });

  test.each([
    ['NOOP', 'closes', (client: Socket) => client.destroy()],
    ['NOOP', 'resets', (client: Socket) => client.resetAndDestroy()],
    ['QUIT', 'closes', (client: Socket) => client.destroy()],
    ['QUIT', 'resets', (client: Socket) => client.resetAndDestroy()],
  ])('in the reply to a %s whose client %s without reading is not shown', async (command, _how, hangUp) => {
    const {mailbox, port, server} = await startMock();
    const client = connect({host: '127.0.0.1', port}).on('error', () => {});
    client.write('USER dave\r\nPASS x\r\n');
    await readUntil(client, '230 ');
    mailbox.last.deliver('unread');
    client.write(`${command}\r\n`);
    hangUp(client);
    await expect.poll(() => server.size).toBe(0);
    expect([mailbox.shownTexts, mailbox.last.waiting, mailbox.last.ended]).toEqual([[], ['unread'], true]);
  });

  test('in the reply to a client that has said all it had to say is shown', async () => {
    const {mailbox, port, server} = await startMock();
    const client = connect({host: '127.0.0.1', port, allowHalfOpen: true});
    client.write('USER dave\r\nPASS x\r\n');
    await readUntil(client, '230 ');
    mailbox.last.deliver('read');
    client.end('NOOP\r\nQUIT\r\n');
    await once(client.resume(), 'end');
    await expect.poll(() => server.size).toBe(0);
    expect([mailbox.shownTexts, mailbox.last.ended]).toEqual([['read'], true]);
  });

  test('is written once, however long its acknowledgement takes', async () => {
    const {mailbox, port} = await startMock();
    const client = connect({host: '127.0.0.1', port}).on('error', () => {});
    client.write('USER dave\r\nPASS x\r\n');
    await readUntil(client, '230 ');
    client.pause();
    client.write('HELP\r\n'.repeat(50_000));
    let [before, sent] = [-1, 0];
    const standsStill = (): boolean => {
      const [earlier, now] = [before, mailbox.last.commands];
      before = now;
      mailbox.last.deliver(`message ${++sent};`);
      return earlier === now;
    };
    await expect.poll(standsStill, {interval: 20, timeout: 10_000}).toBe(true);
    client.write('NOOP\r\nQUIT\r\n');
    const wire = await text(client);
    const all = Array.from({length: sent}, (_, n) => `message ${n + 1};`);
    expect(wire.match(/message \d+;/g)).toEqual(all);
    await expect.poll(() => mailbox.shownTexts).toEqual(all);
  });

  test('is spelled for a client that has switched UTF-8 off', async () => {
    const {mailbox, login} = await startMock();
    const session = await login();
    mailbox.last.deliver('hé ☃');
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', '200 hé ☃']);
    await session.command('OPTS UTF8 OFF');
    mailbox.last.deliver('hé ☃');
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', '200 he ?']);
  });

  test('that does not fit beside another waits for the next reply', async () => {
    const {mailbox, login} = await startMock();
    const session = await login();
    mailbox.last.deliver('x'.repeat(MAX_JOINED_OCTETS), 'next');
    expect((await session.command('NOOP')).slice(1).join('').replace(/[^x]/g, '')).toHaveLength(
      MAX_JOINED_OCTETS,
    );
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', '200 next']);
  });
});

describe('commands during a transfer', () => {
  test('ABOR ends it: a 426, then its own 226, then the pipelined rest', async () => {
    const {login, mailbox} = await startMock({tree: bigTree()});
    const session = await login();
    await openData(session);
    await session.command('RETR big.bin');
    mailbox.last.deliver('cut');
    expect(await session.command('ABOR\r\nNOOP')).toEqual([
      '426-Transfer aborted. Data connection closed',
      '426 cut',
    ]);
    expect(await session.reply()).toEqual(['226 Abort successful']);
    expect(await session.reply()).toEqual(['200 NOOP command successful']);
  });

  test('ABOR behind a RETR in one packet ends it before the client has connected', async () => {
    const {login} = await startMock({tree: bigTree()});
    const session = await login();
    await session.command('EPSV');
    expect(await session.command('RETR big.bin\r\nABOR')).toEqual(['426 Transfer aborted']);
    expect(await session.reply()).toEqual(['226 Abort successful']);
  });

  test('STAT is answered at once, without the message', async () => {
    const {login, mailbox} = await startMock({tree: bigTree()});
    const session = await login();
    const data = await openData(session);
    await session.command('RETR big.bin');
    mailbox.last.deliver('later');
    expect((await session.command('STAT'))[4]).toMatch(/^ Data connection: \d+ bytes transferred$/);
    data.resume();
    expect((await session.reply()).at(-1)).toBe('226 later');
  });

  test('STAT after STAT whose answers nobody reads is not answered without end', async () => {
    const {port, login} = await startMock({tree: bigTree()});
    const client = connect({host: '127.0.0.1', port}).on('error', () => {});
    onTestFinished(() => void client.destroy());
    client.write('USER dave\r\nPASS x\r\nEPSV\r\n');
    const answer = await readUntil(client, '229 ');
    const data = connect({host: '127.0.0.1', port: Number(/\|(\d+)\|/.exec(answer)![1])});
    onTestFinished(() => void data.destroy());
    await once(data, 'connect');
    client.write('RETR big.bin\r\n');
    await readUntil(client, '150 ');
    client.pause();
    const written = watchWrites();
    // 40 MB of answers, several times what two kernels hold of them.
    client.write('STAT\r\n'.repeat(160_000));
    let before = -1;
    const standsStill = (): boolean => {
      const earlier = before;
      before = written.count;
      return earlier === before;
    };
    await expect.poll(standsStill, {interval: 50, timeout: 10_000}).toBe(true);
    expect(written.mostWaiting).toBeLessThan(4096);
    const other = await login();
    expect(await other.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('others wait, in order', async () => {
    const {login} = await startMock();
    const session = await login();
    const data = await openData(session);
    data.resume();
    expect(await session.command('LIST\r\nPWD\r\nCWD pub\r\nPWD')).toHaveLength(1);
    expect(await session.reply()).toEqual(['226 Transfer complete']);
    expect(await session.reply()).toEqual(['257 "/" is the current directory']);
    expect(await session.reply()).toEqual(['250 CWD command successful']);
    expect(await session.reply()).toEqual(['257 "/pub" is the current directory']);
    expect((await fetchData(session, 'NLST')).content).toBe('hello.txt\r\nnumbers.txt\r\n');
  });
});
