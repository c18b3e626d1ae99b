import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {text} from 'node:stream/consumers';
import fc from 'fast-check';
import {describe, expect, onTestFinished, test, vi} from 'vitest';
import {MockFtpServer} from '../../src/lib/ftp/server.ts';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import {openData} from '../helpers/data.ts';
import {FakeMailbox} from '../helpers/fakeMailbox.ts';
import {freePort} from '../helpers/freePorts.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {LAB, startMock} from '../helpers/mock.ts';

/** The mock server ends the connection by itself. */
async function ended(session: FtpSession): Promise<string[]> {
  const reply = await session.reply();
  await expect(session.reply()).rejects.toThrow('no complete reply');
  return reply;
}

describe('timeouts', () => {
  test('login', async () => {
    const {connect: open} = await startMock({timeouts: {login: 0.1}});
    expect(await ended(await open())).toEqual([
      '421 Login timeout (0.1 seconds): closing control connection',
    ]);
  });

  test('idle', async () => {
    const {login} = await startMock({timeouts: {idle: 0.1}});
    expect(await ended(await login())).toEqual([
      '421 Idle timeout (0.1 seconds): closing control connection',
    ]);
  });

  test('a passive port that nobody comes to', async () => {
    const {login} = await startMock({timeouts: {stalled: 0.1}});
    const session = await login();
    await session.command('EPSV');
    expect(await session.command('LIST')).toEqual([
      '425 Unable to build data connection: Connection timed out',
    ]);
    expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('an upload that stands still', async () => {
    const {login} = await startMock({timeouts: {stalled: 0.1}});
    const session = await login();
    const data = await openData(session);
    data.write('half of');
    expect(await session.command('STOR x')).toHaveLength(1);
    expect(await session.reply()).toEqual(['426 Transfer aborted: data connection stalled']);
  });

  test('a client that does not hang up is hung up on', async () => {
    const {port, server} = await startMock({timeouts: {login: 0.1}});
    const client = connect({host: '127.0.0.1', port, allowHalfOpen: true}).on('error', () => {});
    await once(client.resume(), 'end');
    await expect.poll(() => server.size, {timeout: 10_000}).toBe(0);
    client.destroy();
  });
});

describe('the clock', () => {
  const tick = async (): Promise<void> => {
    await vi.advanceTimersByTimeAsync(1000);
  };

  test('of the day set forward or back ends nobody', async () => {
    vi.useFakeTimers({toFake: ['Date', 'setInterval', 'clearInterval']});
    onTestFinished(() => void vi.useRealTimers());
    const {login} = await startMock();
    const session = await login();
    for (const change of [3_600_000, -86_400_000]) {
      vi.setSystemTime(Date.now() + change);
      await tick();
      expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
    }
  });

  test('that counts is the one that nobody sets', async () => {
    vi.useFakeTimers({toFake: ['performance', 'setInterval', 'clearInterval']});
    onTestFinished(() => void vi.useRealTimers());
    const {login} = await startMock({timeouts: {idle: 10}});
    const session = await login();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(await ended(session)).toEqual(['421 Idle timeout (10 seconds): closing control connection']);
  });
});

describe('sessions', () => {
  test('are limited in all', async () => {
    const {connect: open, port, mailbox} = await startMock({limits: {sessions: 1}});
    await open();
    const second = await FtpSession.connect(port);
    expect(second.greeting).toEqual(['421 Too many sessions, try again later']);
    expect(mailbox.sessions).toHaveLength(1);
  });

  test('are limited by address, and one that ends makes room', async () => {
    const {connect: open, server} = await startMock({limits: {sessionsPerAddress: 1}});
    const first = await open();
    expect((await open()).greeting[0]).toMatch(/^421 /);
    expect((await open({localAddress: '127.0.0.2'})).greeting[0]).toMatch(/^220 /);
    await first.close();
    await expect.poll(() => server.size).toBe(1);
    expect((await open()).greeting[0]).toMatch(/^220 /);
  });

  test('belong to the server whose address was called', async () => {
    const mailbox = new FakeMailbox();
    const [a, b] = ['127.0.0.1', '127.0.0.2'].map((address) => ({
      ...LAB,
      address,
      name: `at ${address}`,
      engine: address === '127.0.0.1',
    }));
    const {port} = await startMock({servers: [a!], mailbox});
    const server = new MockFtpServer({
      servers: [{...b!, port}],
      classOf: () => null,
      tree: new MemoryTree(),
      mailbox,
    });
    await server.listen();
    await FtpSession.connect(port, {host: '127.0.0.2'});
    expect(mailbox.last.identity).toMatchObject({server: `127.0.0.2#${port}`, engine: false});
    await FtpSession.connect(port);
    expect(mailbox.last.identity).toMatchObject({server: `127.0.0.1#${port}`, engine: true});
    await server.close();
  });

  test('on one wildcard socket are told apart by the called address', async () => {
    const port = await freePort();
    const servers = [
      {...LAB, address: '127.0.0.2', port, name: 'second', engine: false},
      {...LAB, address: '0.0.0.0', port, name: 'main'},
    ];
    const {connect: open, mailbox} = await startMock({servers, beyondLoopback: true});
    expect((await open({host: '127.0.0.2'})).greeting[0]).toContain('(second)');
    expect(mailbox.last.identity).toMatchObject({server: `127.0.0.2#${port}`, engine: false});
    expect((await open()).greeting[0]).toContain('(main)');
    expect(mailbox.last.identity.server).toBe(`0.0.0.0#${port}`);
  });
});

describe('listening', () => {
  const options = {classOf: () => null, tree: new MemoryTree(), mailbox: new FakeMailbox()};

  test('beyond loopback only when told to', async () => {
    const server = new MockFtpServer({...options, servers: [{...LAB, address: '0.0.0.0'}]});
    await expect(server.listen()).rejects.toMatchObject({code: 'NOT_LOOPBACK', exitStatus: 1});
  });

  test('on a port in use is an error, and leaves nothing open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const {port} = taken.address() as {port: number};
    const free = await freePort();
    const server = new MockFtpServer({
      ...options,
      servers: [
        {...LAB, port: free},
        {...LAB, port},
      ],
    });
    await expect(server.listen()).rejects.toMatchObject({
      code: 'CANNOT_LISTEN',
      message: expect.stringContaining('address already in use'),
    });
    await expect(FtpSession.connect(free)).rejects.toThrow('ECONNREFUSED');
    await new Promise((done) => taken.close(done));
  });

  test('over IPv6, where PASV gives way to EPSV', async () => {
    const {connect: open, mailbox} = await startMock({servers: [{...LAB, address: '::1'}]});
    const session = await open({host: '::1'});
    await session.login('dave');
    expect(mailbox.last.identity.address).toBe('::1');
    expect((await session.command('PASV'))[0]).toMatch(/^425 /);
    expect((await session.command('EPSV 2'))[0]).toMatch(/^229 /);
    expect((await session.command('EPSV 1'))[0]).toBe('522 Network protocol not supported, use (2)');
  });
});

test('closing says 421 to every session, ends transfers, and waits for all', async () => {
  const tree = new MemoryTree();
  tree.addFile('/big.bin', Buffer.alloc(16 * 1024 * 1024));
  const {server, login, connect: open, mailbox} = await startMock({tree});
  const [idle, busy] = [await open(), await login()];
  const data = await openData(busy);
  await busy.command('RETR big.bin');
  mailbox.last.deliver('too late');
  const closed = server.close();
  const farewell = ['421 Server shutting down, closing control connection'];
  expect([await idle.reply(), await busy.reply()]).toEqual([farewell, farewell]);
  await closed;
  expect([server.size, mailbox.shownTexts, mailbox.last.waiting]).toEqual([0, [], ['too late']]);
  data.destroy();
});

describe('whatever a peer sends', () => {
  test('a command that is too long is refused, and the session goes on', async () => {
    const {login, mailbox} = await startMock();
    const session = await login();
    mailbox.last.deliver('waits');
    expect(await session.command(`CWD ${'x'.repeat(10_000)}`)).toEqual(['500 Command too long']);
    expect(await session.command('PWD')).toEqual(['257 "/" is the current directory']);
    expect((await session.command('NOOP')).at(-1)).toBe('200 waits');
  });

  test('a packet full of line ends holds up nobody else', async () => {
    const {login, connect: open} = await startMock();
    const [flooder, other] = [await open(), await login()];
    const lines = 64 * 1024;
    const flooded = flooder.command('\n'.repeat(lines));
    expect(await flooded).toEqual(['500 Invalid command: try being more creative']);
    expect(await other.command('NOOP')).toEqual(['200 NOOP command successful']);
    // It has been answered between two of the flooder's lines, not behind all of them.
    expect(flooder.waitingLines).toBeLessThan(lines / 2);
  });

  test.each([
    'PASV',
    'EPSV',
  ])('a client that hangs up while a transfer waits for its %s leaves no session behind', async (passive) => {
    const {login, mailbox, server} = await startMock();
    const session = await login();
    await session.command(passive);
    await session.sendAndClose('LIST');
    await expect.poll(() => [server.size, mailbox.last.ended]).toEqual([0, true]);
  });

  test('a client that hangs up in the middle of a download leaves no session behind', async () => {
    const tree = new MemoryTree();
    tree.addFile('/big.bin', Buffer.alloc(16 * 1024 * 1024));
    const {login, mailbox, server} = await startMock({tree});
    const session = await login();
    const data = await openData(session);
    await session.command('RETR big.bin');
    await session.close();
    await expect.poll(() => [server.size, mailbox.last.ended]).toEqual([0, true]);
    data.destroy();
  });

  test.each([
    ['far too long', Buffer.from(`STAT ${'x'.repeat(10_000)}\r\n`), '500 Command too long'],
    ['no UTF-8', Buffer.from('STAT \xe9\r\n', 'latin1'), '450 \ufffd: No such file or directory'],
  ])('during a transfer a line that is %s waits for its turn', async (_what, line, answer) => {
    const {login} = await startMock();
    const session = await login();
    const data = await openData(session);
    await session.command('STOR x');
    session.send(line);
    expect((await session.command('STAT'))[0]).toMatch(/^211-/);
    data.end('all');
    expect(await session.reply()).toEqual(['226 Transfer complete']);
    expect(await session.reply()).toEqual([answer]);
    expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('a client that is slow gets its last reply whole, and is then let go', async () => {
    const {port, server, mailbox} = await startMock({timeouts: {login: 1}});
    const client = connect({host: '127.0.0.1', port, allowHalfOpen: true}).on('error', () => {});
    await once(client.resume(), 'data');
    client.pause();
    await expect.poll(() => mailbox.last.ended, {timeout: 10_000}).toBe(true);
    expect(server.size).toBe(1);
    const wire = await text(client);
    expect(wire).toBe('421 Login timeout (1 seconds): closing control connection\r\n');
    client.end();
    await expect.poll(() => server.size).toBe(0);
  });

  test('garbage, cut connections and half-open ones leave the mock server as it was', async () => {
    await noSocketIsOpen();
    const {port, server, connect: open} = await startMock();
    const verbs = fc.constantFrom(
      'USER a',
      'PASS',
      'PASV',
      'EPSV',
      'LIST',
      'RETR welcome.txt',
      'STOR x',
      'REST 9',
      'ABOR',
      'QUIT',
      'REIN',
      'STAT',
      'MLSD /',
      'PORT 127,0,0,1,0,21',
      'EPRT ||||',
      'EPRT |1|',
      'OPTS',
      'SITE CHMOD 9 9',
      'TYPE',
      'TYPE L',
      'HELP HELP',
      'RNTO x',
    );
    const piece = fc.oneof(
      fc.uint8Array({maxLength: 40}).map((octets) => Buffer.from(octets)),
      verbs.map((verb) => Buffer.from(`${verb}\r\n`)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, {maxLength: 12}),
        fc.constantFrom('end', 'reset', 'destroy'),
        async (pieces, how) => {
          const socket = connect({host: '127.0.0.1', port, allowHalfOpen: true})
            .on('error', () => {})
            .resume();
          await once(socket, 'connect');
          socket.write('USER a\r\nPASS b\r\n');
          for (const octets of pieces) socket.write(octets);
          if (how === 'end') socket.end();
          else if (how === 'reset') socket.resetAndDestroy();
          else socket.destroy();
        },
      ),
      {numRuns: 100},
    );
    const session = await open();
    expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
    await session.close();
    await server.close();
    expect(server.size).toBe(0);
    await noSocketIsOpen();
  });

  test('a session that is cut in the middle of a command leaves no port open', async () => {
    await noSocketIsOpen();
    const {port, server} = await startMock();
    for (const command of ['EPSV', 'PASV\r\nSTOR x', 'PASV\r\nLIST', 'LIST', 'RETR welcome.txt']) {
      for (const cut of ['220', '331', '230', '227', '229', '150', '425']) {
        const socket = connect({host: '127.0.0.1', port}).on('error', () => {});
        socket.setTimeout(50, () => socket.resetAndDestroy());
        socket.on('data', (wire) => {
          if (wire.includes(cut)) socket.resetAndDestroy();
        });
        socket.write(`USER a\r\nPASS b\r\n${command}\r\n`);
        await once(socket, 'close');
      }
    }
    await server.close();
    await noSocketIsOpen();
  });

  test('commands and an end in one packet are all answered', async () => {
    const {port} = await startMock();
    const socket = connect({host: '127.0.0.1', port, allowHalfOpen: true}).setEncoding('utf8');
    let wire = '';
    socket.on('data', (text: string) => {
      wire += text;
    });
    socket.end('USER a\r\nPASS b\r\nPWD\r\n');
    await once(socket, 'end');
    expect(wire.split('\r\n').map((line) => line.slice(0, 3))).toEqual(['220', '331', '230', '257', '']);
  });
});

/** Neither listeners nor connections, in all of this process. */
async function noSocketIsOpen(): Promise<void> {
  const open = (): string[] => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
  await expect.poll(open, {timeout: 5000}).toEqual([]);
}
