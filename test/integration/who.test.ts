import {mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it, vi} from 'vitest';
import {processStatus} from '../../src/lib/transport/processes/proc.ts';
import {checkoutFor} from '../helpers/checkout.ts';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';
import {openTerminal} from '../helpers/terminal.ts';

/** Longer than the test: nobody waits for a poll. */
const NEVER = 600;

describeWithPeer(whyNoProftpd(), 'who, of a real ProFTPD that is never asked', () => {
  let proftpd: RealProftpd;
  let dave: FtpSession;
  let newcomer: FtpSession;
  beforeAll(async () => {
    proftpd = await startProftpd({
      controlsInterval: NEVER,
      classes: {staff: ['127.0.0.3']},
      virtualHosts: [{directives: ['ServerName second', 'MessageEngine off']}],
    });
    dave = await proftpd.session('dave', {localAddress: '127.0.0.3'});
    newcomer = await proftpd.session();
    env.PROFTPD_CONF = proftpd.configFile;
  });
  afterAll(async () => {
    await dave?.close();
    await newcomer?.close();
    await proftpd?.stop();
  });

  const env = {PROFTPD_CONF: ''};
  const who = async (...args: string[]) => {
    const {stdout} = await runFtpdctl(['--json', '-s', proftpd.socket, 'who', ...args], {env});
    return JSON.parse(stdout);
  };

  it('tells of every session', async () => {
    const {sessions, omitted, exitStatus} = await who('--user', 'dave');
    expect({omitted, exitStatus}).toEqual({omitted: 0, exitStatus: 0});
    expect(sessions).toEqual([
      {
        id: expect.stringMatching(/^\d+-[0-9a-z]+$/),
        pid: expect.any(Number),
        user: 'dave',
        host: '127.0.0.3',
        address: '127.0.0.3',
        class: 'staff',
        server: `127.0.0.1#${proftpd.port}`,
        protocol: 'ftp',
        command: null,
        idle: expect.any(Number),
        connectedAt: expect.any(Number),
        transfer: null,
        engine: true,
        waiting: null,
        source: 'scoreboard',
      },
    ]);
  });

  it.each([
    [['--class', 'staff'], ['dave']],
    [['--host', '127.0.0.3'], ['dave']],
    [['--user', 'nosuch'], []],
    [['--user', 'dave', '--class', 'nosuch'], []],
  ])('%j finds %j', async (filter, users) => {
    const {sessions} = await who(...filter);
    expect(sessions.map(({user}: {user: string}) => user)).toEqual(users);
  });

  it('is a table for a person, drawn again with --watch until Ctrl-C', async () => {
    const {stdout} = await runFtpdctl(['-s', proftpd.socket, 'who', '--user', 'dave']);
    expect(stdout).toMatch(
      /^ID +USER +HOST +CLASS +SERVER +PROTOCOL +COMMAND +IDLE\n\S+ +dave .* ftp +idle +\d+ s\n$/,
    );
    const terminal = await openTerminal(['-s', proftpd.socket, 'who', '--watch=0.2'], {columns: 120});
    await terminal.see(/2 sessions, every 0\.2 s, Ctrl-C ends\n\nID /);
    const alice = await proftpd.session('alice');
    await terminal.see(/3 sessions/);
    await alice.close();
    await terminal.see(/2 sessions/);
    await terminal.press('C-c');
    expect(await terminal.ended()).toEqual({status: 0, screen: ''});
  });

  it('gives the screen back while Ctrl-Z has stopped --watch', async () => {
    const terminal = await openTerminal(['-s', proftpd.socket, 'who', '--watch=0.2'], {
      columns: 40,
      jobs: true,
    });
    await terminal.see(/2 sessions, every 0\.2 s, Ctrl-C ends\n\nID /);
    const pid = await terminal.pid();
    await terminal.press('C-z');
    await vi.waitFor(() => expect(processStatus(pid)!.state).toBe('T'));
    // Of a shell: 128 and SIGTSTP.
    expect(await terminal.see('[148]')).not.toContain('sessions');
    expect(await terminal.hasCursor()).toBe(true);
    process.kill(pid, 'SIGCONT');
    await terminal.see(/2 sessions/);
    expect(await terminal.hasCursor()).toBe(false);
    process.kill(pid, 'SIGINT');
    expect(await terminal.see('[148]')).not.toContain('sessions');
    expect(await terminal.hasCursor()).toBe(true);
  });

  it.each([
    [['receipt', 'abc-1'], 7, /^ftpdctl: a ProFTPD cannot be asked what has become of a message \(/],
    [['receipt'], 3, /^ftpdctl: receipt: missing required parameters \(ftpdctl receipt ID\)/],
    [
      ['up'],
      3,
      /^ftpdctl: up: missing required parameters \(ftpdctl up ADDRESS\[#PORT\]\.\.\., or ftpdctl up all\)/,
    ],
    [['-v', 'down'], 3, /^ftpdctl: down: missing required parameters \(/],
    [['rmctrl'], 3, /^ftpdctl: rmctrl: missing required parameters \(ftpdctl rmctrl ACTION/],
  ])('%j needs no poll either', async (args, status, said) => {
    const run = await runFtpdctl(['-s', proftpd.socket, ...args], {env});
    expect(run.status).toBe(status);
    expect(run.stderr).toMatch(said);
  });

  it('is for anybody who may read the configuration', async () => {
    const run = await runFtpdctl(['-s', proftpd.socket, 'who', '--user', 'dave'], {uid: 65_534, env});
    expect(run).toMatchObject({status: 0, stderr: '', stdout: expect.stringContaining('dave')});
  });
});

describeWithPeer(whyNoProftpd(), 'several ProFTPDs, and nothing that says which one is meant', () => {
  it.each([
    ['who'],
    ['who', '--user', 'dave'],
    ['msg', 'all', 'hello'],
    ['status', 'all'],
    ['kick', 'user', 'dave'],
    ['lsctrl'],
  ])('%s…: they are listed, though a default socket has been left behind', async (...words) => {
    const daemons = await Promise.all([startProftpd(), startProftpd()]);
    const home = await mkdtemp('/tmp/ftpdctl-home-');
    try {
      const stale = "socket.socket(socket.AF_UNIX).bind('/run/proftpd.sock')";
      const setUp = `mount -t tmpfs none /run && python3 -c "import socket; ${stale}" && exec "$@"`;
      const program = [process.execPath, join(checkoutFor(undefined), 'bin', 'run.js')];
      const run = await runProcess('unshare', ['-m', 'sh', '-c', setUp, 'sh', ...program, ...words], {
        env: cleanEnvironment(home),
      });
      expect(run).toMatchObject({status: 3, stdout: ''});
      expect(run.stderr).toMatch(
        /^ftpdctl: \d+ ProFTPDs run on this machine: .*\(say which one by .* -s \/.*\)\n$/,
      );
      for (const {socket} of daemons) expect(run.stderr).toContain(socket);
    } finally {
      await Promise.all(daemons.map((daemon) => daemon.stop()));
      await rm(home, {recursive: true, force: true});
    }
  });
});
