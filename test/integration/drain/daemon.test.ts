import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, it} from 'vitest';
import {type DrainLab, knock, startDrainLab, whyNoDrainLab} from '../../helpers/drainLab.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import type {RealProftpd} from '../../helpers/proftpd.ts';

describeWithPeer(whyNoDrainLab(), 'drain, while ProFTPDs come and go', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

  const killed = async (proftpd: RealProftpd) => {
    process.kill(proftpd.pid, 'SIGKILL');
    await expect.poll(() => proftpd.alive()).toBe(false);
  };
  /** The same one anew, in the background. @returns ends it */
  const startAnew = async (proftpd: RealProftpd) => {
    lab.exec('/usr/sbin/proftpd', '-c', proftpd.configFile);
    await expect.poll(() => knock(proftpd).catch(() => '')).not.toBe('');
    return () => process.kill(Number(readFileSync(join(proftpd.directory, 'pid'), 'utf8')), 'SIGTERM');
  };

  it('started anew after a warning nobody could be told, it is closed and emptied', async () => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '8s', '--warn', '7s', '--close', '2s', '--grace', '60s']);
    await drain.event('plan');
    await killed(proftpd);
    await drain.event('warning-failed');
    const end = await startAnew(proftpd);
    try {
      const dave = await proftpd.session('dave');
      await drain.event('logins-closed');
      expect(lab.hasShutmsg()).toBe(true);
      expect(await knock(proftpd)).toMatch(/^500 /);
      expect((await dave.reply()).join('\n')).toMatch(/^421 /);
      expect(await drain.ended()).toBe(0);
      expect(drain.events.map(({event}) => event)).not.toContain('ending-failed');
    } finally {
      end();
    }
  });

  it('one that has ended before logins are closed lets nobody in when it is started again', async () => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '4s', '--close', '1s', '--warn', '2s']);
    await drain.event('plan');
    await killed(proftpd);
    await drain.event('warning-failed');
    expect(await drain.ended()).toBe(0);
    const end = await startAnew(proftpd);
    try {
      expect(await knock(proftpd)).toMatch(/^500 /);
      expect(await lab.run(proftpd, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
      expect(await knock(proftpd)).toMatch(/^220 /);
    } finally {
      end();
    }
  });

  it('a session that has outlived its ProFTPD is still there, and ends when the time for transfers is over', async () => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '3s', '--close', '1s', '--grace', '1s', '--no-warn']);
    await drain.event('plan');
    // Nobody has seen it when its ProFTPD dies.
    const dave = await proftpd.session('dave');
    await killed(proftpd);
    expect(await drain.event('grace-over')).toMatchObject({sessions: 1});
    expect(await drain.ended()).toBe(0);
    await expect(dave.reply()).rejects.toThrow();
  });

  it('of two, one is emptied, and both are closed and opened', async () => {
    const [one, other] = [await lab.startProftpd(), await lab.startProftpd()];
    const [dave, alice] = [await one.session('dave'), await other.session('alice')];
    const drain = lab.drain(one, ['--now', '--grace', '60s']);
    expect((await drain.event('plan'))['closes']).toMatchObject({
      daemons: expect.arrayContaining([one, other].map(({pid, port}) => ({pid, ports: [port]}))),
    });
    expect(await drain.ended()).toBe(0);
    expect((await dave.reply()).join('\n')).toMatch(/^421 /);
    expect([await knock(one), await knock(other)]).toEqual(Array(2).fill(expect.stringMatching(/^500 /)));
    expect(await alice.command('NOOP')).toEqual(['200 NOOP command successful']);
    const second = await lab.run(other, ['drain', '--now']);
    expect(second).toMatchObject({status: 5, stderr: expect.stringContaining('logins are closed since')});
    expect(await lab.run(other, ['drain', '--cancel'])).toMatchObject({
      status: 0,
      stdout: 'ftpdctl: called off (by root)\nftpdctl: logins are open\n',
    });
    expect([await knock(one), await knock(other)]).toEqual(Array(2).fill(expect.stringMatching(/^220 /)));
    await alice.close();
  });
});
