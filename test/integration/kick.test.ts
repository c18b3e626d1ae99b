import {afterAll, beforeAll, expect, it} from 'vitest';
import {describeWithPeer} from '../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';

describeWithPeer(whyNoProftpd(), 'kick, with a real ProFTPD', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    proftpd = await startProftpd();
  });
  afterAll(() => proftpd?.stop());

  const ftpdctl = (...args: string[]) =>
    runFtpdctl(['-s', proftpd.socket, ...args], {env: {PROFTPD_CONF: proftpd.configFile}});
  const idOf = async (user: string) =>
    JSON.parse((await ftpdctl('--json', 'who', '--user', user)).stdout).sessions[0].id as string;

  it('ends one session, and says so when it is gone', async () => {
    const dave = await proftpd.session('dave');
    const alice = await proftpd.session('alice');
    const id = await idOf('dave');
    expect(await ftpdctl('kick', 'session', id)).toEqual({
      status: 0,
      signal: null,
      stdout: `ftpdctl: ended dave@127.0.0.1 (session ${id})\n`,
      stderr: '',
    });
    expect(JSON.parse((await ftpdctl('--json', 'who')).stdout).sessions).toHaveLength(1);
    expect(await alice.command('NOOP')).toEqual(['200 NOOP command successful']);
    expect((await ftpdctl('kick', 'session', id)).status).toBe(4);
    await Promise.all([dave.close(), alice.close()]);
  });

  it('--dry-run says whom it would end, and ends nobody', async () => {
    const [dave, alice, other] = await Promise.all(
      ['dave', 'alice', 'alice'].map((user) => proftpd.session(user)),
    );
    const id = await idOf('dave');
    for (const [words, users] of [
      [['session', id], ['dave']],
      [
        ['user', 'alice', 'dave'],
        ['alice', 'alice', 'dave'],
      ],
      [['user', '-n', '1', 'alice'], ['alice']],
      [
        ['host', '127.0.0.1'],
        ['alice', 'alice', 'dave'],
      ],
    ] as const) {
      const run = await ftpdctl('--json', 'kick', '--dry-run', ...words);
      const {sessions, responses} = JSON.parse(run.stdout);
      expect(run.status).toBe(0);
      expect(sessions.map(({user}: {user: string}) => user).sort()).toEqual(users);
      expect(responses).toEqual([`would end ${users.length} session${users.length === 1 ? '' : 's'}`]);
    }
    const {stdout} = await ftpdctl('kick', '--dry-run', 'session', id);
    expect(stdout).toMatch(/^ftpdctl: would end 1 session\nID +USER .*\n\S+ +dave /);
    expect(await ftpdctl('-q', 'kick', '--dry-run', 'session', id)).toMatchObject({status: 0, stdout: ''});
    expect(await ftpdctl('kick', '--dry-run', 'class', 'nosuch')).toMatchObject({status: 4});
    for (const words of [[], ['user'], ['nobody', 'x'], ['session'], ['session', 'a', 'b']])
      expect(await ftpdctl('kick', '--dry-run', ...words)).toMatchObject({status: 3, stdout: ''});
    for (const session of [dave!, alice!, other!]) {
      expect(await session.command('NOOP')).toEqual(['200 NOOP command successful']);
      await session.close();
    }
  });

  it('names who was probably meant', async () => {
    const dave = await proftpd.session('dave');
    const id = await idOf('dave');
    for (const [words, near] of [
      [['user', 'davee'], 'dave'],
      [['--dry-run', 'user', '-n', '2', 'daev'], 'dave'],
      [['session', `${id}0`], id],
    ] as const) {
      const {status, stderr} = await ftpdctl('kick', ...words);
      expect({status, stderr}).toEqual({status: 4, stderr: `ftpdctl: did you mean "${near}"?\n`});
    }
    const asked = await ftpdctl('msg', '--via', 'controls', 'user', 'davee', 'hi');
    expect(asked).toMatchObject({status: 4, stderr: 'ftpdctl: did you mean "dave"?\n'});
    await dave.close();
  });

  it('counts by looking whom the daemon has ended', async () => {
    const sessions = await Promise.all([1, 2, 3].map(() => proftpd.session('alice')));
    const two = JSON.parse((await ftpdctl('--json', 'kick', 'user', '-n', '2', 'alice')).stdout);
    expect(two).toMatchObject({exitStatus: 0, ended: 2, meant: 3});
    const {status, stdout} = await ftpdctl('kick', 'user', 'alice');
    expect({status, last: stdout.trim().split('\n').at(-1)}).toEqual({
      status: 0,
      last: 'ftpdctl: ended 1 of 1 session',
    });
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('one session is root’s to end', async () => {
    const dave = await proftpd.session('dave');
    const env = {PROFTPD_CONF: proftpd.configFile};
    const run = await runFtpdctl(['-s', proftpd.socket, 'kick', 'session', await idOf('dave')], {
      uid: 65_534,
      env,
    });
    expect(run).toMatchObject({status: 7, stdout: ''});
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    await dave.close();
  });
});
