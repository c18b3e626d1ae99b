import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {
  type RealProftpd,
  runStockFtpdctl,
  startProftpd,
  sysvQueueKeys,
  whyNoProftpd,
} from '../helpers/proftpd.ts';

describeWithPeer(whyNoProftpd(), 'a real ProFTPD with its own client', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    proftpd = await startProftpd({
      classes: {away: ['127.0.0.3']},
      virtualHosts: [{directives: ['ServerName second']}],
    });
  });
  afterAll(() => proftpd?.stop());

  it('carries a message into the next reply', async () => {
    const dave = await proftpd.session('dave');
    const {status, stdout} = await runStockFtpdctl(proftpd.socket, ['msg', 'user', 'dave', 'hello', 'world']);
    expect({status, stdout}).toEqual({status: 0, stdout: 'ftpdctl: message sent\n'});
    expect(await dave.command('NOOP')).toEqual(['200-NOOP command successful', '200 hello world']);
    expect(proftpd.controlsLog()).toContain("recvd from root/root client: 'msg user dave hello world'");
    await dave.close();
  });

  it('knows a caller by uid', async () => {
    const {stdout} = await runStockFtpdctl(proftpd.socket, ['lsctrl'], {uid: 33});
    expect(stdout).toContain('ftpdctl: msg (mod_msg.c)\n');
    expect(proftpd.controlsLog()).toContain('accepted connection from www-data/www-data client');
  });

  it('tells sessions apart by the address they come from', async () => {
    const [near, away] = await Promise.all([
      proftpd.session(),
      proftpd.session('alice', {localAddress: '127.0.0.3'}),
    ]);
    await runStockFtpdctl(proftpd.socket, ['msg', 'class', 'away', 'hi']);
    expect(await near.command('NOOP')).toEqual(['200 NOOP command successful']);
    expect(await away.command('NOOP')).toEqual(['200-NOOP command successful', '200 hi']);
    await Promise.all([near.close(), away.close()]);
  });

  it('has virtual hosts', async () => {
    const second = await FtpSession.connect(proftpd.virtualHosts[0]!);
    expect(second.greeting).toEqual(['220 ProFTPD Server (second) [127.0.0.1]']);
    await second.close();
  });
});

describeWithPeer(whyNoProftpd(), 'ending a real ProFTPD', () => {
  it('leaves no process, no file and no queue behind', async () => {
    const proftpd = await startProftpd();
    const session = await proftpd.session('dave');
    expect(proftpd.alive()).toBe(true);
    expect(sysvQueueKeys()).toContain(proftpd.queueKey);

    await proftpd.stop();
    expect(proftpd.alive()).toBe(false);
    expect(proftpd.crashed()).toBe(false);
    expect(runningInGroup(proftpd.pid)).toEqual([]);
    expect(existsSync(proftpd.directory)).toBe(false);
    expect(sysvQueueKeys()).not.toContain(proftpd.queueKey);
    await session.close();
  });

  it('cleans up after one that does not listen to SIGTERM any more', async () => {
    const proftpd = await startProftpd();
    process.kill(proftpd.pid, 'SIGSTOP');
    await proftpd.stop();
    expect(() => process.kill(proftpd.pid, 0)).toThrow('ESRCH');
    expect(sysvQueueKeys()).not.toContain(proftpd.queueKey);
  });

  it('is noticed when it crashes', async () => {
    const proftpd = await startProftpd();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await runStockFtpdctl(proftpd.socket, ['msg', 'all', 'gr\u00fc\u00dfe']);
    }
    expect(proftpd.crashed()).toBe(true);
    await proftpd.stop();
  });

  it('says why it does not start', async () => {
    await expect(startProftpd({directives: ['NoSuchDirective on']})).rejects.toThrow(
      /unknown configuration directive/,
    );
  });
});

/** Process ids of a group, without those that only wait for their new parent to take note. */
function runningInGroup(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [state, , pgrp] = statOf(pid);
      return Number(pgrp) === group && state !== 'Z' && state !== 'X';
    });
}

/** The fields after the name in /proc/PID/stat: state, parent, group …; none for a process that has gone. */
function statOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}
