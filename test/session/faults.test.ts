import {randomBytes} from 'node:crypto';
import {chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {transform} from 'esbuild';
import {afterEach, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest';
import {MAX_WAITING_MESSAGES} from '../../src/lib/session/limits.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';
import {eventLoopRests} from '../helpers/eventLoop.ts';
import {spawnTs, type TsProcess} from '../helpers/spawnTs.ts';
import {settled} from './settled.ts';
import {ALL, identity, logOf, ROOT} from './support.ts';

const MAILBOX = join(import.meta.dirname, 'mailboxChild.ts');
const QUEUE = join(import.meta.dirname, 'queueChild.ts');
const STRANGER = join(import.meta.dirname, '../transport/sockets/strangerChild.ts');
const NOBODY = 65534;

let directory: string;
let queuePath: string;
let queue: SessionQueue | undefined;
let log: string[];
let descriptorsBefore: number;
const children: TsProcess[] = [];

// esbuild keeps a process of its own from its first use on: its pipes are no leak.
beforeAll(() => transform(''));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'faults-'));
  queuePath = join(directory, 'queue');
  descriptorsBefore = descriptors();
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  // The dead leave their sockets; a server that comes by clears them away.
  queue ??= SessionQueue.open(queuePath);
  queue.sessions();
  queue.close();
  queue = undefined;
  const left = readdirSync(directory);
  rmSync(directory, {recursive: true, force: true});
  expect(left).toEqual([]);
  await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(descriptorsBefore));
});

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function openQueue(): SessionQueue {
  queue = SessionQueue.open(queuePath);
  log = logOf(queue);
  return queue;
}

async function spawn(file: string, ...args: string[]): Promise<TsProcess> {
  const child = await spawnTs(file, args);
  children.push(child);
  await child.next();
  return child;
}

async function known(count: number): Promise<void> {
  await vi.waitFor(() => expect(queue!.sessions()).toHaveLength(count));
}

describe('a mailbox process', () => {
  it('killed with messages, shown and not, is found out at the next send', async () => {
    const server = openQueue();
    const child = await spawn(MAILBOX, queuePath, '3');
    await known(3);
    const first = server.deliver(ALL, 'first', ROOT).id;
    await vi.waitFor(() => expect(server.receipt(first)!.taken).toBe(3));
    await child.ask('show');
    await vi.waitFor(() => expect(server.receipt(first)).toMatchObject({shown: 3}));
    const second = server.deliver(ALL, 'second', ROOT).id;
    await child.kill();
    expect(server.deliver(ALL, 'third', ROOT)).toMatchObject({recipients: 0, refused: []});
    expect(server.receipt(first)).toMatchObject({shown: 3, undelivered: []});
    expect(await settled(server, second)).toMatchObject({shown: 0, lost: 3});
    expect(server.receipt(second)!.undelivered.map(({reason}) => reason)).toEqual(
      Array(3).fill('session ended'),
    );
    expect(server.sessions()).toEqual([]);
    expect(readdirSync(directory)).toEqual(['queue']);
  });

  it('killed while it is full is found out without being asked', async () => {
    const server = openQueue();
    const child = await spawn(MAILBOX, queuePath, '1');
    await known(1);
    child.child.kill('SIGSTOP');
    const ids = Array.from({length: MAX_WAITING_MESSAGES}, (_, n) => server.deliver(ALL, `m${n}`, ROOT).id);
    await child.kill();
    for (const id of ids) {
      const receipt = await settled(server, id);
      expect(receipt).toMatchObject({shown: 0, undelivered: [{reason: 'session ended'}]});
    }
  });

  it('that does not read makes messages wait, within bounds and at no cost; then it gets each once', async () => {
    const server = openQueue();
    const child = await spawn(MAILBOX, queuePath, '2');
    await known(2);
    child.child.kill('SIGSTOP');
    const sent = Array.from({length: MAX_WAITING_MESSAGES}, (_, n) => `m${n}`);
    for (const text of sent) expect(server.deliver(ALL, text, ROOT).refused).toEqual([]);
    expect(server.deliver(ALL, 'too many', ROOT).refused).toHaveLength(2);
    await eventLoopRests();
    expect(server.sessions().map(({waiting}) => waiting)).toEqual([
      MAX_WAITING_MESSAGES,
      MAX_WAITING_MESSAGES,
    ]);
    child.child.kill('SIGCONT');
    await vi.waitFor(async () => expect(await child.ask('pending')).toEqual([sent, sent]));
    expect(await child.ask('show')).toEqual([sent, sent]);
    await vi.waitFor(() => expect(server.sessions().map(({waiting}) => waiting)).toEqual([0, 0]));
    const shown = log.filter((line) => line.includes(' shown to ') && !line.includes('not shown'));
    expect(shown).toHaveLength(2 * sent.length);
    expect(new Set(shown).size).toBe(shown.length);
    await eventLoopRests();
  });

  it('is heard out when it leaves in good order', async () => {
    const server = openQueue();
    const child = await spawn(MAILBOX, queuePath, '2');
    await known(2);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    await child.ask('close');
    expect(await settled(server, id)).toMatchObject({
      shown: 0,
      undelivered: [{reason: 'session ended'}, {reason: 'session ended'}],
    });
    expect(readdirSync(directory)).toEqual(['queue']);
  });

  it('with the pid of one that died inherits nothing', async () => {
    const server = openQueue();
    const child = await spawn(MAILBOX, queuePath, '1');
    await known(1);
    server.deliver(ALL, 'for the dead', ROOT);
    const [name] = readdirSync(directory).filter((file) => file !== 'queue');
    await child.kill();
    // The same pid in the name and in all that it says: only the random part differs.
    const heir = openMailbox({queuePath});
    const session = heir.register(identity({pid: child.child.pid!}));
    expect(name).toMatch(new RegExp(`^queue\\.${child.child.pid}\\.`));
    await known(1);
    expect(session.pending()).toEqual([]);
    const {id} = server.deliver(ALL, 'for the living', ROOT);
    await vi.waitFor(() => expect(session.pending().map(({text}) => text)).toEqual(['for the living']));
    expect(server.receipt(id)).toMatchObject({recipients: 1});
    await heir.close();
  });
});

describe('the server', () => {
  it('killed with messages waiting: those taken are shown once, those not are lost, the next one takes over', async () => {
    const first = await spawn(QUEUE, queuePath);
    const mailbox = openMailbox({queuePath});
    const session = mailbox.register(identity());
    await vi.waitFor(async () => expect(await first.ask('sessions')).toEqual(['dave']));
    const id = await first.ask('taken');
    await vi.waitFor(() => expect(session.pending()).toHaveLength(1));
    await first.kill();
    expect(existsSync(queuePath)).toBe(true);

    session.change({class: 'staff'});
    session.active();
    session.shown([id as string]);
    const other = mailbox.register(identity({user: 'ann'}));
    await eventLoopRests();

    const second = openQueue();
    await known(2);
    await vi.waitFor(() => expect(log).toContain(`${id} shown to ${session.id}`));
    second.deliver({kind: 'class', name: 'staff'}, 'from the next', ROOT);
    await vi.waitFor(() => expect(session.pending().map(({text}) => text)).toEqual(['from the next']));
    expect(other.pending()).toEqual([]);
    await mailbox.close();
  });

  it('killed with more than the kernel holds: what it had not handed over is lost, the rest is shown once', async () => {
    const first = await spawn(QUEUE, queuePath);
    const child = await spawn(MAILBOX, queuePath, '1');
    await vi.waitFor(async () => expect(await first.ask('sessions')).toEqual(['user1']));
    child.child.kill('SIGSTOP');
    for (let n = 0; n < MAX_WAITING_MESSAGES; n++) await first.ask(`m${n}`);
    await first.kill();
    child.child.kill('SIGCONT');

    const second = openQueue();
    await known(1);
    await vi.waitFor(() => expect(second.sessions()[0]!.waiting).toBeGreaterThan(0));
    const {waiting} = second.sessions()[0]!;
    expect(waiting).toBeLessThan(MAX_WAITING_MESSAGES);
    const {id} = second.deliver(ALL, 'from the next', ROOT);
    await vi.waitFor(() => expect(second.receipt(id)!.taken).toBe(1));
    const handedOver = Array.from({length: waiting}, (_, n) => `m${n}`);
    expect(await child.ask('show')).toEqual([[...handedOver, 'from the next']]);
    expect(await child.ask('show')).toEqual([[]]);
    await vi.waitFor(() => expect(second.sessions()[0]!.waiting).toBe(0));
    expect(log.filter((line) => line.includes(' shown to '))).toHaveLength(waiting + 1);
  });

  it('that does not read makes mailboxes wait, at no cost; then it hears all', async () => {
    const server = await spawn(QUEUE, queuePath);
    server.child.kill('SIGSTOP');
    const mailboxes = Array.from({length: 30}, () => openMailbox({queuePath}));
    const sessions = mailboxes.map((mailbox, n) => mailbox.register(identity({user: `user${n}`})));
    await eventLoopRests();
    for (const session of sessions.slice(0, 10)) session.goodbye();
    server.child.kill('SIGCONT');
    const left = sessions.slice(10).map((_, n) => `user${n + 10}`);
    await vi.waitFor(
      async () => expect(((await server.ask('sessions')) as string[]).sort()).toEqual(left.sort()),
      5000,
    );
    await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
    await vi.waitFor(async () => expect(await server.ask('sessions')).toEqual([]));
  });

  it('that does not read cannot keep a mailbox from closing', async () => {
    const server = await spawn(QUEUE, queuePath);
    server.child.kill('SIGSTOP');
    const mailboxes = Array.from({length: 20}, () => openMailbox({queuePath}));
    for (const mailbox of mailboxes) mailbox.register(identity());
    await new Promise(setImmediate);
    await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
    expect(readdirSync(directory)).toEqual(['queue']);
  });
});

describe('a stranger’s datagram', () => {
  const from = `1.${randomBytes(6).toString('hex')}`;
  const session = {...identity(), n: 1, since: 0, idle: 0};

  it.each([
    ['is no JSON', 'hello', 'not JSON'],
    ['is JSON of another kind', '{"type":"hello"}', 'from'],
    [
      'comes from a mailbox that is not there',
      JSON.stringify({type: 'hello', from, seq: 1, items: [session]}),
      null,
    ],
    [
      'comes before the hello',
      JSON.stringify({type: 'goodbye', from, seq: 1, items: [1, 1]}),
      'has not said hello',
    ],
    ['is as large as can be', ' '.repeat(65_536), 'too large'],
  ])('that %s changes nothing', async (_, text, reason) => {
    const server = openQueue();
    const mailbox = openMailbox({queuePath});
    mailbox.register(identity());
    await known(1);
    sendRaw(text);
    // A datagram behind it has been read: so has it.
    mailbox.register(identity());
    await known(2);
    expect(log).toEqual(reason === null ? [] : [expect.stringContaining(reason)]);
    expect(server.sessions().map(({user}) => user)).toEqual(['dave', 'dave']);
    await mailbox.close();
  });

  it('to a mailbox changes nothing either', async () => {
    const server = openQueue();
    const mailbox = openMailbox({queuePath});
    const own = mailbox.register(identity());
    await known(1);
    const [file] = readdirSync(directory).filter((name) => name !== 'queue');
    for (const text of ['', '{}', '{"type":"deliver","items":[{"id":"x"}]}'])
      sendRaw(text, join(directory, file!));
    // The same message twice is one message, shown or not.
    const {id} = server.deliver(ALL, 'hi', ROOT);
    const again = JSON.stringify({
      type: 'deliver',
      items: [{id, text: 'hi', to: [1, 1], recipients: 1, sender: 0}],
    });
    await vi.waitFor(() => expect(own.pending()).toHaveLength(1));
    sendRaw(again, join(directory, file!));
    own.shown([id]);
    await vi.waitFor(() => expect(server.receipt(id)).toMatchObject({shown: 1, waiting: 0}));
    sendRaw(again, join(directory, file!));
    const next = server.deliver(ALL, 'next', ROOT).id;
    await vi.waitFor(() => expect(server.receipt(next)!.taken).toBe(1));
    expect(own.pending().map(({text}) => text)).toEqual(['next']);
    await mailbox.close();
  });

  it.runIf(process.getuid!() === 0)('cannot be sent by another user, nor can one join', async () => {
    chmodSync(directory, 0o1777);
    const foreign = join(directory, 'queue.1.0123456789ab');
    const stranger = await spawn(STRANGER, foreign, String(NOBODY));
    const server = openQueue();
    sendRaw(JSON.stringify({type: 'hello', from: '1.0123456789ab', seq: 1, items: [session]}));
    // Once because it is there, once because it seems to say hello.
    const refusal = expect.stringContaining(`belongs to uid ${NOBODY}`);
    await vi.waitFor(() => expect(log).toEqual([refusal, refusal]));
    expect(server.sessions()).toEqual([]);
    expect(server.unanswered).toBe(0);
    const sender = await spawnTs(join(import.meta.dirname, '../transport/sockets/datagramChild.ts'), [
      'send',
      queuePath,
      String(NOBODY),
    ]);
    children.push(sender);
    expect(await sender.next()).toBe('EACCES: permission denied');
    await stranger.kill();
    expect(existsSync(foreign)).toBe(true);
    rmSync(foreign);
  });
});

describe.runIf(process.getuid!() === 0)('root', () => {
  it("may take part in a user's queue, in a directory of that user's", async () => {
    chownSync(directory, NOBODY, NOBODY);
    const server = await spawn(QUEUE, queuePath, String(NOBODY));
    const mailbox = openMailbox({queuePath});
    expect(process.geteuid!()).toBe(0);
    const session = mailbox.register(identity());
    await vi.waitFor(async () => expect(await server.ask('sessions')).toEqual(['dave']));
    await server.ask('hi');
    await vi.waitFor(() => expect(session.pending().map(({text}) => text)).toEqual(['hi']));
    await mailbox.close();
    await server.kill();
    rmSync(queuePath);
  });

  it('does not fall for a queue that a user has put where everybody may', async () => {
    chmodSync(directory, 0o1777);
    const server = await spawn(QUEUE, queuePath, String(NOBODY));
    const mailbox = openMailbox({queuePath});
    mailbox.register(identity());
    await new Promise(setImmediate);
    expect(await server.ask('sessions')).toEqual([]);
    await mailbox.close();
    await server.kill();
    rmSync(queuePath);
  });
});

/** Send bytes as root or the server's own user could: past the schema and past our own limits. */
function sendRaw(text: string, path = queuePath): void {
  const socket = createRequire(import.meta.url)('unix-dgram').createSocket('unix_dgram');
  const sent = vi.fn();
  socket.connect(path);
  socket.send(Buffer.from(text), sent);
  socket.close();
  expect(sent.mock.calls).toEqual([[]]);
}
