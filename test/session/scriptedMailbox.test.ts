import {existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {
  CHECK_INTERVAL_MS,
  KICK_TIMEOUT_MS,
  MAX_CHECKED_AT_ONCE,
  MAX_RANGES,
  MAX_WAITING_MESSAGES,
  SETTLED_RECEIPTS,
} from '../../src/lib/session/limits.ts';
import {mailboxPath} from '../../src/lib/session/mailboxPath.ts';
import {type QueueOptions, SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';
import {DatagramSender} from '../../src/lib/transport/sockets/datagram.ts';
import {receiptOf, ScriptedMailbox, settle, until} from './scripted.ts';
import {ALL, logOf, ROOT} from './support.ts';

let directory: string;
let queuePath: string;
let queue: SessionQueue;
let log: string[];
let boxes: ScriptedMailbox[];
let descriptorsBefore: number;

beforeEach(() => {
  // Sockets and the event loop are real; the clock moves when a test says so.
  vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance']});
  directory = mkdtempSync(join(tmpdir(), 'scripted-'));
  queuePath = join(directory, 'queue');
  boxes = [];
  descriptorsBefore = descriptors();
});

afterEach(async () => {
  queue.close();
  for (const box of boxes) box.die({leaveFile: false});
  await settle();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(directory, {recursive: true});
  expect(descriptors()).toBe(descriptorsBefore);
});

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function open(options: QueueOptions = {}): SessionQueue {
  queue = SessionQueue.open(queuePath, options);
  log = logOf(queue);
  return queue;
}

function box(): ScriptedMailbox {
  const opened = new ScriptedMailbox(queuePath);
  boxes.push(opened);
  return opened;
}

/** A mailbox with these sessions, which the server knows. */
async function introduced(...numbers: number[]): Promise<ScriptedMailbox> {
  const opened = box();
  opened.hello(...numbers);
  opened.say({type: 'complete'});
  await settle();
  expect(queue.unanswered).toBe(0);
  return opened;
}

/** Send as much as it takes until the mailbox's socket is full. @returns the ids */
function congest(server: SessionQueue): string[] {
  return Array.from({length: MAX_WAITING_MESSAGES}, (_, n) => server.deliver(ALL, `m${n}`, ROOT).id);
}

describe('what a mailbox says', () => {
  it('is acknowledged where some of it was shown and some only taken', async () => {
    const server = open();
    const one = await introduced(1, 2);
    const [shown, taken] = ['first', 'second'].map((text) => server.deliver(ALL, text, ROOT).id);
    one.say({type: 'receipts', items: [receiptOf(taken!, 'taken', 1, 2), receiptOf(shown!, 'shown', 1)]});
    await settle();
    expect(one.heardOf('acknowledge')).toEqual([{type: 'acknowledge', seq: 3}]);
    one.say({type: 'receipts', items: [receiptOf(taken!, 'taken', 1)]});
    await settle();
    expect(one.heardOf('acknowledge')).toHaveLength(1);
    expect(server.receipt(shown!)).toMatchObject({taken: 1, shown: 1, waiting: 1});
    expect(server.receipt(taken!)).toMatchObject({taken: 2, shown: 0, waiting: 2});
  });

  it('is acknowledged when it is written down, not before', async () => {
    const server = open();
    let written = () => {};
    server.recorded = () => new Promise((resolve) => (written = resolve));
    const one = await introduced(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    one.say({type: 'receipts', items: [receiptOf(id, 'shown', 1)]});
    await settle();
    expect(log.at(-1)).toBe(`${id} shown to ${one.id}.1`);
    expect(one.heardOf('acknowledge')).toEqual([]);
    written();
    await settle();
    expect(one.heardOf('acknowledge')).toEqual([{type: 'acknowledge', seq: 3}]);
  });

  it('is not acknowledged together with what was written down before it', async () => {
    const server = open();
    const written: (() => void)[] = [];
    server.recorded = () => new Promise((resolve) => written.push(resolve));
    const one = await introduced(1, 2);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    for (const n of [1, 2]) {
      one.say({type: 'receipts', items: [receiptOf(id, 'shown', n)]});
      await until(() => written.length === n);
    }
    written[0]!();
    await settle();
    expect(one.heardOf('acknowledge')).toEqual([{type: 'acknowledge', seq: 3}]);
    written[1]!();
    await settle();
    expect(one.heardOf('acknowledge').slice(1)).toEqual([{type: 'acknowledge', seq: 4}]);
  });

  it('it shows and nothing more before it dies leaves open who has seen it; what it had only taken is lost', async () => {
    const server = open();
    const one = await introduced(1, 2, 3);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    one.say({type: 'receipts', items: [receiptOf(id, 'taken', 1, 2, 3), receiptOf(id, 'showing', 1, 2)]});
    one.say({type: 'receipts', items: [receiptOf(id, 'shown', 2)]});
    await settle();
    expect(server.receipt(id)).toMatchObject({taken: 3, shown: 1, waiting: 2, unknown: 0, interrupted: []});
    expect(server.waitingFor(id)).toHaveLength(2);
    one.die();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(server.receipt(id)).toMatchObject({
      ...{recipients: 3, shown: 1, lost: 1, waiting: 0, unknown: 1},
      interrupted: [{session: `${one.id}.1`, user: 'user1', host: 'localhost'}],
      undelivered: [{user: 'user3', reason: 'session ended'}],
    });
    expect(log.slice(2)).toEqual([
      `${id} interrupted in ${one.id}.1`,
      `${id} not shown to ${one.id}.3: session ended`,
    ]);
  });

  it('it was showing is undelivered where it says goodbye: it has seen that its client has not got it', async () => {
    const server = open();
    const one = await introduced(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    one.say({type: 'receipts', items: [receiptOf(id, 'showing', 1)]});
    one.say({type: 'goodbye', items: [1, 1]});
    await settle();
    expect(server.receipt(id)).toMatchObject({taken: 1, lost: 1, unknown: 0, interrupted: []});
  });

  it('it shows of the server before, and nothing more, leaves open who has seen it', async () => {
    const server = open();
    const one = await introduced(1, 2);
    one.say({type: 'receipts', items: [{...receiptOf('feedfacecafe-1', 'showing', 1), recipients: 3}]});
    await settle();
    expect(server.receipt('feedfacecafe-1')).toMatchObject({waiting: 1, unknown: 2});
    one.die();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(server.receipt('feedfacecafe-1')).toMatchObject({recipients: 3, waiting: 0, lost: 0, unknown: 3});
    expect(log.at(-1)).toBe(`feedfacecafe-1 interrupted in ${one.id}.1`);
  });

  it('of sessions it has not introduced counts for nothing', async () => {
    const server = open();
    const one = await introduced(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    one.say({type: 'receipts', items: [receiptOf(id, 'shown', 2)]});
    one.say({type: 'active', items: [2, 9]});
    one.say({type: 'goodbye', items: [2, 9]});
    await settle();
    expect(log).toEqual(['hi to 1']);
    expect(server.sessions()).toHaveLength(1);
    expect(server.receipt(id)).toMatchObject({recipients: 1, shown: 0, waiting: 1});
  });

  it('about activity makes its session, and no other, less idle', async () => {
    const server = open();
    const one = box();
    const idle = () => server.sessions().map((session) => session.idle);
    one.hello({n: 1, idle: 50}, {n: 2, idle: 0});
    await settle();
    expect(idle()).toEqual([50, 0]);
    vi.advanceTimersByTime(400);
    expect(idle()).toEqual([450, 400]);
    one.say({type: 'active', items: [2, 2]});
    await settle();
    expect(idle()).toEqual([450, 0]);
    one.hello({n: 1, idle: 30});
    await settle();
    expect(idle()).toEqual([30, 0]);
  });
});

describe('who has a message', () => {
  it('and may still show it is named', async () => {
    const server = open();
    const [one, other] = [await introduced(1, 2), await introduced(3)];
    server.deliver({kind: 'user', name: 'user3'}, 'for another', ROOT);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    const waiting = () => server.waitingFor(id).map((session) => session.id);
    expect(waiting()).toEqual([`${one.id}.1`, `${one.id}.2`, `${other.id}.3`]);
    one.say({type: 'receipts', items: [receiptOf(id, 'taken', 2), receiptOf(id, 'shown', 1)]});
    other.say({type: 'goodbye', items: [3, 3]});
    await settle();
    expect(waiting()).toEqual([`${one.id}.2`]);
    expect(server.waitingFor('no such message')).toEqual([]);
  });

  it('is told when it was full and reads again: each message once, in order', async () => {
    const server = open();
    const one = await introduced(1);
    const ids = congest(server);
    const told = () => one.heard.flatMap((said) => (said.type === 'deliver' ? said.items : []));
    await until(() => told().length === ids.length);
    await settle();
    expect(told().map(({id}) => id)).toEqual(ids);
  });
});

describe('a mailbox that dies', () => {
  it('is found out by whoever asks for its message, and not by who asks for another', async () => {
    const server = open();
    const [one, other] = [await introduced(1), await introduced(2)];
    const {id} = server.deliver({kind: 'user', name: 'user1'}, 'hi', ROOT);
    const others = server.deliver({kind: 'user', name: 'user2'}, 'hi', ROOT).id;
    one.die();
    other.die();
    server.receipt(id);
    await settle();
    expect(server.receipt(id)).toMatchObject({waiting: 0, lost: 1});
    expect(log.slice(2)).toEqual([`${id} not shown to ${one.id}.1: session ended`]);
    expect(existsSync(mailboxPath(queuePath, one.id))).toBe(false);
    server.receipt(others);
    await settle();
    expect(server.receipt(others)).toMatchObject({waiting: 0, lost: 1});
  });

  it('is found out by the next check if it has a message, for as long as it has one', async () => {
    const server = open();
    const [idle, owing] = [await introduced(1), await introduced(2)];
    const {id} = server.deliver({kind: 'user', name: 'user2'}, 'hi', ROOT);
    idle.die();
    owing.die();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(log.slice(1)).toEqual([`${id} not shown to ${owing.id}.2: session ended`]);
    expect(readdirSync(directory)).toEqual(['queue', `queue.${idle.id}`]);
    expect(server.sessions()).toEqual([]);
  });

  it('is found out among more than one check looks at', async () => {
    const server = open();
    const count = MAX_CHECKED_AT_ONCE + 2;
    for (let n = 1; n <= count; n++) {
      const one = box();
      one.hello(n);
      one.say({type: 'complete'});
      await until(() => one.heard.length > 0);
    }
    await settle();
    const {id, recipients} = server.deliver(ALL, 'hi', ROOT);
    expect(recipients).toBe(count);
    const [first, last] = [boxes[0]!, boxes.at(-1)!];
    last.die();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(log.slice(1)).toEqual([]);
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(log.slice(1)).toEqual([`${id} not shown to ${last.id}.${count}: session ended`]);
    first.die();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(log.at(-1)).toBe(`${id} not shown to ${first.id}.1: session ended`);
  });

  it('before its hello is read is reported as lost, unless it has said goodbye', async () => {
    open();
    const [dying, leaving] = [box(), box()];
    for (const each of [dying, leaving]) each.hello(1);
    dying.die();
    leaving.die({leaveFile: false});
    await settle();
    expect(log).toEqual([`lost: ${dying.id}`]);
    expect(queue.unanswered).toBe(0);
  });

  it('before it hears that its goodbye was taken leaves no descriptor open', async () => {
    const server = open();
    const connected = descriptors();
    const one = await introduced(1);
    one.say({type: 'goodbye', items: [1, 1]});
    one.die({leaveFile: false});
    await settle();
    expect(descriptors()).toBe(connected);
    expect(server.sessions()).toEqual([]);
    expect(log).toEqual([]);
  });

  it('when it has said what it has is not missed; nor is one that did say goodbye', async () => {
    const server = open();
    const [one, leaving] = [await introduced(1), await introduced(2)];
    one.die();
    leaving.die({leaveFile: false});
    expect(server.sessions()).toEqual([]);
    await settle();
    expect(log).toEqual([]);
    expect(readdirSync(directory)).toEqual(['queue']);
  });

  it('is found out by a server that closes: it has lost its messages', async () => {
    const server = open();
    const one = await introduced(1);
    const {id} = server.deliver(ALL, 'hi', ROOT);
    one.say({type: 'receipts', items: [receiptOf(id, 'taken', 1)]});
    await settle();
    one.die();
    expect(server.sessions()).toEqual([]);
    server.close();
    expect(log.slice(1)).toEqual([`${id} not shown to ${one.id}.1: session ended`]);
  });

  it('while others answer is waited for no longer', async () => {
    const [alive, dying] = [box(), box()];
    const server = open({answerTimeout: 60_000});
    const answered = vi.fn();
    void server.answered().then(answered);
    alive.hello(1);
    alive.say({type: 'complete'});
    await settle();
    expect(server.unanswered).toBe(1);
    expect(answered).not.toHaveBeenCalled();
    dying.die();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(answered).toHaveBeenCalled();
    expect(log).toEqual([`lost: ${dying.id}`]);
  });
});

describe('a mailbox without sessions', () => {
  it('is let go of when it has said so', async () => {
    open();
    const before = descriptors();
    const one = box();
    one.hello(1);
    await settle();
    one.say({type: 'goodbye', items: [1, 1]});
    await settle();
    // The test's own socket, and the server's.
    expect(descriptors()).toBe(before + 2);
    one.say({type: 'complete'});
    await settle();
    expect(descriptors()).toBe(before + 1);
  });
});

describe('answers', () => {
  it('that have all come are not waited for', async () => {
    const server = open({answerTimeout: 60_000});
    await introduced(1);
    const answered = vi.fn();
    void server.answered().then(answered);
    await settle();
    expect(answered).toHaveBeenCalled();
  });

  it('are waited for until the last mailbox has had its time', async () => {
    box();
    const server = open({answerTimeout: 2000});
    const answered = vi.fn();
    void server.answered().then(answered);
    vi.advanceTimersByTime(1999);
    await settle();
    expect(answered).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    await settle();
    expect(answered).toHaveBeenCalled();
    expect(server.unanswered).toBe(1);
  });

  it('are not waited for by a server that closes', async () => {
    box();
    const server = open({answerTimeout: 60_000});
    const answered = vi.fn();
    void server.answered().then(answered);
    server.close();
    await settle();
    expect(answered).toHaveBeenCalled();
  });
});

describe('a mailbox that cannot be written to', () => {
  it('for a while gets all its messages after it; the log says so once', async () => {
    const server = open();
    const one = await introduced(1);
    const send = vi.spyOn(DatagramSender.prototype, 'send');
    const cannot = (why: string) => send.mockReturnValueOnce({kind: 'failed', cause: new Error(why)});
    const reason = (why: string) => `ignored: mailbox ${one.id} cannot be written to: ${why}`;
    cannot('ENOMEM');
    server.deliver(ALL, 'hi', ROOT);
    expect(log.splice(0)).toEqual(['hi to 1', reason('ENOMEM')]);
    cannot('ENOMEM');
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    expect(log).toEqual([]);
    cannot('ENOBUFS');
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    expect(log.splice(0)).toEqual([reason('ENOBUFS')]);
    await settle();
    expect(one.heardOf('deliver')).toEqual([]);
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(one.heardOf('deliver')).toMatchObject([{items: [{text: 'hi'}]}]);
    expect(log).toEqual([]);
    cannot('ENOBUFS');
    server.deliver(ALL, 'again', ROOT);
    expect(log).toEqual(['again to 1', reason('ENOBUFS')]);
  });

  it('because it cannot be connected to is tried again, counted until then, and the log says so once', async () => {
    const server = open();
    const connect = vi.spyOn(DatagramSender, 'connect');
    const one = box();
    one.hello(1);
    connect.mockReturnValue({kind: 'failed', cause: new Error('EMFILE')});
    await settle();
    expect(server.unanswered).toBe(1);
    for (const _ of [1, 2]) vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    expect(log).toEqual([`ignored: mailbox ${one.id} cannot be written to: EMFILE`]);
    connect.mockRestore();
    vi.advanceTimersByTime(CHECK_INTERVAL_MS);
    await settle();
    expect(one.heardOf('present')).toHaveLength(1);
    one.say({type: 'complete'});
    await settle();
    expect(server.unanswered).toBe(0);
    expect(log).toHaveLength(1);
  });
});

describe('sessions that are kicked', () => {
  const kicked = (one: ScriptedMailbox) =>
    one.heard.flatMap((said) => (said.type === 'kick' ? [said.items] : []));

  it('are told, and no others, and counted when they have said goodbye', async () => {
    const server = open();
    const [one, other] = [await introduced(1, 2, 3), await introduced(4)];
    const count = vi.fn();
    void server.kick(new Set([`${one.id}.1`, `${one.id}.3`, `${other.id}.9`])).then(count);
    await settle();
    expect([kicked(one), kicked(other)]).toEqual([[[1, 1, 3, 3]], []]);
    for (const n of [2, 1]) one.say({type: 'goodbye', items: [n, n]});
    await settle();
    expect(count).not.toHaveBeenCalled();
    one.say({type: 'goodbye', items: [3, 3]});
    await settle();
    expect(count.mock.calls).toEqual([[2]]);
    expect(kicked(one)).toHaveLength(1);
  });

  it('and do not end by the deadline are not counted', async () => {
    const server = open();
    const one = await introduced(1, 2);
    const count = vi.fn();
    void server.kick(new Set([`${one.id}.1`, `${one.id}.2`])).then(count);
    one.say({type: 'goodbye', items: [2, 2]});
    await settle();
    vi.advanceTimersByTime(KICK_TIMEOUT_MS - 1);
    await settle();
    expect(count).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    await settle();
    expect(count.mock.calls).toEqual([[1]]);
  });

  it('together with their process are counted', async () => {
    const server = open();
    const one = await introduced(1);
    one.die();
    expect(await server.kick(new Set([`${one.id}.1`]))).toBe(1);
    expect(await server.kick(new Set([`${one.id}.1`]))).toBe(0);
  });

  it('hear of it behind their messages, when they can', async () => {
    const server = open();
    const one = await introduced(1);
    congest(server);
    void server.kick(new Set([`${one.id}.1`]));
    await until(() => kicked(one).length > 0);
    expect(one.heard.at(-1)).toEqual({type: 'kick', items: [1, 1]});
    expect(one.heard.flatMap((said) => (said.type === 'deliver' ? said.items : []))).toHaveLength(
      MAX_WAITING_MESSAGES,
    );
    one.say({type: 'goodbye', items: [1, 1]});
    await settle();
  });

  it('however many they are are all told', async () => {
    const server = open();
    const one = box();
    const numbers = Array.from({length: MAX_RANGES + 1}, (_, n) => 2 * n + 1);
    for (let at = 0; at < numbers.length; at += 100) {
      one.hello(...numbers.slice(at, at + 100));
      await settle();
    }
    const count = server.kick(new Set(numbers.map((n) => `${one.id}.${n}`)));
    await settle();
    expect(kicked(one).map(({length}) => length)).toEqual([2 * MAX_RANGES, 2]);
    one.die();
    server.sessions();
    expect(await count).toBe(numbers.length);
  });
});

describe('servers that are down', () => {
  const down = (one: ScriptedMailbox) =>
    one.heard.flatMap((said) => (said.type === 'down' ? [said.servers] : []));

  it('are told to mailboxes with sessions and without, and to those that come later; up again, too', async () => {
    const server = open();
    const [busy, idle] = [await introduced(1), box()];
    server.setDown(['127.0.0.1#21']);
    await settle();
    idle.say({type: 'complete'});
    expect([down(busy), down(idle)]).toEqual([[['127.0.0.1#21']], [['127.0.0.1#21']]]);
    const late = await introduced(1);
    expect(down(late)).toEqual([['127.0.0.1#21']]);
    server.setDown([]);
    await settle();
    expect([busy, late].map((one) => one.heard.at(-1))).toEqual(Array(2).fill({type: 'down', servers: []}));
    // It was let go of, having no sessions: asked anew, it takes no server for down.
    expect(idle.heard.at(-1)).toEqual({type: 'present'});
    idle.say({type: 'complete'});
    expect(down(await introduced(1))).toEqual([]);
  });

  it('are told to a mailbox that joins because it has opened, which is asked for its sessions', async () => {
    const server = open();
    server.setDown(['::1#21']);
    const one = box();
    one.say({type: 'complete'});
    await settle();
    expect(one.heard).toEqual([{type: 'present'}, {type: 'down', servers: ['::1#21']}]);
    expect(server.unanswered).toBe(1);
    expect(log).toEqual([]);
    one.say({type: 'complete'});
    await settle();
    expect(server.unanswered).toBe(0);
  });
});

describe('a server that shuts down', () => {
  it('tells every process, with sessions and without, once', async () => {
    const server = open();
    const [busy, idle] = [await introduced(1), box()];
    await server.shutDown();
    await server.shutDown();
    server.deliver(ALL, 'hi', ROOT);
    await settle();
    expect([busy, idle].map((one) => one.heardOf('shutdown').length)).toEqual([1, 1]);
  });
});

describe('a server that closes', () => {
  it('reports what was not handed over as undelivered, once, and nothing of a session that has left', async () => {
    const server = open();
    server.recorded = () => new Promise(() => {});
    const one = await introduced(1, 2);
    const send = vi.spyOn(DatagramSender.prototype, 'send').mockReturnValue({kind: 'full'});
    const [own, both] = [{kind: 'user', name: 'user1'} as const, ALL].map(
      (audience) => server.deliver(audience, 'hi', ROOT).id,
    );
    send.mockRestore();
    one.say({type: 'goodbye', items: [1, 1]});
    await settle();
    const ended = [own, both].map((id) => `${id} not shown to ${one.id}.1: session ended`);
    expect(log.splice(0).slice(2)).toEqual(ended);
    const reported = vi.fn();
    server.on('undelivered', reported);
    server.close();
    expect(reported).toHaveBeenCalledTimes(1);
    expect(log).toEqual([`${both} not shown to ${one.id}.2: server stopped`]);
  });

  it('is told nothing more', async () => {
    const server = open();
    const one = await introduced(1);
    server.close();
    expect(existsSync(queuePath)).toBe(false);
    expect(() => one.say({type: 'complete'})).toThrow();
    expect(server.unanswered).toBe(0);
    expect(server.sessions()).toEqual([]);
  });

  it('and closes again changes nothing of the one after it', async () => {
    const first = open();
    first.close();
    open();
    first.close();
    await introduced(1);
    expect(queue.sessions()).toHaveLength(1);
  });
});

describe('a server that starts', () => {
  it('takes in no file that is no socket, and says why; with a mailbox that died it loses something', async () => {
    const dead = box();
    dead.die();
    const file = `${process.pid}.0123456789ab`;
    writeFileSync(mailboxPath(queuePath, file), '');
    const server = open();
    await settle();
    expect(log).toEqual([
      `lost: ${dead.id}`,
      `ignored: mailbox ${file} cannot be written to: it is not a socket`,
    ]);
    expect(readdirSync(directory)).toEqual(['queue', `queue.${file}`]);
    expect(server.unanswered).toBe(0);
  });
});

it('receipts of what is over are kept for ten minutes after they were last asked for', () => {
  const server = open();
  const [asked, forgotten] = [server.deliver(ALL, 'hi', ROOT).id, server.deliver(ALL, 'hi', ROOT).id];
  vi.advanceTimersByTime(SETTLED_RECEIPTS.lifetimeMs);
  expect(server.receipt(asked)).toBeDefined();
  vi.advanceTimersByTime(1);
  expect(server.receipt(forgotten)).toBeUndefined();
  expect(server.receipt(asked)).toBeDefined();
  vi.advanceTimersByTime(SETTLED_RECEIPTS.lifetimeMs + 1);
  expect(server.receipt(asked)).toBeUndefined();
});
