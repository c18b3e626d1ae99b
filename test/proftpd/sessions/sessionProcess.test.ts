import {spawn} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import {endSession} from '../../../src/lib/proftpd/sessions/sessionProcess.ts';
import type {ScoreboardSession} from '../../../src/lib/scoreboard/scoreboard.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../../helpers/proftpd.ts';
import {sessionSource} from '../../helpers/sessionSource.ts';

describeWithPeer(whyNoProftpd(), 'ending a session of a real ProFTPD', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    proftpd = await startProftpd();
  });
  afterAll(() => proftpd?.stop());

  async function theSession(): Promise<ScoreboardSession> {
    for (;;) {
      const [session] = sessionsOf(sessionSource(proftpd));
      if (session?.protocol) return session;
      await sleep(10);
    }
  }

  it('ends it, and sees it end', async () => {
    const client = await proftpd.session('dave');
    const session = await theSession();
    expect(await endSession(proftpd.pid, session)).toEqual({kind: 'ended'});
    expect(sessionsOf(sessionSource(proftpd))).toEqual([]);
    expect(await endSession(proftpd.pid, session)).toEqual({kind: 'gone'});
    await client.close();
  });

  it('says that one is still there', async () => {
    const client = await proftpd.session('dave');
    const session = await theSession();
    process.kill(session.pid, 'SIGSTOP');
    expect(await endSession(proftpd.pid, session, {timeoutMs: 50})).toEqual({kind: 'running'});
    expect(await endSession(proftpd.pid, session, {signal: AbortSignal.abort()})).toEqual({kind: 'running'});
    process.kill(session.pid, 'SIGCONT');
    await client.close();
  });

  it('ends no other process', async () => {
    const client = await proftpd.session('dave');
    const session = await theSession();
    const victim = spawn('sleep', ['60']);
    for (const other of [
      {...session, pid: victim.pid!},
      {...session, pid: proftpd.pid},
      {...session, connectedAt: session.connectedAt! - 10_000},
    ]) {
      expect(await endSession(proftpd.pid, other)).toEqual({kind: 'refused', why: 'not its process'});
    }
    await sleep(50);
    expect([victim.exitCode, victim.signalCode, proftpd.alive()]).toEqual([null, null, true]);
    expect(await client.command('NOOP')).toEqual(['200 NOOP command successful']);
    victim.kill();
    await client.close();
  });
});
