import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import type {ProftpdDaemon} from '../../../src/lib/proftpd/daemon.ts';
import {findCandidates} from '../../../src/lib/proftpd/find/candidates.ts';
import {chooseDaemon, findDaemons} from '../../../src/lib/proftpd/find/find.ts';
import {dialectOf, programIn} from '../../../src/lib/proftpd/find/program.ts';
import {
  type SessionSource,
  sessionId,
  sessionInfo,
  sessionsOf,
} from '../../../src/lib/proftpd/sessions/list.ts';
import {readScoreboardOf} from '../../../src/lib/proftpd/sessions/scoreboardFile.ts';
import {abisOf, layoutOf} from '../../../src/lib/scoreboard/layout.ts';
import {processStat} from '../../../src/lib/transport/processes/proc.ts';
import {openData} from '../../helpers/data.ts';
import {FtpSession} from '../../helpers/ftpSession.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {runProcess} from '../../helpers/process.ts';
import {type RealProftpd, startProftpd, sysvQueueKeys, whyNoProftpd} from '../../helpers/proftpd.ts';
import {spawnTs} from '../../helpers/spawnTs.ts';
import {type SlotContent, writeScoreboard} from '../../scoreboard/writeScoreboard.ts';

const NOBODY = 65534;

async function find(
  proftpd: RealProftpd,
  options: Parameters<typeof findDaemons>[0] = {},
): Promise<ProftpdDaemon> {
  const {daemons} = await findDaemons(options);
  return daemons.find(({pid}) => pid === proftpd.pid)!;
}

async function until(isTrue: () => unknown): Promise<void> {
  while (!isTrue()) await sleep(10);
}

describeWithPeer(whyNoProftpd(), 'a ProFTPD of this machine', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    proftpd = await startProftpd({
      classes: {away: ['127.0.0.3']},
      virtualHosts: [{directives: ['ServerName second']}],
    });
  });
  afterAll(() => proftpd?.stop());

  it('is found by root among what it has open', async () => {
    const daemon = await find(proftpd, {version: true});
    const {directory, port, virtualHosts, queueKey, socket} = proftpd;
    expect(daemon).toMatchObject({
      version: {known: true, value: expect.stringMatching(/^1\.3\./)},
      controlsSocket: {known: true, value: socket},
      ports: {known: true, value: [port, ...virtualHosts].sort((a, b) => a - b)},
      scoreboard: {known: true, value: {path: `${directory}/scoreboard`, fd: expect.any(Number)}},
      queue: {known: true, value: {path: `${directory}/queue`, key: queueKey}},
      // That of the machine is another daemon's.
      configuration: {known: false, why: expect.stringContaining('no configuration file was found')},
      engines: {known: false},
    });
    expect(sysvQueueKeys()).toContain(queueKey);
    expect(Math.abs(daemon.startedAt - readScoreboardOf(daemon).startedAt!)).toBeLessThan(3000);
  });

  it('has the engines of a configuration that is given', async () => {
    const configuration = join(makePlace(), 'proftpd.conf');
    const host = ['<VirtualHost 127.0.0.1>', 'ServerName second', 'MessageEngine off', '</VirtualHost>'];
    writeFileSync(configuration, ['MessageEngine on', ...host, ''].join('\n'));
    const {engines} = await find(proftpd, {configuration});
    expect(engines).toMatchObject({value: [{engine: true}, {name: 'second', engine: false}]});
  });

  it('is found by anybody by its configuration, with its sessions', async () => {
    const dave = await proftpd.session('dave');
    const child = await spawnTs(join(import.meta.dirname, 'strangerChild.ts'), [
      String(NOBODY),
      String(proftpd.pid),
      proftpd.configFile,
    ]);
    expect(await child.next()).toMatchObject({
      daemon: {
        scoreboard: {known: true, value: {path: `${proftpd.directory}/scoreboard`, fd: null}},
        controlsSocket: {known: true, value: proftpd.socket},
        ports: {known: true, value: expect.arrayContaining([proftpd.port])},
        queue: {known: true, value: {key: proftpd.queueKey}},
        engines: {known: true},
      },
      sessions: [{user: 'dave', server: `127.0.0.1#${proftpd.port}`}],
    });
    await dave.close();
  });

  it('says to anybody why its scoreboard is not known', async () => {
    const child = await spawnTs(join(import.meta.dirname, 'strangerChild.ts'), [
      String(NOBODY),
      String(proftpd.pid),
    ]);
    expect(await child.next()).toMatchObject({
      daemon: {scoreboard: {known: false, why: expect.stringContaining('root can find it')}},
    });
  });

  it('lists only sessions that live and are its own', async () => {
    const dave = await proftpd.session('dave');
    const daemon = await find(proftpd);
    const [session] = sessionsOf(daemon);
    const {pid} = session!;
    const path = join(proftpd.directory, 'invented');
    const slot: SlotContent = {pid, user: 'dave', beginSession: 1_795_000_000, protocol: 'ftp'};
    const slots = [
      {...slot, user: 'older', beginSession: 1_794_999_999},
      slot,
      {...slot, pid: process.pid, user: 'no child'},
      {...slot, pid: 2 ** 22, user: 'dead'},
      {pid: proftpd.pid, user: 'the daemon'},
    ];
    const layout = layoutOf(abisOf('LE', 8)[0]!);
    writeFileSync(path, writeScoreboard(layout, {pid: proftpd.pid, startedAt: 1_794_000_000, slots}));
    const invented: SessionSource = {...daemon, scoreboard: {known: true, value: {path, fd: null}}};
    expect(sessionsOf(invented).map(({user}) => user)).toEqual(['dave']);
    const many = [...slots, ...Array.from({length: 10_000}, (_, i) => ({...slot, pid: 2 ** 21 + i}))];
    writeFileSync(path, writeScoreboard(layout, {pid: proftpd.pid, startedAt: 1_794_000_000, slots: many}));
    expect(sessionsOf(invented).map(({user}) => user)).toEqual(['dave']);
    await dave.close();
  });

  it('does without a session that was killed, at once', async () => {
    const dave = await proftpd.session('dave');
    const daemon = await find(proftpd);
    const {pid} = sessionsOf(daemon)[0]!;
    process.kill(pid, 'SIGKILL');
    await until(() => processStat(pid) === undefined);
    expect(sessionsOf(daemon)).toEqual([]);
    await dave.close();
  });

  it('believes no scoreboard of another user or another process', async () => {
    const daemon = await find(proftpd);
    const real = readFileSync(join(proftpd.directory, 'scoreboard'));
    const path = join(proftpd.directory, 'forged');
    const scoreboard = {known: true, value: {path, fd: null}} as const;
    writeFileSync(path, real);
    expect(readScoreboardOf({...daemon, scoreboard}).pid).toBe(proftpd.pid);
    chownSync(path, NOBODY, NOBODY);
    expect(() => readScoreboardOf({...daemon, scoreboard})).toThrow('belongs to uid 65534');
    chownSync(path, 0, 0);
    expect(() => readScoreboardOf({pid: process.pid, scoreboard})).toThrow(`is of process ${proftpd.pid}`);
  });

  it('is an error when it has ended, or another process has its pid', async () => {
    const daemon = await find(proftpd);
    expect(() => sessionsOf({...daemon, startTicks: daemon.startTicks - 1})).toThrow(
      expect.objectContaining({
        code: 'PROFTPD_NOT_RUNNING',
      }),
    );
  });

  it('keeps its scoreboard for root when the file is deleted', async () => {
    const lone = await startProftpd();
    const alice = await lone.session('alice');
    rmSync(join(lone.directory, 'scoreboard'));
    expect(sessionsOf(await find(lone))).toMatchObject([{user: 'alice'}]);
    await alice.close();
    await lone.stop();
  });

  it('may keep none', async () => {
    const lone = await startProftpd({directives: ['ScoreboardFile none']});
    const daemon = await find(lone);
    expect(daemon).toMatchObject({scoreboard: {known: true, value: null}, ports: {value: [lone.port]}});
    expect(() => sessionsOf(daemon)).toThrow(expect.objectContaining({code: 'NO_SCOREBOARD'}));
    await lone.stop();
  });
});

describeWithPeer(whyNoProftpd(), 'what who tells', () => {
  let proftpd: RealProftpd;
  beforeAll(async () => {
    const certificate = await makeCertificate();
    proftpd = await startProftpd({
      classes: {away: ['127.0.0.3']},
      modules: ['mod_tls.c'],
      directives: ['TransferRate RETR 100', 'TransferRate STOR 100', 'UseSendfile off'],
      virtualHosts: [
        {
          directives: [
            'ServerName second',
            'TLSEngine on',
            `TLSRSACertificateFile ${certificate}`,
            `TLSRSACertificateKeyFile ${certificate}`,
          ],
        },
      ],
    });
    const directory = proftpd.directory;
    writeFileSync(join(directory, 'home', 'dave', 'big'), Buffer.alloc(4 << 20));
  });
  afterAll(() => proftpd?.stop());

  it('agrees with ftpwho in every state', async () => {
    const before = await proftpd.session();
    const idle = await proftpd.session('alice', {localAddress: '127.0.0.3'});
    const second = await FtpSession.connect(proftpd.virtualHosts[0]!);
    await second.login('alice');
    const loading = await proftpd.session('dave');
    const data = await openData(loading);
    data.pause();
    await loading.command('RETR big');
    const storing = await proftpd.session('dave');
    const upload = await openData(storing);
    await storing.command('STOR new');
    upload.write('some bytes');
    const secure = spawn(
      'openssl',
      ['s_client', '-quiet', '-starttls', 'ftp', '-connect', `127.0.0.1:${proftpd.virtualHosts[0]}`],
      {stdio: ['pipe', 'ignore', 'ignore']},
    );
    const daemon = await find(proftpd);
    const states = async () => sessionsOf(daemon).map((session) => sessionInfo(session));
    let ours = await states();
    while (!isSettled(ours)) {
      await sleep(20);
      ours = await states();
    }
    const theirs = await ftpwho(proftpd);

    expect(ours.map(({pid}) => pid)).toEqual(theirs.map(({pid}) => pid));
    for (const [index, session] of ours.entries()) {
      const other = theirs[index]!;
      expect({...seenOf(session)}).toEqual({
        user: other.user ?? null,
        host: other.remote_name,
        address: other.remote_address,
        class: other.class ?? null,
        server: `${other.local_address}#${other.local_port}`,
        protocol: other.protocol,
        connectedAt: other.connected_since_ms,
        command: other.command === undefined ? null : [other.command, other.command_args].join(' '),
        direction: other.downloading ? 'download' : other.uploading ? 'upload' : null,
      });
    }
    expect(ours.find(({command}) => command === 'RETR big')!.transfer).toMatchObject({size: 4 << 20});
    expect(new Set(ours.map(({id}) => id)).size).toBe(ours.length);
    data.destroy();
    upload.destroy();
    secure.kill();
    await Promise.all([before, idle, second, loading, storing].map((session) => session.close()));
  });

  /** All six are there, each in the state it was brought to. */
  function isSettled(sessions: readonly ReturnType<typeof sessionInfo>[]): boolean {
    const commands = sessions.map(({command}) => command);
    return (
      sessions.length === 6 &&
      sessions.some(({protocol}) => protocol === 'ftps') &&
      commands.includes('RETR big') &&
      commands.includes('STOR new')
    );
  }
});

function seenOf({
  user,
  host,
  address,
  class: name,
  server,
  protocol,
  connectedAt,
  command,
  transfer,
}: ReturnType<typeof sessionInfo>) {
  const direction = transfer?.direction ?? null;
  return {user, host, address, class: name, server, protocol, connectedAt, command, direction};
}

interface FtpwhoConnection {
  readonly pid: number;
  readonly user?: string;
  readonly remote_name: string;
  readonly remote_address: string;
  readonly local_address: string;
  readonly local_port: number;
  readonly class?: string;
  readonly protocol: string;
  readonly connected_since_ms: number;
  readonly command?: string;
  readonly command_args?: string;
  readonly downloading?: boolean;
  readonly uploading?: boolean;
}

async function ftpwho({directory}: RealProftpd): Promise<FtpwhoConnection[]> {
  const args = ['-f', join(directory, 'scoreboard'), '-v', '-o', 'json'];
  const {stdout} = await runProcess('ftpwho', args, {env: {PATH: '/usr/bin'}});
  return JSON.parse(stdout).connections;
}

const places: string[] = [];
afterAll(() => {
  for (const place of places) rmSync(place, {recursive: true, force: true});
});

function makePlace(): string {
  const place = mkdtempSync('/tmp/ftpd-');
  chmodSync(place, 0o755);
  places.push(place);
  return place;
}

async function makeCertificate(): Promise<string> {
  const path = join(makePlace(), 'certificate.pem');
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=tests',
    '-keyout',
    path,
    '-out',
    `${path}.crt`,
  ];
  await runProcess('openssl', args, {env: {PATH: '/usr/bin'}});
  writeFileSync(path, readFileSync(path, 'utf8') + readFileSync(`${path}.crt`, 'utf8'), {mode: 0o600});
  return path;
}

describeWithPeer(whyNoProftpd(), 'a process that calls itself proftpd', () => {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      // unshare(1) waits for its child and must not outlive it.
      process.kill(-child.pid!, 'SIGKILL');
      await once(child, 'exit');
    }
  });

  /** Starts sleep(1) under the name, and waits until it runs. */
  async function start(file: string, options: {uid?: number; before?: string[]} = {}): Promise<void> {
    const [program, ...args] = [...(options.before ?? []), file, '60'];
    const {uid} = options;
    const ids = uid === undefined ? {} : {uid, gid: uid};
    children.push(spawn(program!, args, {...ids, detached: true, stdio: 'ignore'}));
  }

  it('is passed over when another user has started it, and named', async () => {
    const file = join(makePlace(), 'proftpd');
    copyFileSync('/usr/bin/sleep', file);
    await start(file, {uid: NOBODY});
    const pid = children[0]!.pid!;
    await until(() => processStat(pid)?.name === 'proftpd');
    const {candidates, passedOver} = findCandidates();
    expect(candidates.map((each) => each.pid)).not.toContain(pid);
    expect(passedOver.find((each) => each.pid === pid)).toMatchObject({
      because: 'untrusted',
      why: `process ${pid} says it is a ProFTPD, but it was started by the user with uid 65534`,
    });
  });

  it('is none when it runs another program', async () => {
    const file = join(makePlace(), 'proftpd');
    symlinkSync('/usr/bin/sleep', file);
    await start(file);
    const pid = children[0]!.pid!;
    await until(() => processStat(pid)?.name === 'proftpd');
    const {candidates, passedOver} = findCandidates();
    expect([...candidates, ...passedOver].map((each) => each.pid)).not.toContain(pid);
  });

  it('is no daemon when it neither listens nor keeps a scoreboard', async () => {
    const file = join(makePlace(), 'proftpd');
    copyFileSync('/usr/bin/sleep', file);
    await start(file);
    const pid = children[0]!.pid!;
    await until(() => processStat(pid)?.name === 'proftpd');
    expect(findCandidates().candidates.map((each) => each.pid)).toContain(pid);
    expect((await findDaemons()).daemons.map((each) => each.pid)).not.toContain(pid);
  });

  it('is passed over in another pid namespace, with the way into it', async () => {
    const file = join(makePlace(), 'proftpd');
    copyFileSync('/usr/bin/sleep', file);
    const {ino} = statSync(file);
    await start(file, {before: ['unshare', '--pid', '--ipc', '--fork']});
    const own = () =>
      findCandidates().passedOver.find(({pid}) => {
        try {
          return statSync(`/proc/${pid}/exe`).ino === ino;
        } catch {
          return false;
        }
      });
    await until(own);
    const {pid, because, hint} = own()!;
    expect(because).toBe('namespace');
    expect(hint).toBe(`as root: nsenter -t ${pid} -p -i unshare --mount-proc ftpdctl …`);
    // The way works: in there, our own process is one of few.
    const [command, ...args] = hint
      .slice('as root: '.length)
      .replace('ftpdctl …', 'cat /proc/1/comm')
      .split(' ');
    const {stdout} = await runProcess(command!, args, {env: {PATH: '/usr/bin:/bin'}});
    expect(stdout).toBe('proftpd\n');
  });
});

describe('the daemon that is meant', () => {
  const unknown = {known: false, why: 'not looked for'} as const;
  const daemon = (pid: number, socket: string | null, ports: number[]): ProftpdDaemon => ({
    pid,
    startTicks: 1,
    startedAt: 1,
    version: unknown,
    dialect: unknown,
    controlsSocket: {known: true, value: socket},
    ports: {known: true, value: ports},
    scoreboard: unknown,
    queue: unknown,
    configuration: unknown,
    engines: unknown,
  });
  const one = daemon(12, '/run/one.sock', [21]);
  const two = daemon(15, '/run/two.sock', [2121, 2122]);
  const settings = {controls: {socket: {value: '/run/closed.sock'}}};
  const closed = {
    ...daemon(16, null, [21]),
    configuration: {known: true, value: {settings}},
  } as unknown as ProftpdDaemon;
  const hidden = {...one, controlsSocket: {known: false, why: 'why'}} as const;
  const passed = {pid: 9, because: 'namespace', why: 'it is elsewhere', hint: 'go there'} as const;

  it.each([
    ['the only one', [one], undefined, one],
    ['the one with the socket', [one, two], '/run/two.sock', two],
    ['the one with the socket, by another path', [one, two], '/var/run/two.sock', two],
    ['the one that has closed it', [one, closed], '/run/closed.sock', closed],
  ])('%s', (_, daemons, socket, expected) => {
    expect(chooseDaemon({daemons, passedOver: []}, socket)).toBe(expected);
  });

  it.each([
    ['none', [], [], undefined, {code: 'PROFTPD_NOT_RUNNING', exitStatus: 1}],
    ['one elsewhere', [], [passed], undefined, {code: 'PROFTPD_NAMESPACE', hint: 'go there'}],
    [
      'one of a stranger',
      [],
      [{...passed, because: 'untrusted' as const}],
      undefined,
      {code: 'PROFTPD_UNTRUSTED'},
    ],
    ['another socket', [one], [], '/run/x.sock', {code: 'PROFTPD_NOT_FOUND'}],
    ['a socket that may be its own', [hidden], [], '/run/x.sock', {code: 'PROFTPD_UNCERTAIN', exitStatus: 1}],
    ['another than the one elsewhere', [one], [passed], '/run/x.sock', {code: 'PROFTPD_NOT_FOUND'}],
    [
      'the socket of one elsewhere',
      [one],
      [passed, {...passed, hint: 'there', controlsSocket: '/run/x.sock'}],
      '/run/x.sock',
      {code: 'PROFTPD_NAMESPACE', hint: 'there'},
    ],
    [
      'two',
      [one, two],
      [],
      undefined,
      {
        code: 'PROFTPD_AMBIGUOUS',
        exitStatus: 3,
        message:
          '2 ProFTPDs run on this machine: pid 12, port 21, /run/one.sock; pid 15, ports 2121, 2122, /run/two.sock',
        hint: 'say which one by its controls socket: -s /run/one.sock',
      },
    ],
  ])('is an error: %s', (_, daemons, passedOver, socket, expected) => {
    let error: unknown;
    try {
      chooseDaemon({daemons, passedOver}, socket);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject(expected);
  });

  it.each([
    ['1.3.8', 'binary'],
    ['1.3.8d', 'binary'],
    ['1.3.9', 'json'],
    ['1.3.10rc5', 'json'],
    ['1.2.11', 'binary'],
    ['1.4.0', 'json'],
    ['2.0.0', 'json'],
  ])('%s speaks %s', (value, dialect) => {
    expect(dialectOf({known: true, value})).toEqual({known: true, value: dialect});
  });
});

it('a session that has the pid of an earlier one has another id', () => {
  const id = sessionId({pid: 4321, connectedAt: 1_795_399_399_000});
  expect(id).not.toBe(sessionId({pid: 4321, connectedAt: 1_795_399_398_000}));
  expect(id).toMatch(/^4321-[0-9a-z]+$/);
});

it('understands how a ProFTPD says that it was built', () => {
  const built = [
    'Compile-time Settings:',
    '  Version: 1.3.8 (stable)',
    '  Files:',
    '    Scoreboard File:',
    '      /run/proftpd.scoreboard',
    '    Shared Module Directory:',
    '      /usr/lib/proftpd',
    '  Features:',
    '    + Controls support',
  ].join('\n');
  expect(programIn(built, 'Compiled-in modules:\n  mod_core.c\n  mod_dso.c\n')).toEqual({
    version: '1.3.8',
    controls: true,
    modules: new Set(['mod_core.c', 'mod_dso.c']),
    moduleDirectory: '/usr/lib/proftpd',
    scoreboard: '/run/proftpd.scoreboard',
  });
  expect(programIn(built.replace('+ Controls', '- Controls'), '').controls).toBe(false);
  expect(programIn('', '')).toEqual({
    version: null,
    controls: null,
    modules: null,
    moduleDirectory: null,
    scoreboard: null,
  });
});
