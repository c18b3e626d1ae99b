import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, expect, it} from 'vitest';
import {deliver} from '../../../src/lib/proftpd/delivery/deliver.ts';
import {DeliveryQueue} from '../../../src/lib/proftpd/delivery/deliveryQueue.ts';
import type {DeliveryOptions} from '../../../src/lib/proftpd/delivery/deliveryRound.ts';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import type {ScoreboardSession} from '../../../src/lib/scoreboard/scoreboard.ts';
import {SystemVQueue} from '../../../src/lib/transport/systemV.ts';
import {cpuTicks} from '../../helpers/cpuTicks.ts';
import type {FtpSession} from '../../helpers/ftpSession.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../../helpers/proftpd.ts';
import {sessionSource} from '../../helpers/sessionSource.ts';
import {spawnTs} from '../../helpers/spawnTs.ts';

describeWithPeer(whyNoProftpd(), 'delivery to sessions of a real ProFTPD', () => {
  let proftpd: RealProftpd;
  let queue: DeliveryQueue;
  let raw: SystemVQueue;
  const open: FtpSession[] = [];
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    proftpd = await startProftpd({directives: ['MaxInstances none', 'TimeoutLinger 1']});
    queue = DeliveryQueue.open(proftpd.queueKey, proftpd.pid)!;
    raw = SystemVQueue.open(proftpd.queueKey)!;
  });
  afterEach(async () => {
    expect(raw.list()).toEqual([]);
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(open.splice(0).map((session) => session.close()));
  });
  afterAll(async () => {
    queue?.close();
    await proftpd?.stop();
  });

  async function connect(user?: string): Promise<FtpSession> {
    const session = await proftpd.session(user);
    open.push(session);
    return session;
  }

  /** The sessions there are once there are so many. */
  async function sessions(count: number): Promise<ScoreboardSession[]> {
    for (;;) {
      const found = sessionsOf(sessionSource(proftpd));
      if (found.length === count && found.every(({protocol}) => protocol !== '')) return found;
      await sleep(10);
    }
  }

  const outcomes = async (
    lines: readonly string[],
    to: readonly ScoreboardSession[],
    options: DeliveryOptions<ScoreboardSession> = {},
  ) => {
    const results = await deliver(proftpd.pid, queue, lines, to, {audit: () => {}, ...options});
    return results.map(({outcome}) => outcome);
  };

  it('brings a message, byte by byte, into the next reply', async () => {
    const dave = await connect('dave');
    const text = `100% \u00fc\u4e2d\u{1f980}\t\x07 ${'x'.repeat(5080)}`;
    expect(await outcomes([text], await sessions(1))).toEqual([{kind: 'taken'}]);
    expect(await dave.command('NOOP')).toEqual(['200-NOOP command successful', `200 ${text}`]);
  });

  it('brings several lines in one reply, in order, and tells of the taking at once', async () => {
    const dave = await connect('dave');
    const taken: number[] = [];
    const found = await sessions(1);
    await outcomes(['one', 'two', 'two', 'three'], found, {
      onTaken: (some) => taken.push(...some.map(({pid}) => pid)),
    });
    expect(taken).toEqual(found.map(({pid}) => pid));
    const reply = await dave.command('NOOP');
    expect(reply).toEqual(['200-NOOP command successful', ' one', ' two', ' two', '200 three']);
  });

  it('reaches a session before its login', async () => {
    const nobody = await connect();
    expect(await outcomes(['early'], await sessions(1))).toEqual([{kind: 'taken'}]);
    expect(await nobody.command('USER dave')).toEqual(['331-Password required for dave', '331 early']);
  });

  it('records who sends what', async () => {
    await connect('dave');
    const log: string[] = [];
    const found = await sessions(1);
    await outcomes(['one', 'two'], found, {audit: (line) => log.push(line)});
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^msg from root( \(logged in as .*\))? directly to sessions /);
    expect(log[0]).toContain(` ${found[0]!.pid}: ${JSON.stringify('one\ntwo')}`);
  });

  it('refuses what cannot be shown as it is', async () => {
    for (const lines of [['a\r\nb'], ['a\0b'], ['x'.repeat(5114)], []]) {
      await expect(outcomes(lines, [])).rejects.toMatchObject({code: 'MESSAGE_TEXT', exitStatus: 3});
    }
  });

  it('leaves SFTP out, and lines that are more than the queue holds', async () => {
    await connect('dave');
    const [dave] = await sessions(1);
    const left = [{...dave!, protocol: 'sftp'}, dave!];
    expect(await outcomes(['x'.repeat(5000)], left)).toEqual([
      {kind: 'refused', why: 'protocol'},
      {kind: 'taken'},
    ]);
    expect(await outcomes(Array(4).fill('x'.repeat(5000)), [dave!])).toEqual([
      {kind: 'refused', why: 'too long'},
    ]);
    // More than half of the queue, but not more than it holds.
    expect(await outcomes(Array(3).fill('x'.repeat(5000)), [dave!])).toEqual([{kind: 'taken'}]);
  });

  it('withdraws from a stopped session in time, and puts back what others sent, in order', async () => {
    const [dave, alice] = [await connect('dave'), await connect('alice')];
    const [first, second] = (await sessions(2)) as [ScoreboardSession, ScoreboardSession];
    const stopped = first.user === 'dave' ? first : second;
    process.kill(stopped.pid, 'SIGSTOP');
    const others = ['other 1\0', 'ours\0', 'other 2\0'].map((text) => Buffer.from(text));
    for (const text of others) raw.send(stopped.pid, text);
    const result = await outcomes(['ours', 'too'], [first, second], {timeoutMs: 400});
    expect(result[[first, second].indexOf(stopped)]).toEqual({
      kind: 'withdrawn',
      why: 'timeout',
      linesTaken: 0,
    });
    expect(raw.list()).toEqual(others.map((bytes) => ({type: stopped.pid, bytes})));
    expect(await alice.command('NOOP')).toEqual(['200-NOOP command successful', ' ours', '200 too']);

    process.kill(stopped.pid, 'SIGCONT');
    const reply = await dave.command('NOOP');
    expect(reply).toEqual(['200-NOOP command successful', ' other 1', ' ours', '200 other 2']);
  });

  it('keeps a stopped session from keeping the message from others', async () => {
    for (let count = 0; count < 6; count += 1) await connect('dave');
    const found = await sessions(6);
    const stopped = found.slice(0, 3);
    for (const {pid} of stopped) process.kill(pid, 'SIGSTOP');
    // One alone takes the half of the queue that may be filled.
    const result = await outcomes(['x'.repeat(5000), 'y'.repeat(3000)], found, {timeoutMs: 1500});
    expect(result.slice(3)).toEqual(Array(3).fill({kind: 'taken'}));
    expect(result.slice(0, 3).map(({kind}) => kind)).toEqual(Array(3).fill('withdrawn'));
    for (const {pid} of stopped) process.kill(pid, 'SIGCONT');
    for (const session of open) {
      const isStopped = (await session.command('NOOP')).length === 1;
      expect(isStopped).toBe(open.indexOf(session) < 3);
    }
  });

  it('aborts before it returns to whoever aborted', async () => {
    await connect('dave');
    const [dave] = await sessions(1);
    process.kill(dave!.pid, 'SIGSTOP');
    const controller = new AbortController();
    const result = outcomes(['never'], [dave!], {signal: controller.signal});
    while (raw.list()!.length === 0) await sleep(1);
    controller.abort();
    expect(raw.list()).toEqual([]);
    expect(await result).toEqual([{kind: 'withdrawn', why: 'aborted', linesTaken: 0}]);
    process.kill(dave!.pid, 'SIGCONT');
    expect(await outcomes(['never'], [dave!], {signal: AbortSignal.abort()})).toEqual([
      {kind: 'withdrawn', why: 'aborted', linesTaken: 0},
    ]);
  });

  it('says that a session has gone that ends before it takes the message, or before it is sent', async () => {
    await connect('dave');
    const [dave] = await sessions(1);
    process.kill(dave!.pid, 'SIGSTOP');
    const result = outcomes(['late'], [dave!]);
    while (raw.list()!.length === 0) await sleep(1);
    process.kill(dave!.pid, 'SIGKILL');
    expect(await result).toEqual([{kind: 'gone'}]);
    await sessions(0);
    expect(await outcomes(['late'], [dave!])).toEqual([{kind: 'gone'}]);
  });

  it('signals no process that has the pid of a session and is none', async () => {
    await connect('dave');
    const [dave] = await sessions(1);
    // Ends at the first signal it gets, and one that would survive it.
    const victim = spawn('sleep', ['60']);
    const handler = spawn('sh', ['-c', 'trap "exit 9" USR2; echo up; while :; do sleep 0.05; done'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(victim, handler);
    await once(handler.stdout!, 'data');
    const strangers = [
      ...[victim.pid!, handler.pid!, proftpd.pid, process.pid, 1, 0, -1].map((pid) => ({...dave!, pid})),
      // Its pid, but of a session that began long before.
      {...dave!, connectedAt: dave!.connectedAt! - 10_000},
    ];
    expect(await outcomes(['not for you'], strangers)).toEqual(
      strangers.map(() => ({kind: 'refused', why: 'not its process'})),
    );
    await sleep(100);
    expect([victim, handler].map(({exitCode, signalCode}) => exitCode ?? signalCode)).toEqual([null, null]);
  });

  it('refuses a session that the kernel does not let us signal', async () => {
    await connect('dave');
    const found = await sessions(1);
    const child = await spawnTs(join(import.meta.dirname, '../sessions/strangerChild.ts'), [
      ...[proftpd.pid, found[0]!.pid].map(String),
    ]);
    expect(await child.next()).toEqual({kind: 'forbidden'});
    await child.kill();
  });

  it('takes away what lies there for the dead, and nothing else; brings others what was forgotten', async () => {
    const [dave, alice] = [await connect('dave'), await connect('alice')];
    const found = await sessions(2);
    const to = (user: string) => found.find((session) => session.user === user)!;
    const gone = spawn('true');
    await once(gone, 'exit');
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    for (const pid of [gone.pid!, stranger.pid!, 2 ** 30]) raw.send(pid, Buffer.from('stale\0'));
    // As a sender leaves it that was killed before it could signal.
    raw.send(to('alice').pid, Buffer.from('forgotten\0'));
    const removed: number[] = [];
    await outcomes(['fresh'], [to('dave')], {
      onRemoved: (leftovers) => removed.push(...leftovers.map(({pid}) => pid)),
    });
    expect(removed).toEqual([gone.pid!, stranger.pid!, 2 ** 30]);
    expect(await dave.command('NOOP')).toEqual(['200-NOOP command successful', '200 fresh']);
    while (raw.list()!.length > 0) await sleep(5);
    expect(await alice.command('NOOP')).toEqual(['200-NOOP command successful', '200 forgotten']);
  });

  it('reaches a session in a transfer, in its 226', async () => {
    const dave = await connect('dave');
    const server = createServer((socket) => sockets.push(socket.resume())).listen(0, '127.0.0.1');
    const sockets: Socket[] = [];
    await once(server, 'listening');
    const {port} = server.address() as {port: number};
    await dave.command(`PORT 127,0,0,1,${port >> 8},${port & 255}`);
    expect((await dave.command('STOR upload'))[0]).toMatch(/^150 /);
    expect(await outcomes(['meanwhile'], await sessions(1))).toEqual([{kind: 'taken'}]);
    while (sockets.length === 0) await sleep(5);
    sockets[0]!.end('text');
    expect(await dave.reply()).toEqual(['226-Transfer complete', '226 meanwhile']);
    server.close();
  });

  it('gives 200 sessions 1,000 bytes each, once, and the daemon nothing to do', async () => {
    const clients = [];
    for (let batch = 0; batch < 10; batch += 1) {
      clients.push(...(await Promise.all(Array.from({length: 20}, () => connect()))));
    }
    const found = await sessions(200);
    const text = 'x'.repeat(1000);
    const before = cpuTicks(proftpd.pid);
    expect(await outcomes([text], found)).toEqual(found.map(() => ({kind: 'taken'})));
    expect(cpuTicks(proftpd.pid) - before).toBeLessThan(20);
    const replies = await Promise.all(clients.map((client) => client.command('NOOP')));
    expect(new Set(replies.map((reply) => reply.slice(1).join()))).toEqual(new Set([`200 ${text}`]));
  });
});
