import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {buffer} from 'node:stream/consumers';
import {describe, expect, onTestFinished, test} from 'vitest';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {type Mock, startMock} from '../helpers/mock.ts';
import {oracle} from '../helpers/oracle.ts';

type Wire = readonly string[];

interface Case {
  readonly command: string;
  readonly setup: readonly string[];
  readonly logged_in: boolean;
  readonly data: 'pasv' | 'epsv' | 'port' | 'port_refused' | null;
  /** One reply, or (with a data connection) several; a text when the connection ended. */
  readonly without_message: Wire | readonly Wire[] | string;
  readonly with_message: Wire | readonly Wire[] | string;
  readonly then_NOOP: Wire | null;
}

const WAITS = 'a program reads this reply, so the message waits for the next one';
const LOGIN =
  'lftp searches a 530 for reasons to try again, and a 331 may hold a challenge: the message waits';
const OWN_BEHALF =
  'clients send this on their own behalf and hide the reply: the message waits for what the user asked for';
const NOT_THERE = 'the mock server does not have this command';

/** Where the mock server differs from the real server, and why. `wait`: only in that the message joins the next reply. */
const DELIBERATE: Record<string, {readonly only: 'wait' | 'reply'; readonly why: string}> = {
  ...waits(WAITS, ['PWD', 'XPWD', 'SYST', 'SYST before login', 'MKD sub', 'XMKD newdir']),
  ...waits(WAITS, [
    'SIZE file.txt',
    'SIZE nosuch',
    'SIZE sub',
    'SIZE',
    'SIZE file.txt (TYPE I)',
    'SIZE sub (TYPE I)',
  ]),
  ...waits(WAITS, ['MLST nosuch', 'REST 0', 'REST 5', 'REST x', 'REST', 'REST 0 (TYPE I)', 'EPRT x']),
  ...waits(WAITS, [
    'EPRT |2|::1|51210|',
    'LPSV',
    'STAT nosuch',
    'OPTS MLST type;size;',
    'OPTS NOSUCH',
    'OPTS',
  ]),
  ...waits(WAITS, ['LANG xx', 'AUTH TLS', 'AUTH TLS before login', 'PBSZ 0', 'PROT P', 'MIC x']),
  ...waits(WAITS, ['AVBL', 'HASH file.txt', 'XCRC file.txt']),
  ...waits(OWN_BEHALF, [
    'TYPE I',
    'TYPE A',
    'TYPE L 8',
    'TYPE',
    'MODE S',
    'MODE B',
    'MODE Z',
    'MODE',
    'STRU R',
  ]),
  ...waits(OWN_BEHALF, ['ALLO 10', 'ALLO', 'PORT 127,0,0,1,200,10', 'PORT 1,2']),
  ...waits(LOGIN, ['USER as first command', 'PWD before login', 'STAT before login']),
  ...replies('the owner is ftp, the size of a directory 0', ['STAT file.txt', 'STAT sub', 'MLST file.txt']),
  ...replies('the mock server has its own features', ['FEAT', 'FEAT before login', 'HELP', 'SITE HELP']),
  ...replies('UTF8 is switched, as in a ProFTPD with mod_lang', [
    'OPTS UTF8 ON',
    'OPTS UTF8 OFF',
    'OPTS UTF8 ON before login',
  ]),
  ...replies('any password will do', ['PASS wrong (message between USER and PASS)']),
  ...replies('the last chance: the real module loses the message', ['QUIT before login']),
  ...replies(NOT_THERE, [
    'CLNT test',
    'CSID Name=x;',
    'SITE CHGRP ftpu file.txt',
    'HOST localhost before login',
  ]),
  ...replies(NOT_THERE, [
    'MFMT 20200101000000 nosuch',
    'MFF modify=20200101000000; file.txt',
    'RANG 0 1',
    'RANG x',
    'RANG 0 1 (TYPE I)',
  ]),
};

function waits(why: string, names: readonly string[]): typeof DELIBERATE {
  return Object.fromEntries(names.map((name) => [name, {only: 'wait', why}]));
}

function replies(why: string, names: readonly string[]): typeof DELIBERATE {
  return Object.fromEntries(names.map((name) => [name, {only: 'reply', why}]));
}

const {commands, several_messages: several} = oracle<{
  commands: Record<string, Record<string, Case>>;
  several_messages: Record<
    string,
    Record<string, Record<string, {reply?: Wire; replies?: Wire[]; then_NOOP?: Wire}>>
  >;
}>('inject');

/** The directory in which the real server was asked; what a case makes is not there yet. */
function labTree(command: string): MemoryTree {
  const tree = new MemoryTree();
  tree.addFile('/file.txt', 'hello\n');
  tree.addFile('/big.bin', Buffer.alloc(2 * 1024 * 1024, 'b'));
  if (command !== 'MKD sub') tree.addDirectory('/sub');
  return tree;
}

/** Paths, ports and made-up names differ from run to run. */
function normal(wire: string): string {
  return wire
    .replaceAll('{d}/home/{case}/', '/')
    .replaceAll('{d}/home/{case}', '/')
    .replace(/\(127,0,0,1,\d+,\d+\)/, '(127,0,0,1,P)')
    .replace(/\(\|\|\|\d+\|\)/, '(|||P|)')
    .replace(/FILE: ftp\w+/, 'FILE: ftpNAME');
}

const onWire = (lines: Wire): string => lines.map((line) => `${line}\r\n`).join('');

/** Set up the data connection as the case did, before the message came. */
async function prepareData(session: FtpSession, kind: Case['data']): Promise<void> {
  if (kind === 'port' || kind === 'port_refused') {
    const listener = createServer((socket) => socket.on('error', () => {}).end('twelve bytes')).listen(
      0,
      '127.0.0.1',
    );
    await once(listener, 'listening');
    const {port} = listener.address() as {port: number};
    onTestFinished(() => void listener.close());
    await session.command(`PORT 127,0,0,1,${port >> 8},${port & 255}`);
    if (kind === 'port_refused') await new Promise((done) => listener.close(done));
  } else if (kind !== null) {
    const answer = (await session.command(kind === 'pasv' ? 'PASV' : 'EPSV')).join('');
    const pasv = /(\d+),(\d+)\)/.exec(answer);
    const port = pasv ? Number(pasv[1]) * 256 + Number(pasv[2]) : Number(/\|(\d+)\|/.exec(answer)![1]);
    const socket = connect({host: '127.0.0.1', port}).on('error', () => {});
    socket.end('twelve bytes').resume();
    onTestFinished(() => void socket.destroy());
  }
}

async function ready(mock: Mock, {logged_in, setup, data}: Case): Promise<FtpSession> {
  const session = logged_in ? await mock.login() : await mock.connect();
  for (const command of setup) await session.command(command);
  await prepareData(session, data);
  return session;
}

/** All replies to a command: the 1xx too. */
async function allReplies(session: FtpSession, command: string): Promise<string[]> {
  const first = onWire(await session.command(command));
  return first.startsWith('1') ? [first, onWire(await session.reply())] : [first];
}

function expectedReplies(wire: Case['with_message']): string[] {
  const nested = typeof wire === 'string' ? [] : wire.some(Array.isArray) ? (wire as Wire[]) : [wire as Wire];
  return nested.map((lines) => normal(lines.join('')));
}

async function transcript(name: string, given: Case): Promise<{replies: string[]; noop: string | null}> {
  const mock = await startMock({tree: labTree(name)});
  const session = await ready(mock, given);
  mock.mailbox.last.deliver('Hello world');
  const answers = await allReplies(session, given.command);
  const noop = given.then_NOOP === null ? null : onWire(await session.command('NOOP'));
  return {replies: answers.map(normal), noop};
}

const WITH_MESSAGE = '200-NOOP command successful\r\n200 Hello world\r\n';

describe.each(Object.keys(commands))('replies held against ProFTPD %s', (version) => {
  const cases = Object.entries(commands[version]!).filter(([name]) => name !== 'GET / HTTP/1.0');
  // Where the versions differ the mock server follows 1.3.10.
  const settled = cases.filter(([name, given]) => {
    const newer = commands['1.3.10rc5']![name]!;
    return (
      version === '1.3.10rc5' ||
      normal(JSON.stringify(newer.with_message)) === normal(JSON.stringify(given.with_message))
    );
  });

  test.each(settled)('%s', async (name, given) => {
    const {replies: answers, noop} = await transcript(name, given);
    const real = expectedReplies(given.with_message);
    const difference = DELIBERATE[name]?.only;
    if (difference === undefined) {
      expect({answers, noop}).toEqual({answers: real, noop: given.then_NOOP?.join('') ?? null});
    } else if (difference === 'wait') {
      expect({answers, noop}).toEqual({answers: expectedReplies(given.without_message), noop: WITH_MESSAGE});
    } else {
      expect(answers).not.toEqual(real);
    }
  });
});

test('every difference that is listed has its case', () => {
  expect(Object.keys(DELIBERATE).filter((name) => !(name in commands['1.3.10rc5']!))).toEqual([]);
});

test('HTTP is hung up on, as by the real server, and its message is not lost as shown', async () => {
  const {mailbox, login} = await startMock();
  const session = await login();
  mailbox.last.deliver('Hello world');
  await expect(session.command('GET / HTTP/1.0')).rejects.toThrow('no complete reply: [""]');
  expect(mailbox.last.waiting).toEqual(['Hello world']);
});

describe.each(
  Object.keys(several['1.3.10rc5']!),
)('%s in one reply, as ProFTPD 1.3.10 writes them', (count) => {
  const texts = Array.from({length: Number.parseInt(count, 10)}, (_, n) => `Msg ${n + 1}`);
  const given: [string, string, Partial<Case>][] = [
    ['NOOP', 'NOOP', {}],
    ['CWD nosuch', 'CWD nosuch', {}],
    ['PASV', 'PASV', {}],
    ['LIST (PASV)', 'LIST', {data: 'pasv'}],
    ['RETR file.txt (PASV)', 'RETR file.txt', {data: 'pasv'}],
    ['PASS (message between USER and PASS)', 'PASS pw', {logged_in: false, setup: ['USER dave']}],
  ];

  test.each(given)('%s', async (name, command, how) => {
    const mock = await startMock({tree: labTree(name)});
    const session = await ready(mock, {logged_in: true, setup: [], data: null, ...how} as Case);
    mock.mailbox.last.deliver(...texts);
    const real = several['1.3.10rc5']![count]![name]!;
    const expected = (real.replies ?? [real.reply!]).map((lines) => normal(lines.join('')));
    expect((await allReplies(session, command)).map(normal)).toEqual(expected);
    expect(onWire(await session.command('NOOP'))).toBe(real.then_NOOP!.join(''));
  });
});

test('the data of a transfer is what the file holds', async () => {
  const {login} = await startMock({tree: labTree('')});
  const session = await login();
  const [answer] = await session.command('EPSV');
  const socket = connect({host: '127.0.0.1', port: Number(/\|(\d+)\|/.exec(answer!)![1])});
  const content = buffer(socket);
  await allReplies(session, 'RETR file.txt');
  expect((await content).toString()).toBe('hello\r\n');
});
