import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {guardQueue} from '../../../src/lib/proftpd/delivery/queueGuard.ts';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import {SystemVQueue} from '../../../src/lib/transport/systemV.ts';
import {cpuTicks} from '../../helpers/cpuTicks.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {type RealProftpd, runStockFtpdctl, startProftpd, whyNoProftpd} from '../../helpers/proftpd.ts';
import {sessionSource} from '../../helpers/sessionSource.ts';

describeWithPeer(whyNoProftpd(), 'the queue of a real ProFTPD', () => {
  let proftpd: RealProftpd;
  let queue: SystemVQueue;
  beforeAll(async () => {
    proftpd = await startProftpd();
    queue = SystemVQueue.open(proftpd.queueKey)!;
  });
  afterAll(() => proftpd?.stop());

  const guard = (recipients: number, bytes: number) => guardQueue(proftpd.pid, queue, recipients, bytes);
  /** Messages of 1,000 bytes, as many as fit beside one more. */
  const fill = (pid: number) => {
    const text = Buffer.alloc(1000, 'x');
    for (let count = 0; count < 15; count += 1) queue.send(pid, text);
    return () => {
      while (queue.receive(pid)) {}
    };
  };

  it('bears a message when it is empty', async () => {
    expect(await guard(1, 1000)).toEqual({kind: 'ok'});
    expect(await guard(13, 1000)).toMatchObject({kind: 'refuse', why: 'nobody takes', free: 16_384});
  });

  it('is refused where the daemon would spin for ever, with the stock client to show it', async () => {
    const gone = spawn('true');
    await once(gone, 'exit');
    const drain = fill(gone.pid!);
    const client = await proftpd.session('dave');
    const text = ['y'.repeat(200), ...Array(7).fill('y'.repeat(200))];
    const bytes = text.join(' ').length;
    expect(await guard(1, bytes)).toEqual({
      ...{kind: 'refuse', why: 'no room', need: bytes + 1, free: 1384, stuck: 15_000, capacity: 16_384},
      spinMs: null,
    });

    const sent = runStockFtpdctl(proftpd.socket, ['msg', 'user', 'dave', ...text]);
    const before = cpuTicks(proftpd.pid);
    while (cpuTicks(proftpd.pid) - before < 50) await sleep(20);
    expect(await Promise.race([sent, sleep(10, 'still spinning')])).toBe('still spinning');
    drain();
    expect((await sent).stdout).toBe('ftpdctl: message sent\n');
    await client.command('NOOP');
    await client.close();
  });

  it('bears what comes beside leftovers, and refuses more beside a living session that is stuck', async () => {
    const client = await proftpd.session('dave');
    const [dave] = sessionsOf(sessionSource(proftpd));
    const gone = spawn('true');
    await once(gone, 'exit');
    // A queue from which nobody has taken anything yet is another case.
    fill(gone.pid!)();
    const drainDead = fill(gone.pid!);
    expect(await guard(1, 900)).toEqual({kind: 'ok'});
    drainDead();
    const drain = fill(dave!.pid);
    expect(await guard(1, 900)).toMatchObject({kind: 'refuse', why: 'session stuck'});
    drain();
    await client.close();
  });

  it('may be asked about by anybody', async () => {
    process.setegid!(65534);
    process.seteuid!(65534);
    try {
      expect(await guard(1, 1000)).toEqual({kind: 'ok'});
    } finally {
      process.seteuid!(0);
      process.setegid!(0);
    }
  });
});
