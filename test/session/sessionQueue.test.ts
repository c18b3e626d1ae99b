import {chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {FtpdctlError} from '../../src/lib/errors.ts';
import {
  MAX_TEXT_BYTES,
  MAX_WAITING_BYTES,
  MAX_WAITING_MESSAGES,
  MESSAGE_OVERHEAD_BYTES,
  SETTLED_RECEIPTS,
} from '../../src/lib/session/limits.ts';
import type {Mailbox, SessionMailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {type QueueOptions, SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';
import {DatagramSender, loadUnixDgram} from '../../src/lib/transport/sockets/datagram.ts';
import {MAX_SOCKET_PATH_BYTES} from '../../src/lib/transport/sockets/socketFile.ts';
import {settled} from './settled.ts';
import {ALL, identity, logOf, ROOT} from './support.ts';

let directory: string;
let queuePath: string;
let queues: SessionQueue[];
let mailboxes: Mailbox[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'session-'));
  queuePath = join(directory, 'queue');
  queues = [];
  mailboxes = [];
});

afterEach(async () => {
  await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
  for (const queue of queues) queue.close();
  const left = readdirSync(directory);
  rmSync(directory, {recursive: true, force: true});
  expect(left).toEqual([]);
});

function openQueue(options: QueueOptions = {}): SessionQueue {
  const queue = SessionQueue.open(queuePath, options);
  queues.push(queue);
  return queue;
}

function mailbox(): Mailbox {
  const it = openMailbox({queuePath});
  mailboxes.push(it);
  return it;
}

function texts(session: SessionMailbox): string[] {
  return session.pending().map(({text}) => text);
}

function showAll(session: SessionMailbox): string[] {
  const messages = session.pending();
  session.shown(messages.map(({id}) => id));
  return messages.map(({text}) => text);
}

async function known(queue: SessionQueue, count: number) {
  await vi.waitFor(() => expect(queue.sessions()).toHaveLength(count));
  return queue.sessions();
}

describe('sessions', () => {
  it('are known by what they said of themselves, each under an id of its own', async () => {
    const queue = openQueue();
    const box = mailbox();
    const before = Date.now();
    const dave = box.register(identity());
    const ann = box.register(identity({user: null, address: '2001:db8::1', class: 'staff', engine: false}));
    const sessions = await known(queue, 2);
    expect(sessions[0]).toEqual({
      ...identity(),
      id: dave.id,
      connectedAt: expect.any(Date),
      idle: expect.any(Number),
      waiting: 0,
    });
    expect(sessions[1]).toMatchObject({
      id: ann.id,
      user: null,
      address: '2001:db8::1',
      class: 'staff',
      engine: false,
    });
    expect(sessions[0]!.connectedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(dave.id).not.toBe(ann.id);
  });

  it('are reached one by one under that id', async () => {
    const queue = openQueue();
    const box = mailbox();
    const [dave, other] = [box.register(identity()), box.register(identity())];
    await known(queue, 2);
    expect(queue.deliver({kind: 'session', name: other.id}, 'you alone', ROOT).recipients).toBe(1);
    await vi.waitFor(() => expect(texts(other)).toEqual(['you alone']));
    expect(texts(dave)).toEqual([]);
    expect(queue.deliver({kind: 'session', name: `${other.id}0`}, 'nobody', ROOT).recipients).toBe(0);
  });

  it('are found whoever starts first', async () => {
    const early = mailbox();
    early.register(identity({user: 'early'}));
    await new Promise(setImmediate);
    const queue = openQueue();
    mailbox().register(identity({user: 'late'}));
    const users = (await known(queue, 2)).map(({user}) => user).sort();
    expect(users).toEqual(['early', 'late']);
  });

  it('change, and are found under what they are now', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity({user: null}));
    await known(queue, 1);
    session.change({user: 'dave', class: 'staff'});
    await vi.waitFor(() => expect(queue.sessions()[0]).toMatchObject({user: 'dave', class: 'staff'}));
    expect(queue.deliver({kind: 'user', name: '(none)'}, 'hi', ROOT).recipients).toBe(0);
    expect(queue.deliver({kind: 'user', name: 'dave'}, 'hi', ROOT).recipients).toBe(1);
  });

  it('that come and go within one turn are nobody’s business', async () => {
    const queue = openQueue();
    const box = mailbox();
    box.register(identity()).goodbye();
    box.register(identity({user: 'stays'}));
    expect((await known(queue, 1)).map(({user}) => user)).toEqual(['stays']);
  });

  it('are idle since their last command', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity());
    await known(queue, 1);
    await vi.waitFor(() => expect(queue.sessions()[0]!.idle).toBeGreaterThanOrEqual(50));
    const {idle} = queue.sessions()[0]!;
    session.active();
    await vi.waitFor(() => expect(queue.sessions()[0]!.idle).toBeLessThan(idle), 3000);
  });

  it('of a mailbox that closes are gone, and so is its socket', async () => {
    const queue = openQueue();
    const box = mailbox();
    box.register(identity());
    await known(queue, 1);
    expect(readdirSync(directory)).toHaveLength(2);
    await box.close();
    await known(queue, 0);
    expect(readdirSync(directory)).toEqual(['queue']);
  });

  it('with names out of all proportion cost only themselves', async () => {
    const queue = openQueue();
    const box = mailbox();
    box.register(identity({user: '\u0001'.repeat(100_000)}));
    box.register(identity({user: 'dave'}));
    await known(queue, 2);
    expect(queue.deliver({kind: 'user', name: 'dave'}, 'hi', ROOT).recipients).toBe(1);
  });

  it('are introduced in as many datagrams as it takes, however many they are', async () => {
    const queue = openQueue();
    const box = mailbox();
    for (let n = 0; n < 3000; n++) box.register(identity({user: `user${n}`}));
    const sessions = await known(queue, 3000);
    expect(new Set(sessions.map(({id}) => id)).size).toBe(3000);
  });
});

describe('the path of a queue', () => {
  const most = MAX_SOCKET_PATH_BYTES - '.4194304.0123456789ab'.length;

  it('may be as long as the names beside it allow', async () => {
    queuePath = join(directory, 'x'.repeat(most - directory.length - 1));
    const queue = openQueue();
    mailbox().register(identity());
    await known(queue, 1);
    queuePath += 'x';
    expect(() => openQueue()).toThrow(expect.objectContaining({code: 'SOCKET_PATH_TOO_LONG'}));
  });

  it.each(['none/queue', 'file/queue'])('must lead into a directory: %s', (wrong) => {
    writeFileSync(join(directory, 'file'), '');
    queuePath = join(directory, wrong);
    expect(() => openQueue()).toThrow(FtpdctlError);
    expect(() => mailbox()).toThrow(FtpdctlError);
    rmSync(join(directory, 'file'));
  });

  it('belongs to one server, and leaves other files beside it alone', () => {
    const others = ['queue.1.0123456789ab', 'queue.log', 'queue.1.0123456789AB'];
    for (const file of others) writeFileSync(join(directory, file), '');
    openQueue();
    expect(() => openQueue()).toThrow(expect.objectContaining({code: 'SOCKET_TAKEN'}));
    for (const file of others) rmSync(join(directory, file));
    expect(readdirSync(directory)).toEqual(['queue']);
  });
});

it.runIf(process.geteuid!() === 0)(
  'is served in a directory that may be written to but not read',
  async () => {
    loadUnixDgram();
    chmodSync(directory, 0o1733);
    process.seteuid!(65534);
    try {
      const queue = openQueue();
      const box = mailbox();
      box.register(identity());
      await known(queue, 1);
      await box.close();
      queue.close();
    } finally {
      process.seteuid!(0);
    }
  },
);

describe('a message', () => {
  it('goes to whom it is meant for, waits there, and is accounted for', async () => {
    const queue = openQueue();
    const log = logOf(queue);
    const box = mailbox();
    const dave = box.register(identity());
    const ann = box.register(identity({user: 'ann'}));
    await known(queue, 2);
    const {id, ...rest} = queue.deliver({kind: 'user', name: 'dave'}, 'Hello\nworld', ROOT);
    expect(rest).toEqual({recipients: 1, engineOff: 0, refused: []});
    expect(queue.receipt(id)).toEqual({
      id,
      sender: 0,
      recipients: 1,
      taken: 0,
      shown: 0,
      lost: 0,
      undelivered: [],
      waiting: 1,
      unknown: 0,
      interrupted: [],
    });
    await vi.waitFor(() => expect(queue.receipt(id)).toMatchObject({taken: 1, shown: 0, waiting: 1}));
    expect(texts(dave)).toEqual(['Hello\nworld']);
    expect(texts(ann)).toEqual([]);
    expect(queue.sessions().map(({waiting}) => waiting)).toEqual([1, 0]);

    dave.shown([id, id, 'unknown']);
    expect(texts(dave)).toEqual([]);
    expect(await settled(queue, id)).toEqual({
      id,
      sender: 0,
      recipients: 1,
      taken: 1,
      shown: 1,
      lost: 0,
      undelivered: [],
      waiting: 0,
      unknown: 0,
      interrupted: [],
    });
    expect(log).toEqual(['Hello\nworld to 1', `${id} shown to ${dave.id}`]);
  });

  it('follows the one before it', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity());
    await known(queue, 1);
    const sent = Array.from({length: MAX_WAITING_MESSAGES}, (_, n) => `message ${n}`);
    for (const text of sent) queue.deliver(ALL, text, ROOT);
    await vi.waitFor(() => expect(texts(session)).toEqual(sent));
  });

  it('reaches sessions of several mailboxes, odd ones and even ones', async () => {
    const queue = openQueue();
    const boxes = [mailbox(), mailbox(), mailbox()];
    const sessions = Array.from({length: 600}, (_, n) =>
      boxes[n % 3]!.register(identity({class: n % 2 === 0 ? 'even' : null})),
    );
    await known(queue, 600);
    const {id, recipients} = queue.deliver({kind: 'class', name: 'even'}, 'hi', ROOT);
    expect(recipients).toBe(300);
    await vi.waitFor(() => expect(queue.receipt(id)!.taken).toBe(300));
    expect(sessions.map((session) => texts(session).length)).toEqual(sessions.map((_, n) => (n + 1) % 2));
    for (const session of sessions) showAll(session);
    expect(await settled(queue, id)).toMatchObject({shown: 300, waiting: 0});
  });

  it('for nobody is settled at once', () => {
    const queue = openQueue();
    const {id, ...rest} = queue.deliver(ALL, 'hi', ROOT);
    expect(rest).toEqual({recipients: 0, engineOff: 0, refused: []});
    expect(queue.receipt(id)).toMatchObject({recipients: 0, waiting: 0});
  });

  it('is not for a session whose MessageEngine is off, and the sender is told', async () => {
    const queue = openQueue();
    const box = mailbox();
    const off = box.register(identity({engine: false}));
    const on = box.register(identity());
    await known(queue, 2);
    const {id, ...rest} = queue.deliver(ALL, 'hi', ROOT);
    expect(rest).toEqual({recipients: 1, engineOff: 1, refused: []});
    await vi.waitFor(() => expect(texts(on)).toEqual(['hi']));
    expect(texts(off)).toEqual([]);
    showAll(on);
    expect(await settled(queue, id)).toMatchObject({recipients: 1, shown: 1});
  });

  it('that a session has not seen when it ends is undelivered', async () => {
    const queue = openQueue();
    const log = logOf(queue);
    const box = mailbox();
    const leaving = box.register(identity());
    const staying = box.register(identity());
    await known(queue, 2);
    const {id} = queue.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(texts(leaving)).toEqual(['hi']));
    leaving.goodbye();
    leaving.shown([id]);
    showAll(staying);
    expect(await settled(queue, id)).toMatchObject({
      shown: 1,
      undelivered: [{session: leaving.id, reason: 'session ended'}],
    });
    expect(log.slice(1).sort()).toEqual(
      [`${id} shown to ${staying.id}`, `${id} not shown to ${leaving.id}: session ended`].sort(),
    );
  });

  it('shown in the last reply counts as shown', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity());
    await known(queue, 1);
    const {id} = queue.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(showAll(session)).toEqual(['hi']));
    session.goodbye();
    expect(await settled(queue, id)).toMatchObject({shown: 1, undelivered: []});
  });

  it('crosses the goodbye of its session without harm', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity());
    await known(queue, 1);
    session.goodbye();
    const {id} = queue.deliver(ALL, 'hi', ROOT);
    expect(await settled(queue, id)).toMatchObject({
      undelivered: [{session: session.id, reason: 'session ended'}],
    });
  });

  it('that is too long is refused before anyone hears of it', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity());
    await known(queue, 1);
    const most = MAX_TEXT_BYTES - '""'.length;
    expect(() => queue.deliver(ALL, 'x'.repeat(most + 1), ROOT)).toThrow(
      expect.objectContaining({
        code: 'MESSAGE_TOO_LONG',
        exitStatus: 3,
        message: 'the message is too long: 32769 bytes',
        hint: '32768 bytes are the most, as JSON',
      }),
    );
    queue.deliver(ALL, 'x'.repeat(most), ROOT);
    await vi.waitFor(() => expect(texts(session)).toEqual(['x'.repeat(most)]));
  });
});

describe('bounds', () => {
  it('a session that never asks takes so many, and then no more', async () => {
    const queue = openQueue();
    const log = logOf(queue);
    const box = mailbox();
    const silent = box.register(identity());
    await known(queue, 1);
    for (let n = 0; n < MAX_WAITING_MESSAGES; n++) queue.deliver(ALL, `m${n}`, ROOT);
    const reason = 'too many messages wait for the session';
    const refused = {session: silent.id, user: 'dave', host: 'localhost', reason};
    const {id, ...rest} = queue.deliver(ALL, 'one too many', ROOT);
    expect(rest).toEqual({recipients: 1, engineOff: 0, refused: [refused]});
    expect(queue.receipt(id)).toMatchObject({recipients: 1, undelivered: [refused], waiting: 0});
    expect(log.slice(-2)).toEqual([
      'one too many to 1',
      `${id} not shown to ${silent.id}: ${refused.reason}`,
    ]);

    await vi.waitFor(() => expect(texts(silent)).toHaveLength(MAX_WAITING_MESSAGES));
    expect(showAll(silent)).not.toContain('one too many');
    await vi.waitFor(() => expect(queue.sessions()[0]!.waiting).toBe(0));
    expect(queue.deliver(ALL, 'again', ROOT).refused).toEqual([]);
  });

  it('all messages together take so much, and then no more', async () => {
    const queue = openQueue();
    const box = mailbox();
    const text = 'x'.repeat(MAX_TEXT_BYTES - 2);
    const needed = Math.ceil(MAX_WAITING_BYTES / MAX_TEXT_BYTES / MAX_WAITING_MESSAGES);
    for (let n = 0; n < needed; n++) box.register(identity({user: `user${n}`}));
    await known(queue, needed);
    const reasons = new Set<string>();
    for (let n = 0; n < needed * MAX_WAITING_MESSAGES; n++) {
      const {refused} = queue.deliver({kind: 'user', name: `user${n % needed}`}, text, ROOT);
      for (const {reason} of refused) reasons.add(reason);
    }
    expect([...reasons]).toEqual(['too many messages wait']);
  });

  it('receipts of what is over are kept, but not for ever', async () => {
    const queue = openQueue();
    const first = queue.deliver(ALL, 'hi', ROOT).id;
    const awaited = queue.deliver(ALL, 'hi', ROOT).id;
    const more = SETTLED_RECEIPTS.bytes / MESSAGE_OVERHEAD_BYTES;
    for (let n = 0; n < more; n++) {
      queue.deliver(ALL, 'hi', ROOT);
      // Whoever waits for a message asks for it again and again.
      if (n % 1000 === 0) expect(queue.receipt(awaited)).toBeDefined();
    }
    expect(queue.receipt(first)).toBeUndefined();
    expect(queue.receipt(awaited)).toBeDefined();
  });

  it('a receipt that is waited for outlives 256 younger ones', async () => {
    const queue = openQueue();
    const session = mailbox().register(identity());
    await known(queue, 1);
    const {id} = queue.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(showAll(session)).toEqual(['hi']));
    await settled(queue, id);
    for (let n = 0; n < 1000; n++) queue.deliver({kind: 'user', name: 'nobody'}, 'hi', ROOT);
    expect(queue.receipt(id)).toMatchObject({shown: 1});
  });

  it('more sessions than it may keep track of: the rest is said to be too many', async () => {
    const queue = openQueue({maxSessions: 2});
    const log = logOf(queue);
    const box = mailbox();
    const [first, , third] = Array.from({length: 3}, (_, n) => box.register(identity({user: `user${n}`})));
    await vi.waitFor(() => expect(log).toContain(`ignored: session ${third!.id} is one too many`));
    expect(queue.sessions().map(({user}) => user)).toEqual(['user0', 'user1']);
    // One that it knows may change all the same, and one that leaves makes room.
    first!.change({user: 'other'});
    await vi.waitFor(() => expect(queue.sessions().map(({user}) => user)).toEqual(['other', 'user1']));
    first!.goodbye();
    await known(queue, 1);
    third!.change({user: 'third'});
    await vi.waitFor(() => expect(queue.sessions().map(({user}) => user)).toEqual(['user1', 'third']));
  });
});

it('a server that shuts down does not wait for ever for a mailbox that does not listen', async () => {
  const queue = openQueue();
  mailbox().register(identity());
  await known(queue, 1);
  const send = vi.spyOn(DatagramSender.prototype, 'send').mockReturnValue({kind: 'full'});
  await queue.shutDown();
  expect(send.mock.calls.length).toBeGreaterThan(2);
  send.mockRestore();
});

describe('a server that comes back', () => {
  it('finds the sessions again, and the messages they hold', async () => {
    const first = openQueue();
    const box = mailbox();
    const dave = box.register(identity());
    const ann = box.register(identity({user: 'ann'}));
    const [before] = await known(first, 2);
    const {id} = first.deliver(ALL, 'from the first', ROOT);
    await vi.waitFor(() => expect(first.receipt(id)!.taken).toBe(2));
    first.close();
    expect(existsSync(queuePath)).toBe(false);
    dave.change({class: 'staff'});
    expect(showAll(dave)).toEqual(['from the first']);

    const second = openQueue();
    const log = logOf(second);
    const [after] = await known(second, 2);
    expect(after).toMatchObject({id: before!.id, connectedAt: before!.connectedAt, class: 'staff'});
    await vi.waitFor(() => expect(second.receipt(id)).toMatchObject({recipients: 2, shown: 1, waiting: 1}));
    second.deliver(ALL, 'from the second', ROOT);
    await vi.waitFor(() => expect(texts(ann)).toEqual(['from the first', 'from the second']));
    expect(texts(dave)).toEqual(['from the second']);
    ann.goodbye();
    expect(await settled(second, id)).toMatchObject({shown: 1, undelivered: [{session: ann.id}]});
    expect(log).toContain(`${id} shown to ${dave.id}`);
    expect(log.filter((line) => line.includes('shown to') && line.includes(dave.id))).toHaveLength(1);
  });

  it('learns of the end of a session that ended while it was away', async () => {
    const first = openQueue();
    const session = mailbox().register(identity());
    await known(first, 1);
    const {id} = first.deliver(ALL, 'hi', ROOT);
    await vi.waitFor(() => expect(texts(session)).toEqual(['hi']));
    first.close();
    session.goodbye();
    const second = openQueue();
    const log = logOf(second);
    await vi.waitFor(() => expect(log).toEqual([`${id} not shown to ${session.id}: session ended`]));
    await known(second, 0);
  });

  it('has reported what nobody had taken when it left', async () => {
    const queue = openQueue();
    const log = logOf(queue);
    const box = mailbox();
    const session = box.register(identity());
    await known(queue, 1);
    // The mailbox reads nothing in this turn of the event loop: the kernel takes some, the rest waits here.
    const ids = Array.from({length: MAX_WAITING_MESSAGES}, (_, n) => queue.deliver(ALL, `m${n}`, ROOT).id);
    queue.close();
    expect(queue.receipt(ids.at(-1)!)).toMatchObject({
      undelivered: [{session: session.id, reason: 'server stopped'}],
    });
    await vi.waitFor(() => expect(texts(session).length).toBeGreaterThan(0));
    const undelivered = log.filter((line) => line.includes('server stopped')).length;
    expect(undelivered + texts(session).length).toBe(MAX_WAITING_MESSAGES);
    // A mailbox that has nobody to tell leaves its socket: the next server sees that something is missing.
    await box.close();
    expect(readdirSync(directory)).toHaveLength(1);
    const next = openQueue();
    const said = logOf(next);
    await vi.waitFor(() => expect(said).toEqual([expect.stringMatching(/^lost: \d+\./)]));
  });
});
