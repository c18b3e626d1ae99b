import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {
  ACTIVE_INTERVAL_MS,
  CLOSE_GRACE_MS,
  RETRY_MS,
  SHOWING_TIMEOUT_MS,
} from '../../src/lib/session/limits.ts';
import type {Mailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {DatagramSender} from '../../src/lib/transport/sockets/datagram.ts';
import {ScriptedServer, settle, until} from './scripted.ts';
import {identity} from './support.ts';

let directory: string;
let queuePath: string;
let warnings: string[];
let mailbox: Mailbox;

beforeEach(() => {
  // Sockets and the event loop are real; the clock moves when a test says so.
  vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout']});
  directory = mkdtempSync(join(tmpdir(), 'mailbox-'));
  queuePath = join(directory, 'queue');
  warnings = [];
});

afterEach(async () => {
  const closed = mailbox.close();
  vi.advanceTimersByTime(CLOSE_GRACE_MS);
  await closed;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(directory, {recursive: true});
});

function open(): Mailbox {
  mailbox = openMailbox({queuePath, warn: (line) => warnings.push(line)});
  return mailbox;
}

/** A server that is there already when the mailbox is opened. */
function openWithServer(): ScriptedServer {
  const server = new ScriptedServer(queuePath);
  open();
  return server;
}

/** The server knows the mailbox, and all the sessions it has had until now. */
async function joined(server: ScriptedServer): Promise<void> {
  await until(() => server.heard.some(({type}) => type === 'complete'));
  server.heardSince();
}

/** Close it, and see that nothing is waited for. */
async function closesAtOnce(): Promise<void> {
  const closed = vi.fn();
  void mailbox.close().then(closed);
  await settle();
  expect(closed).toHaveBeenCalled();
}

function spyOnAttempts() {
  return vi.spyOn(DatagramSender, 'connect');
}

describe('an absent server', () => {
  it('is looked for less and less often, but at least each minute', async () => {
    const attempts = spyOnAttempts();
    open().register(identity());
    await settle();
    expect(attempts).toHaveBeenCalledTimes(1);
    for (let wait: number = RETRY_MS.first; wait <= 4 * RETRY_MS.last; wait *= 2) {
      attempts.mockClear();
      vi.advanceTimersByTime(Math.min(wait, RETRY_MS.last) - 1);
      expect(attempts).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(attempts).toHaveBeenCalledTimes(1);
    }
    expect(warnings).toEqual([]);
  });

  it('is not looked for sooner because there is more to say, and then hears all of it', async () => {
    const attempts = spyOnAttempts();
    const first = open().register(identity({user: 'first'}));
    await settle();
    mailbox.register(identity({user: 'second'}));
    first.change({user: 'changed'});
    await settle();
    expect(attempts).toHaveBeenCalledTimes(1);
    const server = new ScriptedServer(queuePath);
    vi.advanceTimersByTime(RETRY_MS.first);
    await until(() => server.heard.length === 2);
    expect(server.heardSince()).toEqual(['hello ["changed","second"]', 'complete']);
    server.close();
  });

  it('that asks before it is looked for is answered, and looked for no more', async () => {
    open().register(identity());
    await settle();
    const server = new ScriptedServer(queuePath);
    const attempts = spyOnAttempts();
    server.say({type: 'present'});
    attempts.mockClear();
    await until(() => server.heard.length === 2);
    expect(server.heardSince()).toEqual(['hello ["dave"]', 'complete']);
    vi.advanceTimersByTime(RETRY_MS.last);
    await settle();
    expect(attempts).toHaveBeenCalledTimes(1);
    expect(server.heardSince()).toEqual([]);
    server.close();
  });

  it('that comes back without asking is told everything anew', async () => {
    const first = openWithServer();
    const [dave] = [mailbox.register(identity()), mailbox.register(identity({user: 'ann'}))];
    await joined(first);
    first.say({type: 'deliver', items: [{id: 'm', text: 'hi', to: [1, 2], recipients: 2, sender: 0}]});
    await until(() => first.heard.length === 1);
    first.close();
    dave.shown(['m']);
    await settle();
    // It is the first attempt in a row that has failed, however many there were long ago.
    const second = new ScriptedServer(queuePath);
    vi.advanceTimersByTime(RETRY_MS.first);
    await until(() => second.heard.length > 1);
    const origin = {recipients: 2, sender: 0};
    const receipts = [
      {id: 'm', state: 'taken', to: [2, 2], ...origin},
      {id: 'm', state: 'shown', to: [1, 1], ...origin},
    ];
    expect(second.heardSince()).toEqual(['hello ["dave","ann"]', `receipts ${JSON.stringify(receipts)}`]);
    second.close();
  });
});

describe('a queue that cannot be used', () => {
  const warning = expect.stringMatching(
    /^no message will arrive: the session queue \/.*\/queue cannot be used: it is not a socket/,
  );

  it('is warned of once, and again when it was absent in the meantime', async () => {
    writeFileSync(queuePath, '');
    open().register(identity());
    await settle();
    expect(warnings).toEqual([warning]);
    vi.advanceTimersByTime(RETRY_MS.first);
    expect(warnings).toEqual([warning]);
    rmSync(queuePath);
    vi.advanceTimersByTime(2 * RETRY_MS.first);
    expect(warnings).toEqual([warning]);
    writeFileSync(queuePath, '');
    vi.advanceTimersByTime(4 * RETRY_MS.first);
    expect(warnings).toEqual([warning, warning]);
  });

  it('is warned of again when it could be used in the meantime, and for another reason', async () => {
    const connect = spyOnAttempts();
    connect.mockReturnValueOnce({kind: 'failed', cause: new Error('EMFILE: too many open files')});
    writeFileSync(queuePath, '');
    open().register(identity());
    await settle();
    expect(warnings).toEqual([expect.stringContaining('EMFILE: too many open files')]);
    vi.advanceTimersByTime(RETRY_MS.first);
    expect(warnings.splice(0)).toEqual([expect.anything(), warning]);
    rmSync(queuePath);
    const server = new ScriptedServer(queuePath);
    vi.advanceTimersByTime(2 * RETRY_MS.first);
    await joined(server);
    server.close();
    writeFileSync(queuePath, '');
    mailbox.register(identity());
    await settle();
    vi.advanceTimersByTime(RETRY_MS.first);
    expect(warnings).toEqual([warning]);
  });
});

describe('a session that is active', () => {
  it('is told of in good time, together with the others, and once', async () => {
    const server = openWithServer();
    const sessions = ['a', 'b', 'c'].map((user) => mailbox.register(identity({user})));
    await joined(server);
    for (const at of [0, 2, 0]) sessions[at]!.active();
    await settle();
    vi.advanceTimersByTime(ACTIVE_INTERVAL_MS - 1);
    await settle();
    expect(server.heardSince()).toEqual([]);
    vi.advanceTimersByTime(1);
    await settle();
    expect(server.heardSince()).toEqual(['active [1,1,3,3]']);
    sessions[1]!.active();
    vi.advanceTimersByTime(ACTIVE_INTERVAL_MS);
    await settle();
    expect(server.heardSince()).toEqual(['active [2,2]']);
    server.close();
  });

  it('and unknown to any server costs no timer', async () => {
    const session = open().register(identity());
    session.active();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a message that is about to be shown', () => {
  /** One of two sessions with a message each, of a server that knows of both. */
  async function holding(server: ScriptedServer) {
    const sessions = ['a', 'b'].map((user) => mailbox.register(identity({user})));
    await joined(server);
    server.say({type: 'deliver', items: [{id: 'm', text: 'hi', to: [1, 2], recipients: 2, sender: 0}]});
    await until(() => server.heard.length === 1);
    server.heardSince();
    return sessions;
  }

  it('is told of first, for all sessions in one datagram', async () => {
    const server = openWithServer();
    const [first, second] = await holding(server);
    const told = Promise.all([first!.showing(['m']), second!.showing(['m'])]);
    expect(await told).toEqual([true, true]);
    await until(() => server.heard.length === 1);
    expect(server.heardSince()).toEqual([
      `receipts [{"id":"m","state":"showing","to":[1,2],"recipients":2,"sender":0}]`,
    ]);
    server.close();
  });

  it('waits while the server reads nothing, not for ever, and can be shown when it does', async () => {
    const server = openWithServer();
    const [first] = await holding(server);
    const send = vi.spyOn(DatagramSender.prototype, 'send').mockReturnValue({kind: 'full'});
    const told = vi.fn();
    void first!.showing(['m']).then(told);
    await settle();
    vi.advanceTimersByTime(SHOWING_TIMEOUT_MS - 1);
    await settle();
    expect(told).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    await settle();
    expect(told).toHaveBeenCalledWith(false);
    expect(first!.pending()).toHaveLength(1);
    send.mockRestore();
    expect(await first!.showing(['m'])).toBe(true);
    await until(() => server.heard.length === 1);
    expect(server.heardSince()).toEqual([expect.stringContaining('"showing","to":[1,1]')]);
    server.close();
  });

  it('is shown where no server is there, and the next one hears of it', async () => {
    const first = openWithServer();
    const [session] = await holding(first);
    first.close();
    expect(await session!.showing(['m'])).toBe(true);
    const second = new ScriptedServer(queuePath);
    vi.advanceTimersByTime(RETRY_MS.first);
    await until(() => second.heard.length > 1);
    expect(second.heard[1]).toMatchObject({
      items: [
        {state: 'taken', to: [2, 2]},
        {state: 'showing', to: [1, 1]},
      ],
    });
    second.close();
  });

  it('is not shown where the mailbox closes meanwhile', async () => {
    const server = openWithServer();
    const [session] = await holding(server);
    vi.spyOn(DatagramSender.prototype, 'send').mockReturnValue({kind: 'full'});
    const told = session!.showing(['m']);
    const closed = mailbox.close();
    vi.advanceTimersByTime(CLOSE_GRACE_MS);
    await closed;
    expect(await told).toBe(false);
    server.close();
  });
});

describe('an order of the server', () => {
  it('ends the sessions it names, and those that have ended not again', async () => {
    const server = openWithServer();
    const kicked: string[] = [];
    const [first] = ['a', 'b', 'c'].map((user) =>
      mailbox.register(identity({user}), () => kicked.push(user)),
    );
    await joined(server);
    server.say({type: 'kick', items: [1, 2]});
    await settle();
    expect(kicked).toEqual(['a', 'b']);
    first!.goodbye();
    server.say({type: 'kick', items: [1, 1, 3, 3]});
    await settle();
    expect(kicked).toEqual(['a', 'b', 'c']);
    // One that nobody can end goes on.
    const session = mailbox.register(identity());
    await settle();
    server.say({type: 'kick', items: [4, 4]});
    session.active();
    await settle();
    server.close();
  });

  it('takes its servers down until it says otherwise, or another server asks', async () => {
    const server = openWithServer();
    await joined(server);
    const isDown = () => ['a#21', 'b#21'].map((name) => mailbox.isDown(name));
    expect(isDown()).toEqual([false, false]);
    server.say({type: 'down', servers: ['a#21', 'b#21']});
    await settle();
    expect(isDown()).toEqual([true, true]);
    server.say({type: 'down', servers: ['b#21']});
    await settle();
    expect(isDown()).toEqual([false, true]);
    server.say({type: 'present'});
    await settle();
    expect(isDown()).toEqual([false, false]);
    server.close();
  });

  it('to shut down is passed on', async () => {
    const server = openWithServer();
    await joined(server);
    const shutdown = vi.fn();
    void mailbox.shutdown.then(shutdown);
    await settle();
    expect(shutdown).not.toHaveBeenCalled();
    server.say({type: 'shutdown'});
    await settle();
    expect(shutdown).toHaveBeenCalled();
    server.close();
  });
});

describe('closing', () => {
  it('takes as long as the server takes to write down what was shown and who has left', async () => {
    const server = openWithServer();
    const session = mailbox.register(identity());
    await joined(server);
    server.say({type: 'deliver', items: [{id: 'm', text: 'hi', to: [1, 1], recipients: 1, sender: 0}]});
    await until(() => session.pending().length > 0);
    session.shown(['m']);
    const closed = vi.fn();
    void mailbox.close().then(closed);
    await until(() => server.heard.at(-1)?.type === 'goodbye');
    const {seq} = server.heard.at(-1)!;
    server.say({type: 'acknowledge', seq: seq - 1});
    await settle();
    expect(closed).not.toHaveBeenCalled();
    server.say({type: 'acknowledge', seq});
    await settle();
    expect(closed).toHaveBeenCalled();
    expect(readdirSync(directory)).toEqual(['queue']);
    server.close();
  });

  it('does not wait for ever; what the next server has to ask for is left behind as a sign', async () => {
    const server = openWithServer();
    const session = mailbox.register(identity());
    await joined(server);
    server.say({type: 'deliver', items: [{id: 'm', text: 'hi', to: [1, 1], recipients: 1, sender: 0}]});
    await until(() => session.pending().length > 0);
    const closed = vi.fn();
    void mailbox.close().then(closed);
    vi.advanceTimersByTime(CLOSE_GRACE_MS - 1);
    await settle();
    expect(closed).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    await settle();
    expect(closed).toHaveBeenCalled();
    expect(readdirSync(directory)).toHaveLength(2);
    server.close();
  });

  it('does not wait for a server that has heard the end of all sessions', async () => {
    const server = openWithServer();
    const session = mailbox.register(identity());
    await joined(server);
    session.goodbye();
    await until(() => server.heard.length === 1);
    server.say({type: 'acknowledge', seq: server.heard[0]!.seq});
    await settle();
    await closesAtOnce();
    expect(server.heardSince()).toEqual(['goodbye [1,1]']);
    server.close();
  });

  it('does not wait for a server that is not there, and leaves nothing behind', async () => {
    open().register(identity());
    await settle();
    await closesAtOnce();
    expect(vi.getTimerCount()).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is the end: whatever sessions say after it, nobody is told', async () => {
    const server = openWithServer();
    await joined(server);
    await closesAtOnce();
    const attempts = spyOnAttempts();
    const session = mailbox.register(identity());
    session.active();
    session.goodbye();
    await closesAtOnce();
    expect(attempts).not.toHaveBeenCalled();
    expect(server.heard).toEqual([]);
    server.close();
  });
});
