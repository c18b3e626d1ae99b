import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, it, vi} from 'vitest';
import {processStat} from '../../../src/lib/transport/processes/proc.ts';
import {hang, speak} from '../../helpers/behaviours.ts';
import {
  type DrainLab,
  knock,
  schemaErrors,
  startDownload,
  startDrainLab,
  whyNoDrainLab,
} from '../../helpers/drainLab.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {startScriptedServer} from '../../helpers/scriptedServer.ts';

/** Of a shutdown that is not ours. */
const FOREIGN = '2099 1 1 0 0 0 0010 0005\nclosed for the night\n';

describeWithPeer(whyNoDrainLab(), 'drain, taken back', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

  const CANCELS = [
    ['SIGINT', 130],
    ['--cancel', 130],
  ] as const;
  const STEPS = [
    ['warning', ['--in', '60s', '--warn', '60s', '--close', '1s']],
    ['logins-closed', ['--in', '60s', '--warn', '60s', '--close', '60s']],
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

  it('killed where nobody waits for its end, as in a container without an init, it goes on no more', async () => {
    const proftpd = await lab.startProftpd();
    const args = ['drain', '--in', '60s', '--close', '60s', '--no-warn'];
    const unwaited = ['sh', '-c', '"$@" & exec sleep 600', 'sh'];
    const parent = lab.spawn(proftpd, args, unwaited);
    try {
      await vi.waitFor(() => expect(lab.record()?.phase).toBe('closed'));
      const {pid} = lab.record()!;
      process.kill(pid, 'SIGKILL');
      await vi.waitFor(() => expect(processStat(pid)?.state).toBe('Z'));
      expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toContain('left behind');
      expect((await lab.run(proftpd, ['drain', '--now'])).stderr).toContain('was ended before it was over');
      expect(await lab.run(proftpd, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
      expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
    } finally {
      parent.kill();
    }
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
    lab.writeShutmsg(FOREIGN);
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

  it('a second signal waits for no server that is slow to tell everybody', async () => {
    const acls = ['MessageControlsACLs all allow user dave'];
    const proftpd = await lab.startProftpd({controlsInterval: 600, acls});
    const drain = lab.drain(proftpd, ['--in', '60s', '--close', '60s', '--warn', '60s']);
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

  it('a second signal before the server has opened logins says that they stay closed', async () => {
    let isOpening = false;
    const server = await startScriptedServer(
      speak('json', ({action}) => {
        isOpening ||= action === 'up';
        if (action === 'up') return hang;
        return {status: 0, responses: [action === 'status' ? 'status: 0.0.0.0#2121 UP' : 'done']};
      }),
    );
    try {
      const at = {socket: server.socket, configFile: '/nonexistent'};
      const drain = lab.drain(at, ['--in', '60s', '--close', '60s', '--warn', '1s']);
      await drain.event('logins-closed');
      drain.signal('SIGINT');
      await vi.waitFor(() => expect(isOpening).toBe(true));
      drain.signal('SIGINT');
      expect(await drain.event('logins-still-closed')).toMatchObject({
        reason: expect.stringContaining('drain --cancel'),
      });
      expect(await drain.ended()).toBe(130);
      expect(schemaErrors(drain.events)).toEqual([]);
      expect(lab.record()?.phase).toBe('opening');
    } finally {
      await server.stop();
    }
  });

  it('--show says that the command runs; it is not ended, and logins are opened after it', async () => {
    const proftpd = await lab.startProftpd();
    const file = join(proftpd.directory, 'goes-on');
    const then = `touch ${file}; while [ -e ${file} ]; do sleep 0.05; done`;
    const drain = lab.drain(proftpd, ['--now', '--no-warn', '--then', then]);
    await vi.waitFor(() => expect(existsSync(file)).toBe(true));
    const shown = await lab.run(proftpd, ['--json', 'drain', '--show']);
    expect(shown.stdout).toContain('"phase":"command"');
    expect(
      schemaErrors(
        shown.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    ).toEqual([]);
    drain.signal('SIGINT');
    expect(lab.hasShutmsg()).toBe(true);
    rmSync(file);
    expect(await drain.ended()).toBe(130);
    expect(await drain.event('command')).toMatchObject({status: 0});
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
  });

  it.each([
    [['--no-warn']],
    [['--warn', '1s']],
  ])('nobody who was not warned is told that it is called off (%j)', async (args: readonly string[]) => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '60s', '--close', '60s', ...args]);
    await drain.event('logins-closed');
    // It has no terminal that could be gone.
    drain.signal('SIGHUP');
    expect((await lab.run(proftpd, ['drain', '--show'])).stdout).toContain('under way');
    drain.signal('SIGTERM');
    expect(await drain.ended()).toBe(143);
    expect(drain.events.map(({event}) => event)).not.toContain('told');
  });

  it('--cancel says that what somebody else has closed meanwhile stays closed', async () => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '60s', '--close', '60s', '--no-warn']);
    await drain.event('logins-closed');
    lab.writeShutmsg(FOREIGN);
    const cancel = await lab.run(proftpd, ['drain', '--cancel']);
    expect(cancel).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('logins stay closed: /etc/shutmsg is there, and is not ours'),
    });
    expect(await drain.ended()).toBe(1);
    expect([lab.hasShutmsg(), lab.record()]).toEqual([true, undefined]);
  });

  it.each([
    ['somebody else', FOREIGN],
    ['another drain', `${FOREIGN}# made by "ftpdctl drain"; "ftpdctl drain --cancel" removes it\n`],
  ])('a file that %s puts there first is left there', async (_whose, text) => {
    const proftpd = await lab.startProftpd();
    const drain = lab.drain(proftpd, ['--in', '2s', '--close', '1s', '--no-warn']);
    await drain.event('plan');
    lab.writeShutmsg(text);
    expect(await drain.ended()).toBe(5);
    expect([lab.hasShutmsg(), lab.record()]).toEqual([true, undefined]);
    expect(drain.events.map(({event}) => event)).not.toContain('logins-opened');
  });

  it('a full /run keeps nothing closed', async () => {
    const proftpd = await lab.startProftpd();
    const directory = '/run/ftpdctl-drain';
    lab.exec('mkdir', directory);
    // One page for the record, and one for what takes its place.
    lab.exec('mount', '-t', 'tmpfs', '-o', 'size=8k,mode=755', 'tmpfs', directory);
    try {
      const drain = lab.drain(proftpd, ['--in', '60s', '--close', '60s', '--no-warn']);
      await drain.event('logins-closed');
      lab.exec('sh', '-c', `! cat /dev/zero > ${directory}/full 2>/dev/null`);
      expect((await lab.run(proftpd, ['drain', '--cancel'])).status).toBe(0);
      expect(await drain.ended()).toBe(130);
      expect(await drain.event('error')).toMatchObject({
        error: {code: 'DRAIN_RECORD', message: expect.stringContaining('no space left on device')},
      });
      expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
      expect(schemaErrors(drain.events)).toEqual([]);
      lab.exec('test', '!', '-e', `${directory}/drain.json.${drain.pid}`);
    } finally {
      lab.exec('umount', directory);
    }
  });

  it('what is down at one socket is taken up there, whatever is found first by then', async () => {
    const answer = (action: string) => (action === 'status' ? 'status: 0.0.0.0#2121 UP' : 'done');
    const [one, other] = await Promise.all(
      [1, 2].map(() =>
        startScriptedServer(speak('json', ({action}) => ({status: 0, responses: [answer(action)]}))),
      ),
    );
    const at = {socket: undefined, configFile: '/nonexistent'};
    try {
      lab.exec('install', '-d', '-m', '700', '/run/user/0/ftpdctl');
      lab.exec('ln', '-s', one!.socket, '/run/user/0/ftpdctl/ftpdctl.sock');
      const drain = lab.drain(at, ['--in', '60s', '--close', '60s', '--no-warn']);
      await drain.event('logins-closed');
      await drain.kill();
      lab.exec('ln', '-s', other!.socket, '/run/proftpd.sock');
      expect(await lab.run(at, ['drain', '--cancel'])).toMatchObject({status: 0, stderr: ''});
      expect(one!.executed.map(({action}) => action)).toContain('up');
      expect(other!.executed).toEqual([]);
    } finally {
      lab.exec('rm', '-rf', '/run/user/0', '/run/proftpd.sock');
      await Promise.all([one!.stop(), other!.stop()]);
    }
  });
});
