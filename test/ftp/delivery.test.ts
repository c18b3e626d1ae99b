import {once} from 'node:events';
import {connect} from 'node:net';
import {describe, expect, test} from 'vitest';
import {MemoryTree} from '../../src/lib/ftp/memoryTree.ts';
import {MAX_JOINED_OCTETS} from '../../src/lib/reply/join.ts';
import {fetchData, openData} from '../helpers/data.ts';
import {startHarness} from '../helpers/harness.ts';

const MEGABYTE = 1024 * 1024;

function bigTree(): MemoryTree {
  const tree = new MemoryTree();
  tree.addFile('/big.bin', Buffer.alloc(16 * MEGABYTE));
  return tree;
}

describe('a session tells the queue', () => {
  test('who it is: nobody until the password, nobody again after REIN', async () => {
    const {mailbox, connect: open, port} = await startHarness({classOf: (address) => `from ${address}`});
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
    const {mailbox, login, server} = await startHarness();
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
    const {mailbox, login} = await startHarness();
    const session = await login();
    mailbox.last.deliver('one');
    expect(await session.command('QUIT')).toEqual(['221-Goodbye.', '221 one']);
    expect(mailbox.last.ended).toBe(true);
  });
});

describe('a message', () => {
  test('is reported as shown once, after its reply', async () => {
    const {mailbox, login} = await startHarness();
    const session = await login();
    mailbox.last.deliver('one', 'two');
    expect(await session.command('PWD')).toHaveLength(1);
    expect(mailbox.shownTexts).toEqual([]);
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', ' one', '200 two']);
    expect(await session.command('NOOP')).toHaveLength(1);
    expect(mailbox.shownTexts).toEqual(['one', 'two']);
  });

  test('that comes during a transfer joins its 226', async () => {
    const {mailbox, login} = await startHarness({tree: bigTree()});
    const session = await login();
    await session.command('TYPE I');
    const data = await openData(session);
    expect(await session.command('RETR big.bin')).toHaveLength(1);
    mailbox.last.deliver('meanwhile');
    data.resume();
    expect(await session.reply()).toEqual(['226-Transfer complete', '226 meanwhile']);
  });

  test('joins the 221 of QUIT, and the connection ends', async () => {
    const {mailbox, login} = await startHarness();
    const session = await login();
    mailbox.last.deliver('bye');
    expect(await session.command('QUIT')).toEqual(['221-Goodbye.', '221 bye']);
    await expect(session.reply()).rejects.toThrow('no complete reply: [""]');
    expect(mailbox.shownTexts).toEqual(['bye']);
  });

  test('that nobody took is still pending when the session says goodbye', async () => {
    const {mailbox, login, server} = await startHarness();
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
    const {mailbox, port, server} = await startHarness({timeouts: {login: 2}});
    const client = connect({host: '127.0.0.1', port}).on('error', () => {});
    await once(client, 'connect');
    client.pause();
    // Replies pile up until the kernel takes no more; the harness holds one reply, not thousands.
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
    expect(mailbox.shownTexts).toEqual([]);
    expect(server.size).toBe(0);
    client.destroy();
  });

  test('is spelled for a client that has switched UTF-8 off', async () => {
    const {mailbox, login} = await startHarness();
    const session = await login();
    mailbox.last.deliver('hé ☃');
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', '200 hé ☃']);
    await session.command('OPTS UTF8 OFF');
    mailbox.last.deliver('hé ☃');
    expect(await session.command('NOOP')).toEqual(['200-NOOP command successful', '200 he ?']);
  });

  test('that does not fit beside another waits for the next reply', async () => {
    const {mailbox, login} = await startHarness();
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
    const {login, mailbox} = await startHarness({tree: bigTree()});
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
    const {login} = await startHarness({tree: bigTree()});
    const session = await login();
    await session.command('EPSV');
    expect(await session.command('RETR big.bin\r\nABOR')).toEqual(['426 Transfer aborted']);
    expect(await session.reply()).toEqual(['226 Abort successful']);
  });

  test('STAT is answered at once, without the message', async () => {
    const {login, mailbox} = await startHarness({tree: bigTree()});
    const session = await login();
    const data = await openData(session);
    await session.command('RETR big.bin');
    mailbox.last.deliver('later');
    expect((await session.command('STAT'))[4]).toMatch(/^ Data connection: \d+ bytes transferred$/);
    data.resume();
    expect((await session.reply()).at(-1)).toBe('226 later');
  });

  test('others wait, in order', async () => {
    const {login} = await startHarness();
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
