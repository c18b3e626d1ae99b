import {once} from 'node:events';
import {createServer} from 'node:net';
import {describe, expect, onTestFinished, test, vi} from 'vitest';
import {MockFtpServer} from '../../src/lib/ftp/server.ts';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import {FakeMailbox} from '../helpers/fakeMailbox.ts';
import {freePort} from '../helpers/freePorts.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {LAB, startMock} from '../helpers/mock.ts';

async function endOf(session: FtpSession): Promise<string[]> {
  const reply = await session.reply();
  await expect(session.reply()).rejects.toThrow('no complete reply: [""]');
  return reply;
}

describe('what the control server says', () => {
  test('a session that is kicked hears so, and the others go on', async () => {
    const {login, mailbox, server} = await startMock();
    const kicked = await login();
    const {last} = mailbox;
    const other = await login();
    last.kick();
    expect(await endOf(kicked)).toEqual([
      '421 Session ended by the administrator, closing control connection',
    ]);
    expect(last.ended).toBe(true);
    expect(await other.command('NOOP')).toEqual(['200 NOOP command successful']);
    await kicked.close();
    await expect.poll(() => server.size).toBe(1);
  });

  test('a server that is down takes nobody, and is no session’s', async () => {
    const {port, mailbox, server} = await startMock();
    mailbox.down.add(`127.0.0.1#${port}`);
    const refused = await FtpSession.connect(port);
    expect(refused.greeting).toEqual(['500 Sorry, no server available to handle request on 127.0.0.1']);
    await expect(refused.reply()).rejects.toThrow('no complete reply');
    expect([mailbox.sessions.length, server.size]).toEqual([0, 0]);
    mailbox.down.clear();
    expect((await FtpSession.connect(port)).greeting[0]).toMatch(/^220 /);
  });

  test('is of the server that it names, by the name that the configuration gives it', async () => {
    const {port, mailbox} = await startMock({servers: [{...LAB, controlsName: '192.0.2.1#21'}]});
    mailbox.down.add(`127.0.0.1#${port}`);
    expect((await FtpSession.connect(port)).greeting[0]).toMatch(/^220 /);
    mailbox.down.add('192.0.2.1#21');
    expect((await FtpSession.connect(port)).greeting[0]).toMatch(/^500 /);
  });
});

describe('listening', () => {
  const options = {classOf: () => null, tree: new MemoryTree(), mailbox: new FakeMailbox()};
  const failure = async (address: string, port: number) => {
    const server = new MockFtpServer({...options, beyondLoopback: true, servers: [{...LAB, address, port}]});
    return server.listen().then(
      () => undefined,
      ({name, code, message, hint}) => ({name, code, message, hint}),
    );
  };

  test('where something listens already: the port, and what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const {port} = taken.address() as {port: number};
    expect(await failure('127.0.0.1', port)).toEqual({
      name: 'ListenError',
      code: 'CANNOT_LISTEN',
      message: `cannot listen on 127.0.0.1 port ${port}: address already in use`,
      hint: 'another program listens there: end it, or choose another Port in the configuration',
    });
  });

  test('on an address of another machine: what to look at', async () => {
    expect(await failure('192.0.2.1', 0)).toEqual({
      name: 'ListenError',
      code: 'CANNOT_LISTEN',
      message: 'cannot listen on 192.0.2.1 port 0: address not available',
      hint: 'this machine has no such address: see DefaultAddress and <VirtualHost> in the configuration',
    });
  });

  test.each([
    '0.0.0.0',
    '::',
    '192.0.2.1',
  ])('on %s is open to the network: said before anything is open', async (address) => {
    const port = await freePort();
    const servers = [
      {...LAB, port},
      {...LAB, address},
    ];
    const server = new MockFtpServer({...options, servers});
    await expect(server.listen()).rejects.toMatchObject({
      name: 'ListenError',
      code: 'NOT_LOOPBACK',
      message: `the mock server takes any password, so it does not listen on ${address}`,
      hint: 'DefaultAddress 127.0.0.1, or --beyond-loopback if anybody may log in',
    });
    await expect(FtpSession.connect(port)).rejects.toThrow('ECONNREFUSED');
  });

  test.each(['127.0.0.1', '127.9.9.9', '::1'])('on %s is not', async (address) => {
    const server = new MockFtpServer({...options, servers: [{...LAB, address}]});
    onTestFinished(() => server.close());
    expect(await server.listen()).toEqual([{address, port: expect.any(Number)}]);
  });

  test('servers of one address and port share a socket, where the first one counts', async () => {
    const port = await freePort();
    const servers = ['first', 'second'].map((name) => ({...LAB, port, name}));
    const {connect} = await startMock({servers});
    expect((await connect()).greeting[0]).toContain('(first)');
  });

  test('on any free port opens one for each server', async () => {
    const server = new MockFtpServer({...options, servers: [LAB, {...LAB, name: 'other'}]});
    onTestFinished(() => server.close());
    const [one, other] = await server.listen();
    expect(one!.port).not.toBe(other!.port);
    const greetings = await Promise.all(
      [one, other].map(async (at) => (await FtpSession.connect(at!.port)).greeting[0]),
    );
    expect(greetings).toEqual([expect.stringContaining('(lab)'), expect.stringContaining('(other)')]);
  });

  test('on both wildcards of one port takes both families apart', async () => {
    const port = await freePort();
    const servers = [
      {...LAB, address: '0.0.0.0', port, name: 'four'},
      {...LAB, address: '::', port, name: 'six'},
      {...LAB, address: '::1', port, name: 'loopback'},
    ];
    const {connect} = await startMock({servers, beyondLoopback: true});
    expect((await connect()).greeting[0]).toContain('(four)');
    expect((await connect({host: '::1'})).greeting[0]).toContain('(loopback)');
  });
});

test('of the sessions from one address, those that are left count', async () => {
  const {connect, server} = await startMock({limits: {sessionsPerAddress: 2}});
  const [first] = [await connect(), await connect()];
  await first!.close();
  await expect.poll(() => server.size).toBe(1);
  expect((await connect()).greeting[0]).toMatch(/^220 /);
  expect((await connect()).greeting).toEqual(['421 Too many sessions, try again later']);
});

describe('closing', () => {
  test('again is the same end, and leaves no timer', async () => {
    vi.useFakeTimers({toFake: ['setInterval', 'clearInterval']});
    onTestFinished(() => void vi.useRealTimers());
    const {server, connect} = await startMock();
    const session = await connect();
    expect(vi.getTimerCount()).toBe(1);
    const closing = server.close();
    expect(server.close()).toBe(closing);
    expect(await session.reply()).toEqual(['421 Server shutting down, closing control connection']);
    await session.close();
    await closing;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of a server that nobody has connected to is at once', async () => {
    const {server, port} = await startMock();
    await server.close();
    await expect(FtpSession.connect(port)).rejects.toThrow('ECONNREFUSED');
  });
});

test('sessions are swept each second, more often only for shorter timeouts', async () => {
  vi.useFakeTimers({toFake: ['setInterval', 'clearInterval', 'performance']});
  onTestFinished(() => void vi.useRealTimers());
  const {connect} = await startMock({timeouts: {login: 2, idle: 3, stalled: 0.4}});
  const session = await connect();
  // A quarter of the shortest, but for those of tests.
  vi.advanceTimersByTime(2099);
  expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
  vi.advanceTimersByTime(1);
  expect(await endOf(session)).toEqual(['421 Login timeout (2 seconds): closing control connection']);
});
