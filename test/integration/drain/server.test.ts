import {afterAll, afterEach, beforeAll, expect, it} from 'vitest';
import {speak} from '../../helpers/behaviours.ts';
import {type DrainLab, knock, schemaErrors, startDrainLab, whyNoDrainLab} from '../../helpers/drainLab.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {startScriptedServer} from '../../helpers/scriptedServer.ts';
import {Servers} from '../../helpers/servers.ts';

const NOBODY = 65_534;

describeWithPeer(whyNoDrainLab(), 'drain of other servers, and by others', () => {
  let lab: DrainLab;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

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
