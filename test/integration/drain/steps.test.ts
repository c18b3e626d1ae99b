import {once} from 'node:events';
import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, it} from 'vitest';
import {
  DOWNLOAD_BYTES,
  type DrainLab,
  knock,
  schemaErrors,
  startDownload,
  startDrainLab,
  whyNoDrainLab,
} from '../../helpers/drainLab.ts';
import {FtpSession} from '../../helpers/ftpSession.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {makeSshKeys, sftpOptions, spawnSftp, whyNoSftp} from '../../helpers/sftp.ts';

const NOBODY = 65_534;

describeWithPeer(whyNoDrainLab(), 'drain, step by step', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

  it('warns in time, closes logins, ends who waits, and is taken back', async () => {
    const proftpd = await lab.startProftpd({
      users: ['dave', 'alice', 'carl'],
      virtualHosts: [{directives: ['DefaultRoot ~']}],
    });
    const dave = await proftpd.session('dave');
    const alice = await proftpd.session('alice');
    const carl = await FtpSession.connect(proftpd.virtualHosts[0]!);
    await carl.login('carl');
    const newborn = await FtpSession.connect(proftpd.port);
    const drain = lab.drain(proftpd, ['--in', '4s', '--warn', '3s,2s', '--close', '1s', '--grace', '5s']);
    const plan = await drain.event('plan');
    for (const left of [3, 2]) {
      const warning = await drain.event('warning', (event) => event['left'] === left);
      expect(warning).toMatchObject({sessions: 4});
      expect(warning.at).toBeGreaterThanOrEqual((plan['end'] as number) - left * 1000);
      expect((await dave.command('NOOP')).join('\n')).toContain(`maintenance in ${left} seconds`);
      expect((await alice.command('NOOP')).join('\n')).toContain(`maintenance in ${left} seconds`);
      expect(await knock(proftpd)).toMatch(/^220 /);
    }
    await drain.event('logins-closed');
    expect(await knock(proftpd)).toMatch(
      /^500 FTP server shut down \(This server will be going offline .* at \d\d:\d\d\)/,
    );
    for (const session of [dave, alice, newborn])
      expect((await session.reply()).join('\n')).toMatch(/^421 .* at \d\d:\d\d$/);
    await expect(carl.reply()).rejects.toThrow('no complete reply: [""]');
    expect(await drain.ended()).toBe(0);
    expect(drain.events.map(({event}) => event)).toEqual(
      expect.arrayContaining(['plan', 'warning', 'logins-closed', 'ending', 'sessions', 'drained', 'exit']),
    );
    expect(drain.events.at(-1)).toMatchObject({event: 'exit', exitStatus: 0});
    expect(schemaErrors(drain.events)).toEqual([]);
    expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toContain('over; logins are closed');
    const seen = await lab.run(proftpd, ['drain', '--show'], NOBODY);
    expect(seen).toMatchObject({status: 0, stdout: expect.stringContaining('drain of root')});
    expect((await lab.run(proftpd, ['drain', '--cancel'], NOBODY)).status).toBe(2);
    expect((await lab.run(proftpd, ['drain', '--now'])).status).toBe(5);
    expect(await lab.run(proftpd, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
    expect(await knock(proftpd)).toMatch(/^220 /);
    expect(lab.record()).toBeUndefined();
    expect((await lab.run(proftpd, ['drain', '--cancel'])).status).toBe(4);
  });

  it('lets a transfer end within the grace, and tells its client', async () => {
    const proftpd = await lab.startProftpd();
    const {session, take} = await startDownload(proftpd);
    const drain = lab.drain(proftpd, ['--now', '--grace', '60s']);
    await drain.event('warning');
    expect(await take()).toBe(DOWNLOAD_BYTES);
    expect((await session.reply()).join('\n')).toMatch(/^226-.*\n226 .*maintenance now/);
    expect((await session.reply())[0]).toMatch(/^421 /);
    expect(await drain.ended()).toBe(0);
    expect(await drain.event('ending')).toMatchObject({sessions: 1, transfers: 1});
    expect(drain.events.find(({event}) => event === 'grace-over')).toBeUndefined();
  });

  it('ends a transfer when the grace is over', async () => {
    const proftpd = await lab.startProftpd();
    const {session, take} = await startDownload(proftpd);
    const drain = lab.drain(proftpd, ['--now', '--grace', '1s', '--no-warn']);
    const plan = await drain.event('plan');
    expect((await drain.event('grace-over')).at).toBeGreaterThanOrEqual(plan['cut'] as number);
    expect(await take()).toBeLessThan(DOWNLOAD_BYTES);
    expect(await drain.ended()).toBe(0);
    await session.close();
  });

  it('says who is left, and exits with 1', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const [{pid}] = JSON.parse((await lab.run(proftpd, ['--json', 'who'])).stdout).sessions;
    process.kill(pid, 'SIGSTOP');
    try {
      const drain = lab.drain(proftpd, ['--now', '--grace', '1s', '--no-warn', '--then', 'echo never']);
      expect(await drain.event('remaining')).toMatchObject({sessions: [{pid, user: 'dave'}]});
      expect(await drain.ended()).toBe(1);
      expect(drain.events.some(({event}) => event === 'command')).toBe(false);
      expect(schemaErrors(drain.events)).toEqual([]);
      expect(await knock(proftpd)).toMatch(/^500 /);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await dave.close();
  });

  it('runs a command when nobody is left, and opens logins again', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const done = join(proftpd.directory, 'done');
    const drain = lab.drain(proftpd, ['--now', '--then', `ls /etc/shutmsg > ${done}`, '--reopen']);
    expect(await drain.ended()).toBe(0);
    expect((await dave.reply())[0]).toMatch(/^421 /);
    expect(existsSync(done)).toBe(true);
    expect(lab.hasShutmsg()).toBe(false);
    expect(lab.record()).toBeUndefined();
    const events = drain.events.map(({event}) => event);
    expect(events.slice(events.indexOf('drained'))).toEqual(['drained', 'command', 'logins-opened', 'exit']);
    await proftpd.session('dave').then((session) => session.close());
    const failing = lab.drain(proftpd, ['--now', '--then', 'exit 7', '--reopen']);
    expect(await failing.event('command')).toMatchObject({status: 7});
    expect(await failing.ended()).toBe(1);
    expect(await knock(proftpd)).toMatch(/^500 /);
  });

  it('shows its plan, and touches nothing', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const run = await lab.run(proftpd, ['drain', '--in', '10m', '--dry-run', '--then', 'true']);
    expect(run).toMatchObject({status: 0, stderr: ''});
    expect(run.stdout).toContain(`close logins by /etc/shutmsg, to every ProFTPD of this machine: `);
    expect(run.stdout).toContain(`pid ${proftpd.pid} (port ${proftpd.port})`);
    expect(run.stdout).toMatch(/\n\S+ +dave +127.0.0.1/);
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
    await dave.close();
  });

  it('says before that nobody will be told, where the ACLs are against it', async () => {
    const proftpd = await lab.startProftpd({acls: ['MessageControlsACLs all allow user dave']});
    const run = await lab.run(proftpd, ['drain', '--now', '--dry-run']);
    expect(run.stdout).toContain('cannot be done: telling anybody: ');
    expect((await lab.run(proftpd, ['drain', '--now', '--no-warn', '--dry-run'])).stdout).not.toContain(
      'cannot',
    );
  });

  it('ends SFTP sessions, too', async () => {
    if (whyNoSftp() !== null) return;
    const keys = makeSshKeys();
    const proftpd = await lab.startProftpd(sftpOptions(keys));
    const sftp = spawnSftp(keys, proftpd.virtualHosts[0]!);
    const exited = once(sftp, 'exit');
    try {
      sftp.stdin!.write('pwd\n');
      await once(sftp.stdout!, 'data');
      const drain = lab.drain(proftpd, ['--now', '--grace', '60s']);
      expect(await drain.ended()).toBe(0);
      expect(await drain.event('ending')).toMatchObject({sessions: 1, transfers: 0});
      sftp.stdin!.end();
      await exited;
    } finally {
      sftp.kill();
      rmSync(keys, {recursive: true});
    }
  });
});
