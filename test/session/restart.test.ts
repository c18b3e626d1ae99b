import {spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {CHECK_INTERVAL_MS, MAX_WAITING_MESSAGES} from '../../src/lib/session/limits.ts';
import type {Mailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {type QueueOptions, SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';
import {spawnTs, type TsProcess} from '../helpers/spawnTs.ts';
import {settled} from './settled.ts';
import {ALL, identity, logOf, ROOT} from './support.ts';

const MAILBOX = join(import.meta.dirname, 'mailboxChild.ts');
const QUEUE = join(import.meta.dirname, 'queueChild.ts');

let directory: string;
let queuePath: string;
let queue: SessionQueue | undefined;
let log: string[];
let children: TsProcess[];
let mailboxes: Mailbox[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'restart-'));
  queuePath = join(directory, 'queue');
  queue = undefined;
  children = [];
  mailboxes = [];
});

afterEach(async () => {
  queue?.close();
  for (const mailbox of mailboxes) await mailbox.close();
  for (const child of children) await child.kill();
  rmSync(directory, {recursive: true, force: true});
});

function open(options: QueueOptions = {}): SessionQueue {
  queue = SessionQueue.open(queuePath, options);
  log = logOf(queue);
  return queue;
}

/** The next server, however the one before it has ended. */
function reopen(options: QueueOptions = {}): SessionQueue {
  queue?.close();
  return open(options);
}

function mailbox(): Mailbox {
  const opened = openMailbox({queuePath});
  mailboxes.push(opened);
  return opened;
}

async function spawn(file: string, ...args: string[]): Promise<TsProcess> {
  const child = await spawnTs(file, args);
  children.push(child);
  await child.next();
  return child;
}

async function known(count: number): Promise<void> {
  await vi.waitFor(() => expect(queue!.sessions()).toHaveLength(count), 5000);
}

/** So many that the kernel holds no more: what follows waits in the server. */
function congest(server: SessionQueue, user: string): void {
  for (let n = 0; n < MAX_WAITING_MESSAGES - 1; n++) server.deliver({kind: 'user', name: user}, 'x', ROOT);
}

describe('a message of the server before', () => {
  it('counts all of its recipients, those included whose mailbox has never had it', async () => {
    const first = open();
    const session = mailbox().register(identity());
    const slow = await spawn(MAILBOX, queuePath, '2');
    await known(3);
    slow.child.kill('SIGSTOP');
    congest(first, 'user1');
    const {id} = first.deliver(ALL, 'to three', ROOT);
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));

    const second = reopen({answerTimeout: 10});
    session.shown([id]);
    await vi.waitFor(() => expect(second.receipt(id)).toMatchObject({recipients: 3, shown: 1, unknown: 2}));
    expect(second.unanswered).toBe(1);
    expect(log.join()).not.toContain('unknown');

    slow.child.kill('SIGCONT');
    await vi.waitFor(() => expect(log).toContain(`${id} unknown: 2`));
    expect(second.unanswered).toBe(0);
    expect(second.receipt(id)).toMatchObject({recipients: 3, shown: 1, waiting: 0, unknown: 2});
  });

  it('takes in a mailbox that answers when all others are done with it', async () => {
    const first = open();
    const session = mailbox().register(identity());
    const late = await spawn(MAILBOX, queuePath, '1');
    await known(2);
    const {id} = first.deliver(ALL, 'to two', ROOT);
    await vi.waitFor(() => expect(first.receipt(id)).toMatchObject({taken: 2}));
    late.child.kill('SIGSTOP');
    const second = reopen({answerTimeout: 10});
    session.shown([id]);
    await vi.waitFor(() => expect(second.receipt(id)).toMatchObject({shown: 1, waiting: 0, unknown: 1}));
    late.child.kill('SIGCONT');
    await vi.waitFor(() => expect(second.receipt(id)).toMatchObject({waiting: 1, unknown: 0}));
    await late.ask('show');
    expect(await settled(second, id)).toMatchObject({recipients: 2, shown: 2, lost: 0});
    expect(log.filter((line) => line.startsWith(`${id} shown to`))).toHaveLength(2);
    expect(log.join()).not.toContain('unknown');
  });

  it('stays shown, and is not logged again, where the server before has written that down', async () => {
    const first = open();
    const session = mailbox().register(identity());
    await known(1);
    const {id} = first.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    session.shown([id]);
    await settled(first, id);
    // What is acknowledged before the next message is acknowledged when that one has come.
    first.deliver(ALL, 'next', ROOT);
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    const second = reopen();
    await vi.waitFor(() => expect(second.receipt(id)).toMatchObject({recipients: 1, shown: 1, waiting: 0}));
    expect(log.join()).not.toContain(`${id} shown`);
  });

  it('is told again as long as nothing was written down', async () => {
    const first = open();
    first.recorded = () => new Promise(() => {});
    const session = mailbox().register(identity());
    await known(1);
    const {id} = first.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    session.shown([id]);
    session.goodbye();
    await settled(first, id);
    const second = reopen();
    await vi.waitFor(() => expect(log).toContain(`${id} shown to ${session.id}`));
    expect(second.receipt(id)).toMatchObject({recipients: 1, shown: 1});
    await vi.waitFor(() => expect(second.sessions()).toEqual([]));
  });

  it('counts a session once, however often its mailbox is asked', async () => {
    const first = open();
    const session = mailbox().register(identity());
    await known(1);
    const {id} = first.deliver(ALL, 'hi', {uid: 1000, client: 'dave/dave'});
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    const second = reopen();
    await vi.waitFor(() => expect(second.receipt(id)).toMatchObject({waiting: 1}));
    const [file] = readdirSync(directory).filter((name) => name !== 'queue');
    const ask = async () => {
      sendPresent(join(directory, file!));
      const own = second.deliver(ALL, 'behind it', ROOT).id;
      await vi.waitFor(() => expect(session.pending().map((message) => message.id)).toContain(own));
      return own;
    };
    const own = await ask();
    session.shown([id, own]);
    await settled(second, own);
    await ask();
    expect(second.receipt(id)).toMatchObject({sender: 1000, recipients: 1, taken: 1, shown: 1, waiting: 0});
    expect(second.receipt(own)).toMatchObject({recipients: 1, shown: 1, waiting: 0});
    expect(log.filter((line) => line === `${id} shown to ${session.id}`)).toHaveLength(1);
  });

  it('is written down as unfinished when the server closes', async () => {
    const first = open();
    const session = mailbox().register(identity());
    await known(1);
    const {id} = first.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    first.close();
    queue = undefined;
    expect(log.at(-1)).toBe(`${id} unfinished: 1`);
  });
});

describe('a server killed', () => {
  it('before it has read what was shown and who has left: the next one hears of it', async () => {
    const server = await spawn(QUEUE, queuePath);
    const box = mailbox();
    const [showing, leaving] = [box.register(identity()), box.register(identity({user: 'ann'}))];
    await vi.waitFor(async () => expect(await server.ask('sessions')).toHaveLength(2));
    const id = (await server.ask('hi')) as string;
    await vi.waitFor(() => expect(leaving.pending()).toHaveLength(1));
    server.child.kill('SIGSTOP');
    showing.shown([id]);
    leaving.goodbye();
    // The mailbox has said it all: now it lies in the socket of a server that will never read it.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    await server.kill();

    const next = open();
    await vi.waitFor(() =>
      expect(log).toEqual([
        'killed',
        `${id} shown to ${showing.id}`,
        `${id} not shown to ${leaving.id}: session ended`,
      ]),
    );
    expect(next.receipt(id)).toMatchObject({recipients: 2, shown: 1, lost: 1, unknown: 0});
  });

  it('together with a mailbox: the next one says that both are gone, and of how many nothing is known', async () => {
    const server = await spawn(QUEUE, queuePath);
    const session = mailbox().register(identity());
    const dying = await spawn(MAILBOX, queuePath, '2');
    await vi.waitFor(async () => expect(await server.ask('sessions')).toHaveLength(3));
    const id = (await server.ask('hi')) as string;
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    await server.kill();
    await dying.kill();
    const next = open();
    await vi.waitFor(() => expect(log).toContain(`${id} unknown: 2`));
    expect(log.slice(0, 2)).toEqual(['killed', expect.stringMatching(`^lost: ${dying.child.pid}\\.`)]);
    expect(next.receipt(id)).toMatchObject({recipients: 3, waiting: 1, unknown: 2});
  });
});

describe('a mailbox process', () => {
  it('killed with a message is found out though nobody asks', async () => {
    const server = open();
    const child = await spawn(MAILBOX, queuePath, '1');
    await known(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(server.receipt(id)).toMatchObject({taken: 1}));
    await child.kill();
    await vi.waitFor(
      () => expect(log.at(-1)).toMatch(new RegExp(`^${id} not shown to .*: session ended$`)),
      5000,
    );
  });

  it('killed with a message is found out by whoever asks for it', async () => {
    const server = open();
    const child = await spawn(MAILBOX, queuePath, '1');
    await known(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(server.receipt(id)).toMatchObject({taken: 1}));
    await child.kill();
    expect(await settled(server, id)).toMatchObject({lost: 1, undelivered: [{reason: 'session ended'}]});
  });

  it('killed just when it had said what was shown is heard first', async () => {
    const server = open();
    const child = await spawn(MAILBOX, queuePath, '1');
    await known(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(server.receipt(id)).toMatchObject({taken: 1}));
    child.child.send('show and die');
    // Nothing is read here until it has died.
    blockUntilDead(child.child.pid!);
    expect(server.receipt(id)).toMatchObject({shown: 0, waiting: 1});
    expect(await settled(server, id)).toMatchObject({shown: 1, lost: 0});
    expect(log.at(-1)).toMatch(`${id} shown to`);
  });

  it('that hangs is not nobody: it is waited for, but not for ever', async () => {
    const child = await spawn(MAILBOX, queuePath, '1');
    child.child.kill('SIGSTOP');
    const server = open({answerTimeout: 50});
    await server.answered();
    expect(server.unanswered).toBe(1);
    expect(server.sessions()).toEqual([]);
    child.child.kill('SIGCONT');
    await vi.waitFor(() => expect(server.unanswered).toBe(0));
    await known(1);
    await server.answered();
  });

  it('that answers in time is waited for; so is one that dies instead', async () => {
    const child = await spawn(MAILBOX, queuePath, '1');
    const server = open({answerTimeout: 60_000});
    await server.answered();
    expect(server.sessions()).toHaveLength(1);
    server.close();
    child.child.kill('SIGSTOP');
    const next = open({answerTimeout: 60_000});
    const answered = next.answered();
    await child.kill();
    await answered;
    expect(next.unanswered).toBe(0);
    expect(next.sessions()).toEqual([]);
  });

  it('that dies before it has answered takes something with it that nobody knows', async () => {
    const child = await spawn(MAILBOX, queuePath, '1');
    child.child.kill('SIGSTOP');
    const server = open({answerTimeout: 60_000});
    expect(server.unanswered).toBe(1);
    await child.kill();
    await server.answered();
    await vi.waitFor(() => expect(log).toEqual([expect.stringMatching(`^lost: ${child.child.pid}\\.`)]));
  });

  it('without sessions answers, too', async () => {
    mailbox();
    const server = open({answerTimeout: 60_000});
    await server.answered();
    expect(server.unanswered).toBe(0);
  });
});

describe('without a descriptor left', () => {
  it('the server remembers who has said hello, and answers when it can', async () => {
    const server = await spawn(QUEUE, queuePath);
    limitDescriptors(server, descriptorsOf(server));
    const session = mailbox().register(identity());
    await vi.waitFor(async () => expect(await server.ask('unanswered')).toBe(1));
    expect(await server.ask('sessions')).toEqual([]);
    // It tries again each second, and says why it fails once.
    const tries = 2 * CHECK_INTERVAL_MS;
    await new Promise((resolve) => setTimeout(resolve, tries));
    expect(await server.ask('ignored')).toBe(1);
    limitDescriptors(server, 1024);
    await vi.waitFor(async () => expect(await server.ask('sessions')).toEqual(['dave']), 5000);
    expect(await server.ask('unanswered')).toBe(0);
    await server.ask('hi');
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
  });

  it('a mailbox looks for the server again', async () => {
    const child = await spawn(MAILBOX, queuePath, '0');
    limitDescriptors(child, descriptorsOf(child));
    const server = open();
    await child.ask('register');
    expect(server.sessions()).toEqual([]);
    limitDescriptors(child, 1024);
    await known(1);
  });
});

/** Without a turn of the event loop. */
function blockUntilDead(pid: number): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const isDead = () => / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')')[1]!);
  while (!isDead()) Atomics.wait(nobody, 0, 0, 5);
}

function descriptorsOf({child}: TsProcess): number {
  // A limit below the largest number in use, and nothing more can be opened.
  return Math.min(...gaps(readdirSync(`/proc/${child.pid}/fd`).map(Number)));
}

/** Numbers that are free. */
function gaps(used: readonly number[]): number[] {
  return Array.from({length: used.length + 1}, (_, n) => n).filter((n) => !used.includes(n));
}

function limitDescriptors({child}: TsProcess, limit: number): void {
  const {status, stderr} = spawnSync('prlimit', [`--pid=${child.pid}`, `--nofile=${limit}:1024`]);
  expect({status, stderr: stderr.toString()}).toEqual({status: 0, stderr: ''});
}

/** Ask a mailbox for all it has, as a new server does. */
function sendPresent(path: string): void {
  const socket = createRequire(import.meta.url)('unix-dgram').createSocket('unix_dgram');
  socket.connect(path);
  socket.send(Buffer.from('{"type":"present"}'), () => {});
  socket.close();
}
