import {existsSync, readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, it, vi} from 'vitest';
import {hang} from '../../helpers/behaviours.ts';
import {type DrainLab, schemaErrors, startDrainLab, whyNoDrainLab} from '../../helpers/drainLab.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {startScriptedServer} from '../../helpers/scriptedServer.ts';

describeWithPeer(whyNoDrainLab(), 'drain --detach', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

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
    // What is tomorrow has a date.
    expect(started.stdout).toMatch(
      /^ftpdctl: the drain has begun, and goes on by itself: end (?:\d{4}-\d\d-\d\d )?\d\d:\d\d, for transfers (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\n$/,
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
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
}

/** The session that a process belongs to. */
function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}
