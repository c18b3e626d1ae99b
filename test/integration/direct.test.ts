import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {SystemVQueue} from '../../src/lib/transport/systemV.ts';
import {checkoutFor} from '../helpers/checkout.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';
import {spawnServe} from '../helpers/serveProgram.ts';
import {makeSshKeys, sftpOptions, spawnSftp, whyNoSftp} from '../helpers/sftp.ts';

/** Longer than the test: nothing waits for a poll. */
const NEVER = 600;

/** Of the scoreboard of a 64-bit ProFTPD with IPv6. */
const HEADER_BYTES = 32;
const SLOT_BYTES = 624;
/** Milliseconds after which a session is believed to be missing from its scoreboard, and the second it began in. */
const OLD_ENOUGH_MS = 3100;

function findSlot(scoreboard: Buffer, pid: number): number {
  let offset = HEADER_BYTES;
  while (scoreboard.readUInt32LE(offset) !== pid) offset += SLOT_BYTES;
  return offset;
}

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

  it('takes every option for one session', async () => {
    const {sessions} = JSON.parse((await ftpdctl('--json', 'who', '--user', 'alice')).stdout);
    const [{id}] = sessions;
    const dry = JSON.parse((await ftpdctl('--json', 'msg', '--dry-run', 'session', id, 'hi')).stdout);
    expect(dry).toMatchObject({exitStatus: 0, sessions: [{id, user: 'alice'}]});
    const file = join(proftpd.directory, 'text');
    writeFileSync(file, 'one\ntwo\n');
    expect((await ftpdctl('msg', '--via', 'direct', '-F', file, 'session', id)).status).toBe(0);
    expect(await alice.command('NOOP')).toEqual(['200-NOOP command successful', ' one', '200 two']);
    const late = await ftpdctl('msg', '--wait=0.2', 'session', id, 'nobody asks');
    expect(late.status).toBe(75);
    expect(await alice.command('NOOP')).toEqual(['200-NOOP command successful', '200 nobody asks']);
    // ProFTPD has no such audience: it is not asked.
    const asked = await ftpdctl('msg', '--via', 'controls', 'session', id, 'hi');
    expect(asked).toMatchObject({status: 7, stdout: ''});
    expect(asked.stderr).toContain('to send to one session');
  });

  it('says with -v what lay there for sessions that had ended, and what becomes of it', async () => {
    const gone = spawn('true');
    await once(gone, 'exit');
    const queue = SystemVQueue.open(proftpd.queueKey)!;
    for (const text of ['one', 'two']) queue.send(gone.pid!, Buffer.from(`${text}\0`));
    const count = '2 messages for 1 session that ended before';
    const asked = await ftpdctl('-v', '--timeout', '0.5', 'msg', '--via', 'controls', 'user', 'dave', 'hi');
    expect(asked.stderr).toContain(`on the queue there are ${count}; one that goes directly removes them`);
    expect(queue.status().messages).toBe(2);
    const direct = await ftpdctl('-v', 'msg', 'user', 'dave', 'hi');
    expect(direct.stderr).toBe(
      `ftpdctl: delivering directly to the sessions\nftpdctl: removed from the queue: ${count}\n`,
    );
    expect(queue.status().messages).toBe(0);
    await dave.command('NOOP');
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

  it.each([
    ['with its last reply, and quits', 'NOOP\r\nQUIT\r\n', '200 perhaps seen by you'],
    ['or hangs up without another word', '', undefined],
  ])('--wait: 75 for a client that has seen the message %s: nobody can tell them apart', async (_, said, seen) => {
    const bob = await proftpd.session('alice');
    const {sessions} = JSON.parse((await ftpdctl('--json', 'who', '--user', 'alice')).stdout);
    const latest = sessions.at(-1).id;
    const args = ['-s', proftpd.socket, 'msg', '--wait=10', 'session', latest, 'perhaps seen by you'];
    const program = spawnServe(args, {env: {PROFTPD_CONF: proftpd.configFile}});
    while (!program.stdout().includes('taken by 1 session')) await sleep(20);
    bob.send(Buffer.from(said));
    if (seen !== undefined) expect((await bob.reply()).at(-1)).toBe(seen);
    await bob.close();
    expect(await program.ended).toBe(75);
    expect(program.stderr()).toContain(
      'nobody can say whether alice@127.0.0.1 saw it: the session ended before that was known',
    );
  });

  it('is no hindrance to logins while a stopped session keeps its message on the queue', async () => {
    const {sessions} = JSON.parse((await ftpdctl('--json', 'who', '--user', 'alice')).stdout);
    const {pid} = sessions[0];
    const queue = SystemVQueue.open(proftpd.queueKey)!;
    process.kill(pid, 'SIGSTOP');
    try {
      const program = spawnServe(['-s', proftpd.socket, 'msg', 'all', 'hello'], {
        env: {PROFTPD_CONF: proftpd.configFile},
      });
      while (queue.list()?.some(({type}) => type === pid) !== true) await sleep(5);
      const newcomer = await proftpd.session('dave');
      expect(queue.list()!.map(({type}) => type)).toContain(pid);
      expect(await newcomer.command('NOOP')).toEqual(['200 NOOP command successful']);
      process.kill(pid, 'SIGCONT');
      expect(await program.ended).toBe(0);
      expect(program.stdout()).toBe('ftpdctl: message sent\nftpdctl: taken by 2 sessions\n');
      await newcomer.close();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    for (const session of [dave, alice]) expect((await session.command('NOOP')).at(-1)).toBe('200 hello');
  });

  it('tells of sessions that the scoreboard does not have', async () => {
    const {sessions} = JSON.parse((await ftpdctl('--json', 'who', '--user', 'alice')).stdout);
    const {pid} = sessions[0];
    const path = join(proftpd.directory, 'scoreboard');
    const slot = findSlot(readFileSync(path), pid);
    const file = openSync(path, 'r+');
    // As where another session that began in the same moment has been written over it.
    writeSync(file, Buffer.alloc(SLOT_BYTES), 0, SLOT_BYTES, slot);
    closeSync(file);
    while (Date.now() < sessions[0].connectedAt + OLD_ENOUGH_MS) await sleep(50);
    const missing = `ftpdctl: not sent to 1 session that the scoreboard does not have: pid ${pid}\n`;
    const dry = await ftpdctl('msg', '--dry-run', 'all', 'hello');
    expect(dry).toMatchObject({status: 0, stdout: expect.stringContaining(missing)});
    const run = await ftpdctl('msg', 'all', 'hello');
    expect(run).toMatchObject({status: 0});
    expect(run.stdout).toBe(`ftpdctl: message sent\nftpdctl: taken by 1 session\n${missing}`);
    expect((await dave.command('NOOP')).at(-1)).toBe('200 hello');
    expect(await alice.command('NOOP')).toEqual(['200 NOOP command successful']);
    // Others than all may not be meant.
    expect((await ftpdctl('msg', 'user', 'dave', 'hi')).stdout).not.toContain('scoreboard');
    await dave.command('NOOP');
    await alice.close();
    alice = await proftpd.session('alice');
  });

  it('nobody of that name', async () => {
    for (const [kind, name, near] of [
      ['user', 'nosuch', undefined],
      ['user', 'davee', 'dave'],
      ['user', 'DAVE', 'dave'],
      ['host', '127.0.0.11', '127.0.0.1'],
    ] as const) {
      for (const option of [[], ['--dry-run']]) {
        const {status, stdout, stderr} = await ftpdctl('msg', ...option, kind, name, 'hi');
        expect({status, stdout, stderr}).toEqual({
          status: 4,
          stdout: 'ftpdctl: unable to send message: no such client connected\n',
          stderr: near === undefined ? '' : `ftpdctl: did you mean "${near}"?\n`,
        });
      }
    }
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

describeWithPeer(whyNoProftpd(), 'a message to sessions whose MessageEngine is off', () => {
  it.each([
    ['of the whole server', {directives: ['MessageEngine off']}, 0],
    [
      'of one virtual host',
      {
        virtualHosts: [
          {directives: ['ServerName quiet', 'MessageEngine off']},
          {directives: ['ServerName loud']},
        ],
      },
      2,
    ],
  ])('%s is not sent to them, and says so', async (_, options, recipients) => {
    const proftpd = await startProftpd({controlsInterval: NEVER, ...options});
    const ports = [proftpd.port, ...proftpd.virtualHosts];
    const sessions = await Promise.all(ports.map((port) => FtpSession.connect(port)));
    const env = {PROFTPD_CONF: proftpd.configFile};
    try {
      await Promise.all(sessions.map((session) => session.login('dave')));
      const {stdout, status} = await runFtpdctl(['-s', proftpd.socket, 'msg', 'all', 'hello'], {env});
      const [first, ...others] = stdout.trimEnd().split('\n');
      expect(first).toBe(
        `ftpdctl: ${recipients === 0 ? 'unable to send message: no such client connected' : 'message sent'}`,
      );
      expect(others.filter((line) => /^ftpdctl: taken by \d sessions$/.test(line))).toHaveLength(
        recipients === 0 ? 0 : 1,
      );
      expect(others.at(-1)).toMatch(
        /^ftpdctl: not sent to dave@127\.0\.0\.1 \(session \S+\): MessageEngine is off$/,
      );
      // As ever where nobody of "all" is there.
      expect(status).toBe(0);
      const replies = await Promise.all(sessions.map((session) => session.command('NOOP')));
      expect(replies.filter((reply) => reply.at(-1) === '200 hello')).toHaveLength(recipients);
      expect(SystemVQueue.open(proftpd.queueKey)!.status().messages).toBe(0);
    } finally {
      await Promise.all(sessions.map((session) => session.close()));
      await proftpd.stop();
    }
  });
});

describeWithPeer(whyNoSftp(), 'SFTP sessions of a real ProFTPD', () => {
  it('are listed, are left out of messages, and are named', async () => {
    const keys = makeSshKeys();
    const proftpd = await startProftpd({controlsInterval: NEVER, ...sftpOptions(keys)});
    const env = {PROFTPD_CONF: proftpd.configFile};
    const ftpdctl = (...args: string[]) => runFtpdctl(['-s', proftpd.socket, ...args], {env});
    const alice = await proftpd.session('alice');
    const sftp = spawnSftp(keys, proftpd.virtualHosts[0]!);
    try {
      sftp.stdin!.write('pwd\n');
      await once(sftp.stdout!, 'data');
      const {sessions} = JSON.parse((await ftpdctl('--json', 'who')).stdout);
      const found = sessions.map(({user, protocol}: {user: string; protocol: string}) => [user, protocol]);
      expect(found).toEqual(
        expect.arrayContaining([
          ['dave', 'sftp'],
          ['alice', 'ftp'],
        ]),
      );
      const all = await ftpdctl('msg', 'all', 'hello');
      expect(all.status).toBe(0);
      expect(all.stdout).toMatch(
        /^ftpdctl: message sent\nftpdctl: taken by 1 session\nftpdctl: not sent to dave@\S+ \(session \S+\): sftp shows no messages\n$/,
      );
      expect((await alice.command('NOOP')).at(-1)).toBe('200 hello');
      expect(await ftpdctl('msg', 'user', 'dave', 'hello')).toMatchObject({
        status: 4,
        stdout: expect.stringContaining('sftp shows no messages'),
      });
      expect(SystemVQueue.open(proftpd.queueKey)!.status().messages).toBe(0);
      const [dave] = sessions.filter(({user}: {user: string}) => user === 'dave');
      const ended = once(sftp, 'exit');
      expect((await ftpdctl('kick', 'session', dave.id)).status).toBe(0);
      sftp.stdin!.end();
      await ended;
    } finally {
      sftp.kill();
      await alice.close();
      await proftpd.stop();
      rmSync(keys, {recursive: true, force: true});
    }
  });
});

describeWithPeer(whyNoProftpd(), 'a ProFTPD in other namespaces', () => {
  it.each([
    ['IPC', ['unshare', '--ipc']],
    ['pid', ['unshare', '--pid', '--ipc', '--fork', '--mount-proc']],
  ])('of another %s namespace: the way into it is told, and works', async (_, startedBy) => {
    const proftpd = await startProftpd({controlsInterval: NEVER, startedBy});
    const client = await proftpd.session('dave');
    const env = {PROFTPD_CONF: proftpd.configFile};
    try {
      const args = ['-s', proftpd.socket, 'msg', '--via', 'direct', 'all', 'from outside'];
      const outside = await runFtpdctl(args, {env});
      expect(outside).toMatchObject({status: 7, stdout: ''});
      const command = /as root: (nsenter .*) ftpdctl …/.exec(outside.stderr)?.[1];
      expect(command).toMatch(/^nsenter -t \d+ /);
      const program = [process.execPath, join(checkoutFor(undefined), 'bin', 'run.js')];
      const words = ['-s', proftpd.socket, 'msg', '--via', 'direct', 'all', 'from inside'];
      const inside = await runProcess('sh', ['-c', `exec ${command} "$@"`, 'sh', ...program, ...words], {
        env: {...cleanEnvironment(proftpd.directory), ...env},
      });
      expect(inside).toEqual({
        status: 0,
        signal: null,
        stdout: 'ftpdctl: message sent\nftpdctl: taken by 1 session\n',
        stderr: '',
      });
      expect(await client.command('NOOP')).toEqual(['200-NOOP command successful', '200 from inside']);
    } finally {
      await client.close();
      await proftpd.stop();
    }
  });
});
