import {once} from 'node:events';
import {existsSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, it, vi} from 'vitest';
import {hang, speak} from '../helpers/behaviours.ts';
import {openData} from '../helpers/data.ts';
import {type DrainLab, schemaErrors, startDrainLab, whyNoDrainLab} from '../helpers/drainLab.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import type {RealProftpd} from '../helpers/proftpd.ts';
import {startScriptedServer} from '../helpers/scriptedServer.ts';
import {Servers} from '../helpers/servers.ts';
import {makeSshKeys, sftpOptions, spawnSftp, whyNoSftp} from '../helpers/sftp.ts';
import {openTerminal} from '../helpers/terminal.ts';

const NOBODY = 65_534;
/** More than the buffers of a connection hold. */
const BYTES = 64 * 1024 * 1024;

describeWithPeer(whyNoDrainLab(), 'drain, with a real ProFTPD', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

  /** The greeting, or what comes in its place. */
  const knock = async (proftpd: RealProftpd): Promise<string> => {
    const session = await FtpSession.connect(proftpd.port);
    await session.close();
    return session.greeting.join('\n');
  };
  /** A download that its client takes in only when it is told to. */
  const startDownload = async (proftpd: RealProftpd) => {
    const file = join(proftpd.directory, 'home', 'dave', 'big');
    writeFileSync(file, '');
    truncateSync(file, BYTES);
    const session = await proftpd.session('dave');
    const data = await openData(session);
    data.pause();
    expect((await session.command('RETR big'))[0]).toMatch(/^150 /);
    let received = 0;
    data.on('data', ({length}) => {
      received += length;
    });
    data.pause();
    const take = async () => {
      data.resume();
      if (!data.closed) await once(data, 'close');
      return received;
    };
    return {session, take};
  };

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
    expect(await take()).toBe(BYTES);
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
    expect(await take()).toBeLessThan(BYTES);
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

  const CANCELS = [
    ['SIGINT', 130],
    ['--cancel', 130],
  ] as const;
  const STEPS = [
    ['warning', ['--in', '60s', '--warn', '60s', '--close', '1s']],
    ['logins-closed', ['--in', '60s', '--warn', '1s', '--close', '60s']],
    ['ending', ['--now', '--grace', '60s']],
  ] as const;
  it.each(
    CANCELS.flatMap(([how, status]) => STEPS.map(([step, args]) => [how, step, args, status] as const)),
  )('is taken back by %s after "%s"', async (how, step, args, status) => {
    const proftpd = await lab.startProftpd();
    const {session} = await startDownload(proftpd);
    const drain = lab.drain(proftpd, args);
    await drain.event(step);
    if (how === 'SIGINT') drain.signal(how);
    else expect(await lab.run(proftpd, ['drain', how])).toMatchObject({status: 0, stderr: ''});
    expect(await drain.ended()).toBe(status);
    expect(lab.hasShutmsg()).toBe(false);
    expect(lab.record()).toBeUndefined();
    const alice = await proftpd.session('alice');
    expect(await drain.event('told')).toMatchObject({sessions: 1});
    expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toBe('ftpdctl: no drain\n');
    expect(await alice.command('NOOP')).toEqual(['200 NOOP command successful']);
    expect(schemaErrors(drain.events)).toEqual([]);
    await Promise.all([session.close(), alice.close()]);
  });

  it.each(STEPS)('killed after "%s", it is shown and taken back', async (step, args) => {
    const proftpd = await lab.startProftpd();
    const {session} = await startDownload(proftpd);
    const drain = lab.drain(proftpd, args);
    await drain.event(step);
    await drain.kill();
    const shown = await lab.run(proftpd, ['drain', '--show']);
    expect(shown.stdout).toContain('left behind');
    expect(shown.stdout).toContain(`logins are ${step === 'warning' ? 'open' : 'closed'}`);
    expect(lab.hasShutmsg()).toBe(step !== 'warning');
    const second = await lab.run(proftpd, ['drain', '--in', '30m']);
    expect(second).toMatchObject({status: 5, stdout: ''});
    expect(second.stderr).toContain('was ended before it was over');
    const taken = await lab.run(proftpd, ['--json', 'drain', '--cancel']);
    expect(taken).toMatchObject({status: 0, stderr: ''});
    expect(
      schemaErrors(
        taken.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    ).toEqual([]);
    expect(lab.hasShutmsg()).toBe(false);
    expect(lab.record()).toBeUndefined();
    expect(await knock(proftpd)).toMatch(/^220 /);
    await session.close();
  });

  it('--detach: goes on by itself when it has begun, and is taken back like any other', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const args = [
      'drain',
      '--in',
      '60s',
      '--close',
      '60s',
      '--warn',
      '60s',
      '--detach',
      '--message',
      '$x "{left}"',
    ];
    const started = await lab.run(proftpd, args);
    expect(started).toMatchObject({status: 0, stderr: ''});
    expect(started.stdout).toMatch(
      /^ftpdctl: the drain has begun, and goes on by itself: end \d\d:\d\d, for transfers \d\d:\d\d\n$/,
    );
    const {pid} = lab.record()!;
    expect(await lab.run(proftpd, ['drain', '--show'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/ under way\n[\s\S]*message: \$x "now"\n$/),
    });
    // Nothing of ours is held open, and no signal for our terminal or session reaches it.
    expect([0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))).toEqual(Array(3).fill('/dev/null'));
    expect(sessionOf(pid)).toBe(pid);
    await vi.waitFor(async () =>
      expect((await dave.command('NOOP')).join('\n')).toContain('$x "in 1 minute"'),
    );
    await vi.waitFor(() => expect(lab.hasShutmsg()).toBe(true));
    const second = await lab.run(proftpd, ['--json', 'drain', '--now', '--detach']);
    expect(second.status).toBe(5);
    const refused = second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(refused).toMatchObject([{event: 'error', error: {code: 'DRAINING'}}, {exitStatus: 5}]);
    expect(schemaErrors(refused)).toEqual([]);
    expect(await lab.run(proftpd, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
    await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false));
    expect((await dave.command('NOOP')).join('\n')).toContain('has been called off');
    await dave.close();
  });

  it('--detach: ends the sessions and runs --then, with nobody to look after it', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const then = `sh -c 'env > ${proftpd.directory}/env'`;
    const args = ['--now', '--grace', '60s', '--then', then, '--reopen', '--detach'];
    const {status, stdout} = await lab.run(proftpd, ['--json', 'drain', ...args]);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      {event: 'plan', command: then},
      {event: 'started', cannot: []},
      {event: 'exit', exitStatus: 0},
    ]);
    expect({status, errors: schemaErrors(events)}).toEqual({status: 0, errors: []});
    expect((await dave.reply()).join('\n')).toMatch(/^421 /);
    await vi.waitFor(() => expect([lab.record(), lab.hasShutmsg()]).toEqual([undefined, false]), 10_000);
    const environment = readFileSync(join(proftpd.directory, 'env'), 'utf8');
    expect(environment).toMatch(/^PROFTPD_CONF=/m);
    expect(environment).not.toMatch(/^(?:FTPDCTL_DRAIN_DETACHED|NODE_CHANNEL_FD)=/m);
  });

  it('--detach: what the drain is refused for is told by who starts it', async () => {
    const proftpd = await lab.startProftpd();
    lab.writeShutmsg('000000 0000 0000 0000\nCome back later\n');
    for (const args of [['--now'], ['--in', 'x'], []]) {
      const attached = await lab.run(proftpd, ['drain', ...args]);
      const detached = await lab.run(proftpd, ['drain', ...args, '--detach']);
      expect(attached.status).not.toBe(0);
      expect(detached).toEqual(attached);
    }
    expect(lab.record()).toBeUndefined();
  });

  it('--detach: nothing begins once who has started it is gone', async () => {
    const proftpd = await lab.startProftpd();
    const server = await startScriptedServer(hang);
    try {
      const starter = lab.drain({socket: server.socket, configFile: '/nonexistent'}, ['--now', '--detach']);
      await vi.waitFor(() => expect(server.connections).not.toEqual([]), 10_000);
      const [detached] = childrenOf(starter.pid);
      expect(detached).toBeGreaterThan(1);
      await starter.kill();
      // Long before the server's time is over.
      await vi.waitFor(() => expect(existsSync(`/proc/${detached}`)).toBe(false), 10_000);
      expect(lab.record()).toBeUndefined();
    } finally {
      await server.stop();
    }
    // Whom nobody has waited for from the beginning.
    const run = await lab.run(proftpd, ['drain', '--now'], undefined, {FTPDCTL_DRAIN_DETACHED: '1'});
    expect(run).toMatchObject({status: 70, stdout: ''});
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
  });

  it('after a restart of the machine the file alone is known', async () => {
    const proftpd = await lab.startProftpd();
    expect(await lab.drain(proftpd, ['--now']).ended()).toBe(0);
    expect([lab.hasShutmsg(), lab.record()?.phase]).toEqual([true, 'over']);
    lab.forgetRecord();
    expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toContain('of an earlier drain');
    expect((await lab.run(proftpd, ['drain', '--now'])).status).toBe(5);
    expect((await lab.run(proftpd, ['drain', '--cancel'])).status).toBe(0);
    expect(await knock(proftpd)).toMatch(/^220 /);
  });

  it('leaves what somebody else has closed alone', async () => {
    const proftpd = await lab.startProftpd();
    lab.writeShutmsg('2099 1 1 0 0 0 0010 0005\nclosed for the night\n');
    const run = await lab.run(proftpd, ['drain', '--now']);
    expect(run).toMatchObject({status: 5, stdout: ''});
    expect(run.stderr).toContain('"closed for the night"');
    expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toContain('"closed for the night"');
    const cancel = await lab.run(proftpd, ['drain', '--cancel']);
    expect(cancel).toMatchObject({status: 4, stderr: expect.stringContaining('is not ours')});
    expect([lab.hasShutmsg(), lab.record()]).toEqual([true, undefined]);
  });

  it('tells a second drain of the first', async () => {
    const proftpd = await lab.startProftpd();
    const first = lab.drain(proftpd, ['--in', '60s']);
    await first.event('plan');
    const second = await lab.run(proftpd, ['drain', '--in', '30m']);
    expect(second).toMatchObject({status: 5, stdout: ''});
    expect(second.stderr).toMatch(/a drain of root \(pid \d+\) is under way/);
    first.signal('SIGTERM');
    expect(await first.ended()).toBe(143);
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

  it('without root says what it cannot do, and does the rest', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const drain = lab.drain(proftpd, ['--now', '--grace', '10s', '--no-warn'], NOBODY);
    const plan = await drain.event('plan');
    expect(plan['cannot']).toEqual([expect.stringContaining('go on accepting them after "down"')]);
    expect(await drain.ended()).toBe(0);
    expect(schemaErrors(drain.events)).toEqual([]);
    await expect(dave.command('NOOP')).rejects.toThrow();
    expect(await knock(proftpd)).toMatch(/^220 /);
    const waiting = lab.drain(proftpd, ['--in', '60s', '--no-warn'], NOBODY);
    await waiting.event('plan');
    const shown = await lab.run(proftpd, ['drain', '--show'], NOBODY);
    expect(shown.stdout).toMatch(/drain of nobody .*: under way/);
    expect((await lab.run(proftpd, ['drain', '--cancel'], NOBODY)).status).toBe(0);
    expect(await waiting.ended()).toBe(130);
  });

  it('a second signal waits for no server that is slow to tell everybody', async () => {
    const acls = ['MessageControlsACLs all allow user dave'];
    const proftpd = await lab.startProftpd({controlsInterval: 600, acls});
    const drain = lab.drain(proftpd, ['--in', '60s', '--close', '60s', '--warn', '1s']);
    await drain.event('logins-closed');
    drain.signal('SIGINT');
    await drain.event('logins-opened');
    expect(await knock(proftpd)).toMatch(/^220 /);
    drain.signal('SIGINT');
    expect(await drain.event('telling-failed')).toMatchObject({reason: expect.stringContaining('SIGINT')});
    expect(await drain.ended()).toBe(130);
    expect(lab.record()).toBeUndefined();
    expect(schemaErrors(drain.events)).toEqual([]);
  });

  it('nobody who was not warned is told that it is called off', async () => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '60s', '--close', '60s', '--no-warn']);
    await drain.event('logins-closed');
    // It has no terminal that could be gone.
    drain.signal('SIGHUP');
    expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toContain('under way');
    drain.signal('SIGTERM');
    expect(await drain.ended()).toBe(143);
    expect(drain.events.map(({event}) => event)).not.toContain('told');
  });

  it('says before that nobody will be told, where the ACLs are against it', async () => {
    const proftpd = await lab.startProftpd({acls: ['MessageControlsACLs all allow user dave']});
    const run = await lab.run(proftpd, ['drain', '--now', '--dry-run']);
    expect(run.stdout).toContain('cannot be done: telling anybody: ');
    expect((await lab.run(proftpd, ['drain', '--now', '--no-warn', '--dry-run'])).stdout).not.toContain(
      'cannot',
    );
  });

  it('goes on while ProFTPD reads its configuration anew', async () => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const drain = lab.drain(proftpd, ['--in', '4s', '--warn', '3s,1s', '--close', '2s']);
    await drain.event('warning');
    process.kill(proftpd.pid, 'SIGHUP');
    await drain.event('logins-closed');
    expect(await drain.event('warning', ({left}) => left === 1)).toMatchObject({sessions: 1});
    expect(await drain.ended()).toBe(0);
    expect((await dave.reply()).at(-1)).toMatch(/^421 /);
    expect(await knock(proftpd)).toMatch(/^500 /);
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

  it('is rehearsed with serve and mock', async () => {
    const servers = await Servers.start();
    try {
      const at = {socket: servers.socket, configFile: '/nonexistent'};
      const dave = await servers.session('dave');
      const drain = lab.drain(at, ['--in', '2s', '--warn', '2s', '--close', '1s']);
      expect((await drain.event('plan'))['closes']).toMatchObject({by: 'down'});
      expect(await drain.event('warning')).toMatchObject({sessions: 1});
      expect((await dave.command('NOOP')).join('\n')).toContain('maintenance in 2 seconds');
      await drain.event('logins-closed');
      await expect(servers.session('alice')).rejects.toThrow();
      expect((await dave.reply()).at(-1)).toMatch(/^421 /);
      expect(await drain.ended()).toBe(0);
      expect(schemaErrors(drain.events)).toEqual([]);
      expect(await lab.run(at, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
      await servers.session('alice').then((session) => session.close());
    } finally {
      await servers.stop();
    }
  });

  it('takes a 1.3.10 down by its controls socket, and up again', async () => {
    const ADDRESS = '0.0.0.0#2121';
    const server = await startScriptedServer(
      speak('json', ({action}) => {
        if (action === 'acl') return {status: -7, responses: ['unsupported action requested']};
        return {status: 0, responses: [action === 'status' ? `status: ${ADDRESS} UP` : 'message sent']};
      }),
    );
    try {
      const at = {socket: server.socket, configFile: '/nonexistent'};
      const drain = lab.drain(at, ['--now', '--grace', '1s']);
      const plan = await drain.event('plan');
      expect(plan).toMatchObject({closes: {by: 'down', servers: [ADDRESS]}, sessions: null});
      expect(plan['cannot']).toEqual([expect.stringMatching(/^ending sessions: /)]);
      // Nobody can see whether somebody is left.
      expect(await drain.event('remaining')).toMatchObject({sessions: null});
      expect(await drain.ended()).toBe(1);
      expect(schemaErrors(drain.events)).toEqual([]);
      expect(await lab.run(at, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
      const switched = server.executed.filter(({action}) => action === 'down' || action === 'up');
      expect(switched).toEqual([
        {action: 'down', args: [ADDRESS]},
        {action: 'up', args: [ADDRESS]},
      ]);
      // What has ended has nothing down: no record of it stays in the way of the next.
      expect(await lab.drain(at, ['--now', '--grace', '1s']).ended()).toBe(1);
      await server.stop();
      expect((await lab.run(at, ['drain', '--cancel'])).status).toBe(0);
      expect(lab.record()).toBeUndefined();
    } finally {
      await server.stop().catch(() => {});
    }
  });
});

const noTerminal = whyNoDrainLab() ?? whyNoProgram('tmux');
describeWithPeer(noTerminal, 'drain at a terminal, with a real ProFTPD', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

  const open = (proftpd: RealProftpd, columns: number, ...args: string[]) =>
    openTerminal(['-s', proftpd.socket, 'drain', ...args], {
      env: {PROFTPD_CONF: proftpd.configFile},
      columns,
      startedBy: lab.enter,
    });

  it.each([
    [80, /^1:\d\d left, 1 session \(1 idle\), next: end \d\d:\d\d:\d\d$/m],
    [40, /^1:\d\d left, 1 session, end \d\d:\d\d:\d\d$/m],
  ])('in %i columns it asks, shows how much time is left, and is taken back by Ctrl-C', async (columns, line) => {
    const proftpd = await lab.startProftpd();
    const dave = await proftpd.session('dave');
    const terminal = await open(proftpd, columns, '--in', '100s', '--close', '100s', '--no-warn');
    await terminal.see('Begin?');
    expect(lab.record()).toBeUndefined();
    await terminal.press('y', 'Enter');
    await terminal.see(line);
    expect(lab.hasShutmsg()).toBe(true);
    await terminal.press('C-c');
    const {status, screen} = await terminal.ended();
    expect(status).toBe(130);
    expect(screen).toContain('ftpdctl: logins are open');
    expect(screen).not.toContain(' left, ');
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
    await dave.close();
  });

  it('--detach: asks, and goes on when the terminal is gone', async () => {
    const proftpd = await lab.startProftpd();
    const terminal = await open(proftpd, 100, '--in', '100s', '--close', '100s', '--no-warn', '--detach');
    await terminal.see('Begin?');
    expect(lab.record()).toBeUndefined();
    await terminal.press('y', 'Enter');
    await terminal.see('the drain has begun, and goes on by itself');
    expect(await terminal.ended()).toMatchObject({status: 0});
    await terminal.stop();
    await vi.waitFor(() => expect([lab.hasShutmsg(), lab.record()?.phase]).toEqual([true, 'closed']));
    expect(await lab.run(proftpd, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
  });

  it('takes everything back when its terminal is gone', async () => {
    const proftpd = await lab.startProftpd();
    const terminal = await open(proftpd, 80, '--in', '100s', '--close', '100s', '--yes');
    await terminal.see('logins are closed');
    expect([lab.hasShutmsg(), lab.record()?.phase]).toEqual([true, 'closed']);
    await terminal.stop();
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
  });

  it('does nothing when a person would rather not, and does not ask with --yes', async () => {
    const proftpd = await lab.startProftpd();
    const declined = await open(proftpd, 80, '--now');
    await declined.see('Begin?');
    await declined.press('Enter');
    expect(await declined.ended()).toMatchObject({status: 1});
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
    const unasked = await open(proftpd, 80, '--now', '--yes');
    expect(await unasked.ended()).toMatchObject({
      status: 0,
      screen: expect.stringContaining('nobody is left'),
    });
  });
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
}

/** The session that a process belongs to. */
function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}
