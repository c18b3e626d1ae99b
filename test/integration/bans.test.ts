import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {connect} from 'node:net';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {describeWithPeer} from '../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';

const MOD_BAN = '/usr/lib/proftpd/mod_ban.so';
const missing = whyNoProftpd() ?? (existsSync(MOD_BAN) ? null : `${MOD_BAN} is missing`);
const NOBODY = 65_534;
const HOUR = 3_600_000;

interface Ban {
  readonly who: string;
  readonly kind: string;
  readonly since: number | null;
  readonly until: number | null;
}

describeWithPeer(missing, 'ban list, of a real mod_ban', () => {
  let proftpd: RealProftpd;
  let tables: string;
  beforeAll(async () => {
    tables = mkdtempSync('/tmp/bans-');
    const open = ['ControlsACLs', 'AdminControlsACLs', 'MessageControlsACLs'];
    proftpd = await startProftpd({
      controlsMaxClients: 20,
      modules: ['mod_ban.c'],
      acls: [...open.map((name) => `${name} all allow user *`), 'BanControlsACLs all allow user root'],
      directives: [
        'BanEngine on',
        `BanTable ${tables}/table`,
        'BanOnEvent MaxLoginAttempts 1/00:10:00 01:00:00',
        'MaxLoginAttempts 1',
      ],
    });
  });
  afterAll(async () => {
    await proftpd?.stop();
    rmSync(tables, {recursive: true, force: true});
  });

  const ftpdctl = (args: string[], uid?: number) =>
    runFtpdctl(['-s', proftpd.socket, ...args], uid === undefined ? {} : {uid});
  const list = async (): Promise<{bans: Ban[]; whole: boolean}> => {
    const {status, stdout, stderr} = await ftpdctl(['--json', 'ban', 'list']);
    expect({status, stderr}).toEqual({status: 0, stderr: ''});
    return JSON.parse(stdout);
  };

  it('lists nobody, and whom others may not know of', async () => {
    expect(await list()).toEqual({bans: [], whole: true, exitStatus: 0});
    expect(await ftpdctl(['ban', 'list'])).toMatchObject({status: 0, stdout: 'no bans\n'});
    expect(await ftpdctl(['ban', 'list'], NOBODY)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('access denied (BanControlsACLs'),
    });
  });

  it('lists who was banned by hand and by a rule, with the words of ban forwarded as they are', async () => {
    const before = Date.now();
    for (const words of [
      ['user', 'bob', 'a  b'],
      ['host', '192.0.2.7'],
      ['class', 'guests'],
    ]) {
      expect((await ftpdctl(['ban', ...words])).stdout).toMatch(/ banned\n$/);
    }
    const socket = connect({port: proftpd.port, host: '127.0.0.1', localAddress: '127.0.0.9'});
    await once(socket, 'data');
    socket.write('USER dave\r\n');
    await once(socket, 'data');
    socket.write('PASS wrong\r\n');
    await once(socket, 'close');

    const {bans} = await list();
    const byHand = {since: expect.any(Number), until: null, reason: "requested by 'root'", server: null};
    expect(bans).toEqual(
      expect.arrayContaining([
        {who: 'bob', kind: 'user', ...byHand},
        {who: 'a  b', kind: 'user', ...byHand},
        {who: '192.0.2.7', kind: 'host', ...byHand},
        {who: 'guests', kind: 'class', ...byHand},
        {
          who: '127.0.0.9',
          kind: 'host',
          since: expect.any(Number),
          until: expect.any(Number),
          reason: 'MaxLoginAttempts autoban',
          server: `127.0.0.1#${proftpd.port}`,
        },
      ]),
    );
    expect(bans).toHaveLength(5);
    // Told to the second.
    for (const {since} of bans) expect(since).toBeGreaterThan(before - 1000);
    const {since, until} = bans.find(({who}) => who === '127.0.0.9')!;
    expect(until! - since!).toBe(HOUR);

    const {stdout} = await ftpdctl(['ban', 'list']);
    expect(stdout).toMatch(/^WHO +KIND +SINCE +UNTIL +REASON +SERVER\n/);
    expect(stdout).toMatch(
      /^guests +class +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +for ever +requested by 'root' +all$/m,
    );
    expect((await ftpdctl(['permit', 'user', 'bob'])).status).toBe(0);
    expect((await list()).bans.map(({who}) => who)).not.toContain('bob');
  });

  it('lists the names alone where there are more than one answer can tell of', async () => {
    const batches = Array.from({length: 13}, (_, i) =>
      Array.from({length: 28}, (__, each) => `guest${i}x${each}`),
    );
    const runs = await Promise.all(batches.map((names) => ftpdctl(['ban', 'user', ...names])));
    expect(runs.map(({status}) => status)).toEqual(batches.map(() => 0));
    const {status, stdout, stderr} = await ftpdctl(['--json', 'ban', 'list']);
    const {bans, whole} = JSON.parse(stdout);
    expect({status, whole, stderr}).toEqual({
      status: 0,
      whole: false,
      stderr: expect.stringContaining('too many'),
    });
    expect(bans.filter(({who}: Ban) => /^guest\d/.test(who))).toHaveLength(13 * 28);
    expect(proftpd.alive()).toBe(true);
  });
});

describeWithPeer(whyNoProftpd(), 'ban list without mod_ban', () => {
  it('says so', async () => {
    const proftpd = await startProftpd();
    try {
      expect(await runFtpdctl(['-s', proftpd.socket, 'ban', 'list'])).toMatchObject({
        status: 7,
        stdout: '',
        stderr: expect.stringContaining('unsupported action requested (LoadModule mod_ban.c'),
      });
      // No slip of ours: the server's.
      expect(await runFtpdctl(['-s', proftpd.socket, 'ban', 'lst'])).toMatchObject({
        status: 7,
        stdout: 'ftpdctl: unsupported action requested\n',
      });
    } finally {
      await proftpd.stop();
    }
  });
});
