import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {CHECKOUT, checkoutFor} from '../helpers/checkout.ts';
import {OPEN, startControlsServer} from '../helpers/controlsServer.ts';
import {type DrainLab, startDrainLab, whyNoDrainLab} from '../helpers/drainLab.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {cleanEnvironment} from '../helpers/program.ts';
import {spawnServe} from '../helpers/serveProgram.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

const recipes = readFileSync(join(CHECKOUT, 'docs', 'recipes.md'), 'utf8');
/** The blocks of one language. */
const blocks = (language: string) =>
  [...recipes.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!);
/** The only one that has these words. */
const blockWith = (language: string, words: string) => {
  const found = blocks(language).filter((block) => block.includes(words));
  expect(found).toHaveLength(1);
  return found[0]!;
};
/** What a block says it is: the path in its first line. */
const pathOf = (block: string) => /^# (\/\S+)/.exec(block)![1]!;

let directory: string;
/** Our program under the name that a recipe calls it by. */
let program: string;

beforeAll(() => {
  directory = mkdtempSync('/tmp/recipes-');
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, 'bin'));
  program = join(directory, 'bin', 'ftpdctl');
  const run = join(checkoutFor(isRoot ? NOBODY : undefined), 'bin', 'run.js');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${run} "$@"\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(directory, 'notice.txt'), 'going down at 18:00\n');
});
afterAll(() => rmSync(directory, {recursive: true, force: true}));

/** What is the machine's own gives way to what is the test's. */
function here(text: string, socket: string): string {
  return text
    .replaceAll('/run/proftpd/proftpd.sock', socket)
    .replaceAll('/usr/local/bin/ftpdctl', program)
    .replaceAll('/usr/local/bin:', `${directory}/bin:`)
    .replaceAll('/etc/ftp-notice.txt', join(directory, 'notice.txt'))
    .replaceAll('/etc/ftpdctl.conf', join(directory, 'ftpdctl.conf'))
    .replaceAll('/run/ftpdctl/', `${directory}/`);
}

const SERVERS = [
  ['ftpdctl serve', () => startControlsServer(OPEN), null],
  ['a real ProFTPD', () => startProftpd(), whyNoProftpd()],
] as const;

describe.each(SERVERS)('crontab lines, with %s', (_name, start, why) => {
  let server: {readonly socket: string; stop(): Promise<void>};
  beforeAll(async () => {
    if (why === null) server = await start();
  });
  afterAll(() => server?.stop());

  const lines = blocks('crontab').flatMap((block) => block.split('\n'));
  const jobs = lines.flatMap((line) => /^(?:[\d*/,-]+\s+){5}(.*)$/.exec(line)?.[1] ?? []);
  const settings = () => {
    const set = lines.flatMap((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []);
    return Object.fromEntries(
      set.flatMap((name, i) => (i % 2 === 0 ? [[name, here(set[i + 1]!, server.socket)]] : [])),
    );
  };
  const asCronDoes = (job: string, environment: NodeJS.ProcessEnv, uid?: number) =>
    runProcess('/bin/sh', ['-c', here(job, server.socket)], {
      env: {SHELL: '/bin/sh', ...environment, ...settings()},
      cwd: '/',
      ...(uid === undefined ? {} : {uid}),
    });

  test('there are some', () => expect(jobs.length).toBeGreaterThan(2));

  test.skipIf(why !== null).each(jobs)("%s, in cron's environment", async (job) => {
    const run = await asCronDoes(job, {HOME: directory, LOGNAME: 'someone'});
    // With nobody connected a class is nobody's, which is no more than exit status 4 and its line.
    const nobody = {status: 4, stderr: 'ftpdctl: unable to send message: no such client connected\n'};
    const expected = job.includes('class') ? nobody : {status: 0, stderr: ''};
    expect(run).toMatchObject({...expected, stdout: ''});
  });

  test.skipIf(!isRoot || why !== null)('without a home, as a user who has none', async () => {
    expect(await asCronDoes(jobs[0]!, {}, NOBODY)).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
  });

  test('an error is one line on standard error', async () => {
    const run = await asCronDoes('ftpdctl -q -s /nonexistent/socket msg all hi', {HOME: directory});
    expect(run).toMatchObject({status: 1, stdout: ''});
    expect(run.stderr).toMatch(/^ftpdctl: [^\n]+\n$/);
  });
});

describe('systemd', () => {
  test('the configuration has no errors', async () => {
    const [config] = blocks('apache');
    writeFileSync(join(directory, 'ftpdctl.conf'), here(config!, '/nonexistent'));
    const args = ['serve', '--check', '--config', join(directory, 'ftpdctl.conf')];
    const run = await runProcess(program, args, {env: cleanEnvironment(directory)});
    expect(run).toMatchObject({status: 0, stderr: ''});
  });

  test('the server starts, reads its configuration again, and ends', async () => {
    const [, command, words] = /^ExecStart=(\S+) (serve .*)$/m.exec(here(blocks('ini')[0]!, '/nonexistent'))!;
    expect(command).toBe(program);
    const server = spawnServe(words!.split(' '), {cwd: directory});
    await server.said(/listening at/);
    server.signal('SIGHUP');
    const run = await runProcess(program, ['-s', join(directory, 'ctrls.sock'), 'status'], {
      env: cleanEnvironment(directory),
    });
    expect(run).toMatchObject({status: 0});
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
  });
});

describeWithPeer(whyNoProftpd(), 'the notice of the timer, with a real ProFTPD', () => {
  test('reaches who is there', async () => {
    const proftpd = await startProftpd();
    try {
      const dave = await proftpd.session('dave');
      const unit = here(blocks('ini')[1]!, proftpd.socket);
      const [, name, socket] = /^Environment=(\w+)=(.*)$/m.exec(unit)!;
      const [, command] = /^ExecStart=(.*)$/m.exec(unit)!;
      const env = {...cleanEnvironment(directory), [name!]: socket!};
      const run = await runProcess('sh', ['-c', command!], {env});
      expect(run).toMatchObject({status: 0, stdout: '', stderr: ''});
      expect((await dave.command('NOOP')).join('\n')).toContain('backups in 5 minutes');
    } finally {
      await proftpd.stop();
    }
  });
});

describeWithPeer(whyNoProgram('systemd-analyze'), 'systemd-analyze verify', () => {
  test('finds nothing wrong with the units', async () => {
    const pages = join(directory, 'man', 'man8');
    mkdirSync(pages, {recursive: true});
    for (const page of readdirSync(join(CHECKOUT, 'man')).filter((name) => name.endsWith('.8'))) {
      symlinkSync(join(CHECKOUT, 'man', page), join(pages, page));
    }
    const units = blocks('ini').map((unit) => {
      const file = join(directory, pathOf(unit).replace('/etc/systemd/system/', ''));
      writeFileSync(file, here(unit, '/nonexistent'));
      return file;
    });
    const run = await runProcess('systemd-analyze', ['verify', ...units], {
      env: {...cleanEnvironment(directory), MANPATH: join(directory, 'man')},
    });
    expect(run).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
  });
});

describeWithPeer(whyNoProftpd(), 'the maintenance script, with a real ProFTPD', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    // With SocketBindTight, as in the other tests, 1.3.8 ends at the second `up` (measured).
    proftpd = await startProftpd({directives: ['SocketBindTight off']});
    writeFileSync(join(directory, 'bin', 'sleep'), '#!/bin/sh\n');
    chmodSync(join(directory, 'bin', 'sleep'), 0o755);
  });
  afterAll(() => proftpd?.stop());

  test('warns twice and takes the servers down', async () => {
    const dave = await proftpd.session('dave');
    const {PATH, ...env} = cleanEnvironment(directory);
    const script = blockWith('sh', 'down all');
    const run = await runProcess('sh', ['-c', here(script, proftpd.socket)], {
      env: {...env, PATH: `${directory}/bin:${PATH}`},
    });
    expect(run).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
    const reply = await dave.command('NOOP');
    expect(reply.join('\n')).toMatch(/in 5 minutes[\s\S]*in one minute/);
    const status = await runProcess(program, ['-s', proftpd.socket, 'status'], {
      env: cleanEnvironment(directory),
    });
    expect(status.stdout).toContain('DOWN');
    const after = blockWith('sh', 'up all');
    const undone = await runProcess('sh', ['-c', here(after, proftpd.socket)], {
      env: {...env, PATH: `${directory}/bin:${PATH}`},
    });
    expect(undone).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
    const up = await runProcess(program, ['-s', proftpd.socket, 'status'], {
      env: cleanEnvironment(directory),
    });
    expect(up.stdout).toMatch(/^ftpdctl: status: \S+ UP\n$/);
    await proftpd.session('alice');
  });
});

describeWithPeer(whyNoDrainLab(), 'maintenance that surprises nobody, with a real ProFTPD', () => {
  let lab: DrainLab;
  let proftpd: RealProftpd;
  let dave: FtpSession;
  beforeAll(async () => {
    lab = await startDrainLab();
  });
  beforeEach(async () => {
    proftpd = await lab.startProftpd();
    dave = await proftpd.session('dave');
    for (const name of ['tar', 'apt-get']) {
      const note = join(directory, 'bin', name);
      // Whether it may work, and whether it did.
      writeFileSync(
        note,
        `#!/bin/sh\n[ -e /etc/shutmsg ] && echo "$0 $*" >> ${directory}/ran\nexit "\${STATUS:-0}"\n`,
      );
      chmodSync(note, 0o755);
    }
    rmSync(join(directory, 'ran'), {force: true});
  });
  afterEach(() => lab.clear());
  afterAll(() => lab?.stop());

  const ran = () => (existsSync(join(directory, 'ran')) ? readFileSync(join(directory, 'ran'), 'utf8') : '');
  const run = (text: string, more: NodeJS.ProcessEnv = {}) => {
    const [command, ...args] = lab.enter;
    const {PATH, ...env} = cleanEnvironment(directory);
    const script = here(text, proftpd.socket)
      .replace(/--in \d+m/, '--in 2s')
      .replace(/--warn [\dm,]+/, '--warn 2s,1s');
    return runProcess(command!, [...args, 'sh', '-c', script], {
      env: {...env, PATH: `${directory}/bin:${PATH}`, PROFTPD_CONF: proftpd.configFile, ...more},
    });
  };
  const warned = async () => {
    const replies = [await dave.reply().catch(() => [])].flat().join('\n');
    expect(replies).toMatch(/^421 /);
  };
  const isOpen = async () => {
    const session = await FtpSession.connect(proftpd.port);
    await session.close();
    return session.greeting[0]!.startsWith('220 ');
  };

  test('the unit restarts when nobody is left, and opens logins again', async () => {
    const unit = blockWith('ini', 'drain --in');
    const [, name, socket] = /^Environment=(\w+)=(.*)$/m.exec(here(unit, proftpd.socket))!;
    const [, command] = /^ExecStart=(.*)$/m.exec(unit)!;
    const done = command!.replace('/bin/systemctl restart proftpd', `touch ${directory}/ran`);
    expect(await run(done, {[name!]: socket})).toMatchObject({status: 0, stderr: ''});
    expect(existsSync(join(directory, 'ran'))).toBe(true);
    await warned();
    expect(await isOpen()).toBe(true);
  });

  test.each([
    ['0', 0],
    ['2', 2],
  ])('the backup runs while nobody can log in, and everybody can afterwards, if it ends with %s', async (STATUS, status) => {
    expect(await run(blockWith('sh', 'tar -C'), {STATUS})).toMatchObject({status, stderr: ''});
    expect(ran()).toMatch(/\/tar -C \/srv /);
    await warned();
    expect([await isOpen(), lab.hasShutmsg(), lab.record()]).toEqual([true, false, undefined]);
  });

  test('the upgrade waits until nobody is left, and what comes after it for its success', async () => {
    const script = blockWith('sh', 'apt-get install');
    expect(await run(script, {STATUS: '100'})).toMatchObject({status: 1, stdout: expect.any(String)});
    expect(ran()).toMatch(/\/apt-get install /);
    await warned();
    expect([await isOpen(), lab.hasShutmsg()]).toEqual([false, true]);
    expect((await lab.run(proftpd, ['drain', '--cancel'])).status).toBe(0);
    expect(await run(script)).toMatchObject({status: 0, stdout: expect.stringContaining(' UP')});
    expect([await isOpen(), lab.hasShutmsg()]).toEqual([true, false]);
  });

  test('turning over the log ends no session, and the daemon writes to a new one', async () => {
    const [, postrotate] = /postrotate\n(.*?)\n\s*endscript/s.exec(blockWith('logrotate', 'postrotate'))!;
    const log = join(proftpd.directory, 'controls.log');
    renameSync(log, `${log}.1`);
    const script = postrotate!.replace('/run/proftpd.pid', join(proftpd.directory, 'pid'));
    expect(await run(script)).toMatchObject({status: 0, stderr: ''});
    await vi.waitFor(() => expect(existsSync(log)).toBe(true), {timeout: 10_000, interval: 20});
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    expect(await isOpen()).toBe(true);
    await dave.close();
  });
});
