import {execFileSync} from 'node:child_process';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {OPEN_ACLS, type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';

/** Debian's accounts, as callers of other uids. */
const NOBODY = 65534;
const WWW_DATA = 33;

describeWithPeer(whyNoProftpd(), 'ftpdctl against a real ProFTPD 1.3.8', () => {
  let server: RealProftpd;
  let dave: FtpSession;

  beforeAll(async () => {
    server = await startProftpd({classes: {staff: ['127.0.0.0/8']}});
    dave = await server.session('dave');
  });
  afterAll(async () => server?.stop());

  const ftpdctl = (args: string[], options = {}) => runFtpdctl(['-s', server.socket, ...args], options);
  const noop = async () => dave.command('NOOP');

  describe('a message stands in the next FTP reply', () => {
    test.each([
      ['user', ['user', 'dave']],
      ['host', ['host', '127.0.0.1']],
      ['class', ['class', 'staff']],
      ['all', ['all']],
    ])('%s', async (_kind, audience) => {
      const {status, stdout, stderr} = await ftpdctl([
        'msg',
        ...audience,
        'please',
        'delete',
        'some',
        'files',
      ]);
      expect({status, stdout, stderr}).toEqual({status: 0, stdout: 'ftpdctl: message sent\n', stderr: ''});
      expect(await noop()).toEqual(['200-NOOP command successful', '200 please delete some files']);
    });

    test('words with dashes belong to the message', async () => {
      const {status} = await ftpdctl([
        'msg',
        'user',
        'dave',
        'please',
        'use',
        '--passive',
        'please',
        '-v',
        '--',
        '-h',
        'use',
      ]);
      expect(status).toBe(0);
      expect(await noop()).toEqual([
        '200-NOOP command successful',
        '200 please use --passive please -v -- -h use',
      ]);
    });

    test('100 words, which the stock client cannot send', async () => {
      const words = Array.from({length: 100}, (_, i) => `word${i}`);
      expect((await ftpdctl(['msg', 'user', 'dave', ...words])).status).toBe(0);
      expect(await noop()).toEqual(['200-NOOP command successful', `200 ${words.join(' ')}`]);
    });

    test('the longest text a session shows whole', async () => {
      const text = 'abcd '.repeat(1100).slice(0, 5112).concat('x');
      expect((await ftpdctl(['msg', 'user', 'dave', text])).status).toBe(0);
      expect((await noop())[1]).toBe(`200 ${text}`);
    });

    test('--transliterate', async () => {
      expect((await ftpdctl(['msg', '--transliterate', 'user', 'dave', 'schöne', 'Grüße'])).status).toBe(0);
      expect((await noop())[1]).toBe('200 schone Grusse');
    });
  });

  describe('what would kill the daemon is refused, and the daemon lives', () => {
    test.each([
      ['UTF-8', ['msg', 'all', 'grüße']],
      ['UTF-8 in a forwarded action', ['kick', 'user', 'dävé']],
      ['newline', ['msg', 'all', 'a\nb']],
      ['tab', ['request', 'msg', 'all', 'a\tb']],
      ['DEL', ['msg', 'all', 'a\u007fb']],
      ['a word of 257 bytes', ['request', 'msg', 'all', 'x'.repeat(257)]],
      ['33 strings', ['request', 'msg', 'all', ...Array.from({length: 31}, () => 'w')]],
      ['5114 bytes', ['msg', 'all', 'abcd '.repeat(1100).slice(0, 5113).concat('x')]],
      ['an action of 128 bytes', ['a'.repeat(128)]],
    ])('%s', async (_name, args) => {
      const {status, stdout, stderr} = await ftpdctl(args);
      expect({status, stdout}).toEqual({status: 3, stdout: ''});
      expect(stderr).toMatch(/^ftpdctl: .+\n$/);
      expect(server.alive()).toBe(true);
    });
  });

  describe('exit statuses', () => {
    test.each([
      [0, ['status', 'all']],
      [0, ['status']],
      [0, ['help']],
      [3, ['help', 'x']],
      [3, ['request', 'msg', 'user', 'dave']],
      [4, ['msg', 'user', 'nobody-of-that-name', 'hi']],
      [4, ['msg', 'host', '192.0.2.1', 'hi']],
      [4, ['status', '9.9.9.9']],
      [7, ['nosuch']],
    ])('%i for %j', async (expected, args) => {
      expect((await ftpdctl(args)).status).toBe(expected);
    });

    test('the stock exit status of 1.3.8 is 0 once answered', async () => {
      expect((await ftpdctl(['--stock-exit-status', 'nosuch'])).status).toBe(0);
    });

    test('75 when the deadline passes before the answer', async () => {
      const {status, stderr} = await ftpdctl(['--timeout', '0.2', 'status']);
      expect(status).toBe(75);
      expect(stderr).toContain('ControlsInterval');
    });

    test('1 without a server', async () => {
      const {status, stderr} = await runFtpdctl(['-s', `${server.directory}/none.sock`, 'status']);
      expect(status).toBe(1);
      expect(stderr).toContain(`${server.directory}/none.sock`);
    });
  });

  test('--json says it all', async () => {
    const {stdout, status} = await ftpdctl(['--json', 'msg', 'user', 'nobody-of-that-name', 'hi']);
    expect(status).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      action: 'msg',
      status: 0,
      exitStatus: 4,
      verdict: 'SUBJECT_NOT_FOUND',
      responses: ['unable to send message: no such client connected'],
      dialect: 'binary',
    });
  });

  test('-q prints nothing on success', async () => {
    expect(await ftpdctl(['-q', 'status'])).toMatchObject({status: 0, stdout: '', stderr: ''});
  });

  test('a forwarded action keeps its own options', async () => {
    const alice = await server.session('alice');
    const {status, stdout} = await ftpdctl(['kick', 'user', '-n', '1', 'alice']);
    expect({status, stdout}).toMatchObject({status: 0, stdout: expect.stringContaining('alice') as string});
    await alice.close();
  });
});

describeWithPeer(whyNoProftpd(), 'a real ProFTPD 1.3.8 that reports a failure with status 0', () => {
  let server: RealProftpd;
  beforeAll(async () => {
    server = await startProftpd();
  });
  afterAll(async () => server?.stop());

  test.each([
    [4, ['kick', 'user', 'nosuch']],
    [4, ['down', '9.9.9.9']],
    [4, ['status', 'nosuch.invalid']],
    [3, ['kick', 'user']],
  ])('exits with %i for %j', async (expected, args) => {
    expect((await runFtpdctl(['-s', server.socket, ...args])).status).toBe(expected);
  });

  test('says that a message was lost with its queue', async () => {
    const dave = await server.session('dave');
    execFileSync('ipcrm', ['-Q', String(server.queueKey >>> 0)]);
    const {status, stdout} = await runFtpdctl(['-s', server.socket, 'msg', 'user', 'dave', 'hi']);
    expect({status, stdout}).toEqual({
      status: 1,
      stdout: 'ftpdctl: error sending message: Invalid argument\n',
    });
    await dave.close();
  });
});

describeWithPeer(whyNoProftpd(), 'callers of a real ProFTPD 1.3.8', () => {
  let server: RealProftpd;
  beforeAll(async () => {
    server = await startProftpd({
      acls: [
        ...OPEN_ACLS.filter((line) => !line.startsWith('MessageControlsACLs')),
        'MessageControlsACLs msg allow user www-data',
      ],
    });
  });
  afterAll(async () => server?.stop());

  test.each([
    ['www-data may', WWW_DATA, 0],
    ['nobody may not', NOBODY, 2],
    ['root may not', 0, 2],
  ])('%s', async (_name, uid, expected) => {
    const {status, stdout} = await runFtpdctl(
      ['-s', server.socket, 'msg', 'all', 'hi'],
      uid === 0 ? {} : {uid},
    );
    expect(status).toBe(expected);
    expect(stdout).toContain(expected === 0 ? 'error sending message: Success' : 'access denied');
  });
});

describeWithPeer(whyNoProftpd(), 'the poll of a real ProFTPD 1.3.8', () => {
  test.each([
    1, 5,
  ])('ControlsInterval %i: an unknown dialect costs no second interval', async (controlsInterval) => {
    const server = await startProftpd({controlsInterval});
    try {
      // An answer comes an interval and 0.4 s after the poll before; two intervals would need more.
      const {status, stderr} = await runFtpdctl([
        '-s',
        server.socket,
        '--timeout',
        String(controlsInterval + 1),
        'status',
      ]);
      expect({status, stderr}).toEqual({status: 0, stderr: ''});
    } finally {
      await server.stop();
    }
  });

  test('eight callers at once on ControlsMaxClients 2', async () => {
    const server = await startProftpd({controlsMaxClients: 2});
    try {
      const results = await Promise.all(
        Array.from({length: 8}, () => runFtpdctl(['-s', server.socket, 'status'])),
      );
      expect(results.map(({status}) => status)).toEqual(Array(8).fill(0));
    } finally {
      await server.stop();
    }
  }, 60_000);
});
