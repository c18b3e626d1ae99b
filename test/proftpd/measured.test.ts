import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {findDaemons} from '../../src/lib/proftpd/find/find.ts';
import {sessionsOf} from '../../src/lib/proftpd/sessions/list.ts';
import {SystemVQueue} from '../../src/lib/transport/systemV.ts';
import {oracle} from '../helpers/oracle.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';
import {sessionSource} from '../helpers/sessionSource.ts';

const VERSION = '1.3.8';
/** Longer than the test: nothing waits for a poll. */
const NEVER = 600;

const {lifecycle, locking} = oracle<{
  lifecycle: Record<string, Record<string, unknown>>;
  locking: Record<string, Record<string, unknown>>;
}>('scoreboard');
const {misc} = oracle<{misc: Record<string, Record<string, unknown>>}>('sysv');

const found = async ({pid}: RealProftpd) =>
  (await findDaemons()).daemons.find((daemon) => daemon.pid === pid)!;

describeWithPeer(whyNoProftpd(), 'what was measured of the files of a daemon', () => {
  it.each([
    'off',
    'none',
    '/dev/null',
  ])('ScoreboardFile %s: nobody is told of, nobody is reached', async (value) => {
    const measured = lifecycle[VERSION]![`ScoreboardFile ${value}`] as {'msg user dave': [number, string]};
    const proftpd = await startProftpd({controlsInterval: 1, directives: [`ScoreboardFile ${value}`]});
    const env = {PROFTPD_CONF: proftpd.configFile};
    const dave = await proftpd.session('dave');
    try {
      await expect(found(proftpd).then(sessionsOf)).rejects.toMatchObject({code: 'NO_SCOREBOARD'});
      const direct = await runFtpdctl(['-s', proftpd.socket, 'msg', '--via', 'direct', 'all', 'hi'], {env});
      expect(direct).toMatchObject({status: 7, stdout: '', stderr: expect.stringContaining('no scoreboard')});
      const asked = await runFtpdctl(['-s', proftpd.socket, 'msg', 'user', 'dave', 'hi'], {env});
      expect(asked).toMatchObject({status: 4, stdout: `${measured['msg user dave'][1]}\n`});
      expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
      const kicked = await runFtpdctl(['-s', proftpd.socket, 'kick', 'user', 'dave'], {env});
      expect(kicked.stdout).toMatch(/^ftpdctl: /);
    } finally {
      await dave.close();
      await proftpd.stop();
    }
  });

  it.each([
    'is a symlink',
    'garbage content',
  ])('ScoreboardFile %s: its sessions are told of', async (state) => {
    expect(lifecycle[VERSION]![`ScoreboardFile ${state}`]).toMatchObject({started: true});
    const directory = mkdtempSync('/tmp/scoreboard-');
    const path = join(directory, 'score');
    if (state === 'is a symlink') symlinkSync(join(directory, 'target'), path);
    else writeFileSync(path, 'garbage '.repeat(200));
    const proftpd = await startProftpd({controlsInterval: NEVER, directives: [`ScoreboardFile ${path}`]});
    const dave = await proftpd.session('dave');
    try {
      expect(sessionsOf(await found(proftpd))).toMatchObject([{user: 'dave'}]);
      const env = {PROFTPD_CONF: proftpd.configFile};
      const sent = await runFtpdctl(['-s', proftpd.socket, 'msg', 'all', 'hi'], {env});
      expect(sent.stdout).toBe('ftpdctl: message sent\nftpdctl: taken by 1 session\n');
      expect((await dave.command('NOOP')).at(-1)).toBe('200 hi');
    } finally {
      await dave.close();
      await proftpd.stop();
      rmSync(directory, {recursive: true, force: true});
    }
  });

  it.each(
    Object.keys(locking[VERSION]!).filter((name) => name.startsWith('lock_held_')),
  )('%s by another process: sessions are told of all the same, and no lock is taken', async (name) => {
    const [, kind, file] = /^lock_held_([rw])_(.*)$/.exec(name)!;
    const proftpd = await startProftpd({controlsInterval: NEVER});
    const dave = await proftpd.session('dave');
    const path = join(proftpd.directory, file!.replace('score', 'scoreboard'));
    const lock = kind === 'w' ? 'LOCK_EX' : 'LOCK_SH';
    const script = `import fcntl,sys; f=open('${path}','r+b'); fcntl.lockf(f, fcntl.${lock}); print('held', flush=True); sys.stdin.read()`;
    const holder = spawn('python3', ['-c', script], {stdio: ['pipe', 'pipe', 'inherit']});
    try {
      await once(holder.stdout, 'data');
      expect(sessionsOf(sessionSource(proftpd))).toMatchObject([{user: 'dave'}]);
      const env = {PROFTPD_CONF: proftpd.configFile};
      const who = await runFtpdctl(['--json', '-s', proftpd.socket, 'who'], {env});
      expect(JSON.parse(who.stdout).sessions).toMatchObject([{user: 'dave'}]);
    } finally {
      holder.stdin.end();
      await once(holder, 'exit');
      await dave.close();
      await proftpd.stop();
    }
  });
});

describeWithPeer(whyNoProftpd(), 'what was measured of queues', () => {
  it('one that was removed while the daemon runs: it is told, and nothing is said to be sent', async () => {
    const {ftpdctl: real} = misc[VERSION]!['queue_removed_while_running'] as {ftpdctl: string};
    const proftpd = await startProftpd({controlsInterval: 1});
    const env = {PROFTPD_CONF: proftpd.configFile};
    const dave = await proftpd.session('dave');
    try {
      const {id} = SystemVQueue.open(proftpd.queueKey)!;
      await runProcess('ipcrm', ['-q', String(id)], {env: cleanEnvironment('/')});
      const direct = await runFtpdctl(['-s', proftpd.socket, 'msg', '--via', 'direct', 'all', 'hi'], {env});
      expect(direct).toMatchObject({status: 7, stdout: ''});
      const asked = await runFtpdctl(['-s', proftpd.socket, 'msg', 'user', 'dave', 'hi'], {env});
      expect(asked).toMatchObject({status: 1, stdout: `${real}\n`});
      expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    } finally {
      await dave.close();
      await proftpd.stop();
    }
  });

  it('two daemons with one MessageQueue: each reaches its own sessions, and leaves the other’s messages alone', async () => {
    const measured = misc[VERSION]!['two_daemons_one_MessageQueue_file'] as {same_queue: boolean};
    expect(measured.same_queue).toBe(true);
    const one = await startProftpd({controlsInterval: NEVER});
    const other = await startProftpd({
      controlsInterval: NEVER,
      directives: [`MessageQueue ${one.directory}/queue`],
    });
    const [dave, alice] = [await one.session('dave'), await other.session('alice')];
    const [hers] = sessionsOf(sessionSource(other));
    const queue = SystemVQueue.open(one.queueKey)!;
    try {
      process.kill(hers!.pid, 'SIGSTOP');
      queue.send(hers!.pid, Buffer.from('for alice\0'));
      const sent = await runFtpdctl(['-v', '-s', one.socket, 'msg', 'all', 'for dave'], {
        env: {PROFTPD_CONF: one.configFile},
      });
      expect(sent).toMatchObject({status: 0, stdout: 'ftpdctl: message sent\nftpdctl: taken by 1 session\n'});
      expect(sent.stderr).not.toContain('removed');
      expect(queue.list()).toEqual([{type: hers!.pid, bytes: Buffer.from('for alice\0')}]);
      expect((await dave.command('NOOP')).at(-1)).toBe('200 for dave');

      process.kill(hers!.pid, 'SIGCONT');
      const back = await runFtpdctl(['-s', other.socket, 'msg', 'all', 'too'], {
        env: {PROFTPD_CONF: other.configFile},
      });
      expect(back.stdout).toBe('ftpdctl: message sent\nftpdctl: taken by 1 session\n');
      expect(await alice.command('NOOP')).toEqual(['200-NOOP command successful', ' for alice', '200 too']);
      expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    } finally {
      process.kill(hers!.pid, 'SIGCONT');
      await Promise.all([dave.close(), alice.close()]);
      await other.stop();
      await one.stop();
    }
  });
});
