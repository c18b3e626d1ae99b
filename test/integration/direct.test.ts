import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {spawnServe} from '../helpers/serveProgram.ts';

/** Longer than the test: nothing waits for a poll. */
const NEVER = 600;

describeWithPeer(whyNoProftpd(), 'msg, directly to the sessions of a real ProFTPD', () => {
  let proftpd: RealProftpd;
  let dave: FtpSession;
  let alice: FtpSession;
  beforeAll(async () => {
    proftpd = await startProftpd({controlsInterval: NEVER});
    dave = await proftpd.session('dave');
    alice = await proftpd.session('alice');
  });
  afterAll(async () => {
    await dave?.close();
    await alice?.close();
    await proftpd?.stop();
  });

  const ftpdctl = (...args: string[]) =>
    runFtpdctl(['-s', proftpd.socket, ...args], {env: {PROFTPD_CONF: proftpd.configFile}});

  it('arrives without a poll, UTF-8 and several lines in one reply', async () => {
    const run = await ftpdctl('msg', 'user', 'dave', 'grüße');
    expect(run).toEqual({
      status: 0,
      signal: null,
      stdout: 'ftpdctl: message sent\nftpdctl: taken by 1 session\n',
      stderr: '',
    });
    expect(await dave.command('NOOP')).toEqual(['200-NOOP command successful', '200 grüße']);
    await runFtpdctl(['-s', proftpd.socket, 'msg', 'all', '-'], {
      input: 'one\ntwo\n',
      env: {PROFTPD_CONF: proftpd.configFile},
    });
    const reply = ['200-NOOP command successful', ' one', '200 two'];
    expect(await dave.command('NOOP')).toEqual(reply);
    expect(await alice.command('NOOP')).toEqual(reply);
  });

  it('reaches one session by its id, and by its pid', async () => {
    const {sessions} = JSON.parse((await ftpdctl('--json', 'who', '--user', 'alice')).stdout);
    for (const name of [sessions[0].id, String(sessions[0].pid)]) {
      expect((await ftpdctl('msg', 'session', name, 'for', 'you')).status).toBe(0);
      expect(await alice.command('NOOP')).toEqual(['200-NOOP command successful', '200 for you']);
      expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    }
    expect((await ftpdctl('msg', 'session', '1-abc', 'nobody')).status).toBe(4);
  });

  it('says who would get it, and sends nothing', async () => {
    const {status, stdout} = await ftpdctl('msg', '--dry-run', 'all', 'hi');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ftpdctl: message would be sent to 2 sessions\nID +USER /);
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  it('--json says that no daemon has answered', async () => {
    const {stdout} = await ftpdctl('--json', 'msg', 'user', 'dave', 'hi');
    expect(JSON.parse(stdout)).toMatchObject({
      exitStatus: 0,
      verdict: 'OK',
      via: 'direct',
      responses: ['message sent', 'taken by 1 session'],
    });
    await dave.command('NOOP');
  });

  it('--wait: shown once the client has its reply, 75 while nobody asks for one', async () => {
    const text = 'x'.repeat(400);
    let ended = false;
    const waiting = ftpdctl('--json', 'msg', '--wait=10', 'user', 'dave', text).finally(() => {
      ended = true;
    });
    while (!ended) {
      await dave.command('NOOP');
      await sleep(100);
    }
    const run = await waiting;
    expect(JSON.parse(run.stdout)).toMatchObject({
      exitStatus: 0,
      receipt: {id: 'direct', recipients: 1, taken: 1, lost: 0, waiting: []},
    });

    const late = await ftpdctl('msg', '--wait=0.5', 'all', 'nobody asks');
    expect(late).toMatchObject({status: 75, stdout: 'ftpdctl: message sent\nftpdctl: taken by 2 sessions\n'});
    expect(late.stderr).toMatch(
      /shown to 0 of 2 sessions within 0\.5 s; not yet to (dave|alice)@\S+, (dave|alice)@/,
    );
    await dave.command('NOOP');
    await alice.command('NOOP');
  });

  it('--wait: 4 when the client hangs up first', async () => {
    const bob = await proftpd.session('alice');
    const {sessions} = JSON.parse((await ftpdctl('--json', 'who', '--user', 'alice')).stdout);
    const latest = sessions.at(-1).id;
    const args = ['-s', proftpd.socket, 'msg', '--wait=10', 'session', latest, 'too late for you'];
    const program = spawnServe(args, {env: {PROFTPD_CONF: proftpd.configFile}});
    while (!program.stdout().includes('taken by 1 session')) await sleep(20);
    await bob.close();
    expect(await program.ended).toBe(4);
    expect(program.stderr()).toContain('undelivered to alice@127.0.0.1, it ended before it showed it');
  });

  it('nobody of that name', async () => {
    const {status, stdout} = await ftpdctl('msg', 'user', 'nosuch', 'hi');
    expect({status, stdout}).toEqual({
      status: 4,
      stdout: 'ftpdctl: unable to send message: no such client connected\n',
    });
  });

  it('-v says which way and why', async () => {
    const {stderr} = await ftpdctl('-v', 'msg', 'user', 'dave', 'hi');
    expect(stderr).toBe('ftpdctl: delivering directly to the sessions\n');
    await dave.command('NOOP');
  });

  it('without a configuration it is asked, unless it is to go directly', async () => {
    const args = ['-v', '--timeout', '1', '-s', proftpd.socket, 'msg'];
    const asked = await runFtpdctl([...args, 'user', 'dave', 'hi']);
    expect(asked.status).toBe(75);
    expect(asked.stderr).toContain('whether root may send messages is not known');
    const direct = await runFtpdctl([...args, '--via', 'direct', 'user', 'dave', 'hi']);
    expect(direct).toMatchObject({status: 0, stdout: 'ftpdctl: message sent\nftpdctl: taken by 1 session\n'});
    await dave.command('NOOP');
  });

  it('--via direct is refused to those who may not signal', async () => {
    const run = await runFtpdctl(['-s', proftpd.socket, 'msg', '--via', 'direct', 'all', 'hi'], {
      uid: 65_534,
      env: {PROFTPD_CONF: proftpd.configFile},
    });
    expect(run).toMatchObject({status: 7, stdout: ''});
    expect(run.stderr).toContain('only root may signal');
  });
});

describeWithPeer(whyNoProftpd(), 'a ProFTPD whose MessageControlsACLs do not let root in', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    proftpd = await startProftpd({acls: ['MessageControlsACLs msg allow user dave']});
  });
  afterAll(() => proftpd?.stop());

  it('is asked by its controls socket, and --via direct is refused', async () => {
    const env = {PROFTPD_CONF: proftpd.configFile};
    const direct = await runFtpdctl(['-s', proftpd.socket, 'msg', '--via', 'direct', 'all', 'hi'], {env});
    expect(direct).toMatchObject({status: 2, stdout: ''});
    const asked = await runFtpdctl(['-v', '-s', proftpd.socket, 'msg', 'all', 'hi'], {env});
    expect(asked).toMatchObject({status: 2, stdout: 'ftpdctl: access denied\n'});
    expect(asked.stderr).toContain('MessageControlsACLs does not let root send messages');
  });
});
