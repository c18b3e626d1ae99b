import {afterAll, afterEach, beforeAll, expect, it, vi} from 'vitest';
import {type DrainLab, startDrainLab, whyNoDrainLab} from '../../helpers/drainLab.ts';
import {describeWithPeer, whyNoProgram} from '../../helpers/peers.ts';
import type {RealProftpd} from '../../helpers/proftpd.ts';
import {openTerminal} from '../../helpers/terminal.ts';

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

  it.each([
    [[]],
    [['--detach']],
  ])('a time that passes while it is asked for is none of tomorrow (%j)', async (more: readonly string[]) => {
    const proftpd = await lab.startProftpd();
    const at = new Date(Date.now() + 10_000);
    const terminal = await open(proftpd, 100, '--at', at.toTimeString().slice(0, 8), ...more);
    await terminal.see('Begin?');
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(at.getTime() + 1000));
    await terminal.press('y', 'Enter');
    const {status, screen} = await terminal.ended();
    expect({status, screen}).toEqual({
      status: 5,
      screen: expect.stringMatching(/^ftpdctl: \S+ is over: nothing was done$/m),
    });
    expect([lab.hasShutmsg(), lab.record()]).toEqual([false, undefined]);
  });
});
