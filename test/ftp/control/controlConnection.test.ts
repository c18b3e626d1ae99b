import {once} from 'node:events';
import {createServer, type Socket} from 'node:net';
import {afterEach, beforeEach, describe, expect, onTestFinished, test, vi} from 'vitest';
import {ControlConnection} from '../../../src/lib/ftp/control/controlConnection.ts';
import type {MockTimeouts} from '../../../src/lib/ftp/options.ts';
import {MemoryTree} from '../../../src/lib/ftp/tree/memoryTree.ts';
import type {FileTree} from '../../../src/lib/ftp/tree/tree.ts';
import {FakeMailbox} from '../../helpers/fakeMailbox.ts';
import {FtpSession} from '../../helpers/ftpSession.ts';
import {LAB} from '../../helpers/mock.ts';

const TIMEOUTS: MockTimeouts = {login: 300, idle: 600, stalled: 100};
const LINGER_MS = 2000;

// The clock stands still, but for what the sweep is told.
beforeEach(() => void vi.useFakeTimers({toFake: ['performance']}));
afterEach(() => void vi.useRealTimers());

interface Connected {
  readonly session: FtpSession;
  readonly control: ControlConnection;
  readonly socket: Socket;
  readonly mailbox: FakeMailbox;
  /** How often its end was told. */
  readonly ends: () => number;
  /** What `-v` shows. */
  readonly trace: string[];
  /** The sweep, this many milliseconds from now. */
  sweepIn(milliseconds: number): void;
}

/** A control connection without a server around it: its clock is the sweep's argument. */
async function open(tree: FileTree = MemoryTree.sample()): Promise<Connected> {
  const listener = createServer({allowHalfOpen: true}).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => void listener.close());
  const mailbox = new FakeMailbox();
  let ends = 0;
  const trace: string[] = [];
  const accepted = once(listener, 'connection').then(([socket]: Socket[]) => {
    onTestFinished(() => void socket!.destroy());
    const control = new ControlConnection({
      socket: socket!,
      server: LAB,
      peerAddress: '127.0.0.1',
      localAddress: '127.0.0.1',
      tree,
      mailbox: mailbox.register({} as never),
      onEnd: () => ends++,
      trace: (line) => trace.push(line),
    });
    return {control, socket: socket!};
  });
  const session = await FtpSession.connect((listener.address() as {port: number}).port);
  onTestFinished(() => session.close());
  const {control, socket} = await accepted;
  const now = performance.now();
  const sweepIn = (milliseconds: number) => control.sweep(now + milliseconds, TIMEOUTS);
  return {session, control, socket, mailbox, ends: () => ends, trace, sweepIn};
}

const goesOn = async ({session}: Connected) =>
  expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);

describe('the sweep', () => {
  test('ends who has not logged in in time, whatever else was said', async () => {
    const connected = await open();
    const {session, sweepIn} = connected;
    await session.command('USER dave');
    sweepIn(TIMEOUTS.login * 1000);
    await goesOn(connected);
    sweepIn(TIMEOUTS.login * 1000 + 1);
    expect(await session.reply()).toEqual(['421 Login timeout (300 seconds): closing control connection']);
  });

  test('ends who has logged in and says nothing, and no sooner', async () => {
    const connected = await open();
    const {session, sweepIn} = connected;
    await session.login('dave');
    sweepIn(TIMEOUTS.idle * 1000);
    await goesOn(connected);
    sweepIn(TIMEOUTS.idle * 1000 + 1);
    expect(await session.reply()).toEqual(['421 Idle timeout (600 seconds): closing control connection']);
  });

  test('lets a transfer go on that goes on, and ends one that stands still', async () => {
    const connected = await open();
    const {session, sweepIn} = connected;
    await session.login('dave');
    await session.command('EPSV');
    const waiting = session.command('LIST');
    await expect.poll(() => connected.control.transfer).not.toBeNull();
    sweepIn(TIMEOUTS.idle * 1000 * 10);
    sweepIn(TIMEOUTS.idle * 1000 * 10 + TIMEOUTS.stalled * 1000);
    expect(connected.control.transfer?.reason).toBeNull();
    sweepIn(TIMEOUTS.idle * 1000 * 10 + TIMEOUTS.stalled * 1000 + 1);
    expect(await waiting).toEqual(['425 Unable to build data connection: Connection timed out']);
    await goesOn(connected);
  });

  test('hangs up on a client that has been told goodbye, when it has had time to read it', async () => {
    const {control, socket, sweepIn, mailbox, ends} = await open();
    control.end();
    expect([mailbox.last.ended, ends()]).toEqual([true, 0]);
    sweepIn(LINGER_MS);
    expect(socket.destroyed).toBe(false);
    sweepIn(LINGER_MS + 1);
    expect(socket.destroyed).toBe(true);
    await expect.poll(ends).toBe(1);
  });
});

describe('an end', () => {
  test('is told once, with one farewell, and with nothing behind it', async () => {
    const {control, session, mailbox, ends} = await open();
    control.end({code: 421, lines: ['first']} as never);
    control.end({code: 421, lines: ['second']} as never);
    expect(await session.reply()).toEqual(['421 first']);
    await expect(session.command('NOOP')).rejects.toThrow('no complete reply: [""]');
    await expect.poll(ends).toBe(1);
    expect(mailbox.last.ended).toBe(true);
  });

  test('leaves no message as shown that was not written', async () => {
    const {control, mailbox, session} = await open();
    mailbox.last.deliver('late');
    session.send(Buffer.from('NOOP\r\n'));
    control.end();
    await expect(session.reply()).rejects.toThrow('no complete reply');
    expect([mailbox.last.waiting, mailbox.shownTexts]).toEqual([['late'], []]);
  });

  test('by an error of the connection is the end of the session', async () => {
    const {socket, mailbox, ends} = await open();
    socket.emit('error', new Error('ECONNRESET'));
    await expect.poll(ends).toBe(1);
    expect(mailbox.last.ended).toBe(true);
  });
});

test.each([
  'CONNECT',
  'DELETE',
  'get',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
])('the HTTP request %s is hung up on without a word', async (verb) => {
  const {session, ends} = await open();
  await session.login('dave');
  await expect(session.command(`${verb} / HTTP/1.1\r\nNOOP`)).rejects.toThrow('no complete reply: [""]');
  await expect.poll(ends).toBe(1);
});

describe('a command', () => {
  test('that goes wrong here is answered, and the session goes on', async () => {
    const broken = {
      ...MemoryTree.sample(),
      facts: () => {
        throw new TypeError('a fault of ours');
      },
      list: async () => {
        throw new TypeError('a fault of ours');
      },
    } as unknown as FileTree;
    const connected = await open(broken);
    await connected.session.login('dave');
    const answers = [await connected.session.command('SIZE x'), await connected.session.command('CWD pub')];
    for (const [answer] of answers) expect(answer).toMatch(/^[45]5\d /);
    await goesOn(connected);
  });

  test.each([
    ['', '500 Invalid command: try being more creative'],
    ['nosuch', '500 NOSUCH not understood'],
    ['pwd', '530 Please login with USER and PASS'],
    [' noop', '500 Invalid command: try being more creative'],
    ['noop', '200 NOOP command successful'],
    ['user', '500 USER: command requires a parameter'],
  ])('%j before the login: %s', async (line, answer) => {
    const {session} = await open();
    expect(await session.command(line)).toEqual([answer]);
  });

  test('keeps RNFR until RNTO, and takes little else meanwhile', async () => {
    const {session} = await open();
    await session.login('dave');
    expect((await session.command('RNFR welcome.txt'))[0]).toMatch(/^350 /);
    expect((await session.command('NOOP'))[0]).toMatch(/^200 /);
    expect(await session.command('CWD pub')).toEqual(['501 Bad sequence of commands']);
    expect((await session.command('RNTO other.txt'))[0]).toMatch(/^250 /);
    expect((await session.command('RNTO welcome.txt'))[0]).toMatch(/^503 /);
    await session.command('RNFR other.txt');
    expect(await session.command('LIST')).toEqual(['501 Bad sequence of commands']);
    expect((await session.command('RNTO welcome.txt'))[0]).toMatch(/^503 /);
  });

  test('takes as much of its line as there is behind the first space', async () => {
    const {session} = await open();
    await session.login('dave');
    await session.command('MKD  a b ');
    expect(await session.command('CWD  a b ')).toEqual(['250 CWD command successful']);
    expect(await session.command('PWD')).toEqual(['257 "/ a b " is the current directory']);
  });

  test('is activity, each of them', async () => {
    const {session, mailbox} = await open();
    await session.command('NOOP');
    await session.command('nosuch');
    expect(mailbox.last.commands).toBe(2);
  });
});

test('REIN leaves nothing of who it was: no login, no directory, no rename', async () => {
  const {session, control, mailbox} = await open();
  await session.login('dave');
  await session.command('CWD pub');
  await session.command('TYPE I');
  await session.command('REST 5');
  await session.command('EPSV ALL');
  await session.command('REIN');
  expect(control.state).toMatchObject({
    login: {kind: 'none'},
    workingDirectory: '/',
    type: 'A',
    range: {kind: 'REST', offset: 0},
    renameFrom: null,
    epsvOnly: false,
  });
  expect(mailbox.last.changes.at(-1)).toEqual({user: null});
});

test('what is said is told with -v, but no password, however it is spelled', async () => {
  const {session, trace, ends} = await open();
  await session.command('user dave');
  await session.command('pAsS secret word');
  await session.command('HELP NOOP');
  await session.command('QUIT');
  await expect.poll(ends).toBe(1);
  expect(trace).toEqual([
    'connected',
    '< 220 ftpdctl mock FTP server (lab), any password will do [127.0.0.1]',
    '> user dave',
    '< 331 Password required for dave',
    '> PASS ***',
    '< 230 User dave logged in',
    '> HELP NOOP',
    expect.stringMatching(/^< 214 Syntax: NOOP/),
    '> QUIT',
    '< 221 Goodbye.',
    'closed',
  ]);
});

test('a transfer that a client asks for as it hangs up is not waited for', async () => {
  const {session, ends, mailbox, socket} = await open();
  await session.login('dave');
  await session.command('EPSV');
  // Its end has come when the NOOP is answered.
  socket.unshift(Buffer.from('NOOP\r\nLIST\r\n'));
  socket.push(null);
  await expect.poll(ends).toBe(1);
  expect(mailbox.last.ended).toBe(true);
});
