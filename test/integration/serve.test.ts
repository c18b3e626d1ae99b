import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {bindPath, closeDescriptor, streamSocket} from '../../src/lib/transport/libc.ts';
import {logLines, makePlace, OPEN, placesIn, until} from '../helpers/controlsServer.ts';
import {ask, exchange} from '../helpers/exchange.ts';
import {requestFrame} from '../helpers/frames.ts';
import {freePort} from '../helpers/freePorts.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, runStockFtpdctl, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {type ServeProgram, spawnServe} from '../helpers/serveProgram.ts';

const isRoot = process.geteuid!() === 0;
/** Debian's accounts. */
const [DAEMON, WWW_DATA, NOBODY] = [1, 33, 65534];

let place: string;
let socket: string;
let config: string;
const programs: ServeProgram[] = [];

function prepare(): void {
  place = makePlace();
  socket = join(place, 'ctrls');
  config = join(place, 'proftpd.conf');
}
async function tidyUp(): Promise<void> {
  await Promise.all(programs.splice(0).map((program) => program.kill()));
  rmSync(place, {recursive: true, force: true});
}

const configure = (lines: readonly string[]) =>
  writeFileSync(config, [...placesIn(place), ...lines, ''].join('\n'));

function spawnHere(...args: Parameters<typeof spawnServe>): ServeProgram {
  const program = spawnServe(...args);
  programs.push(program);
  return program;
}

async function serve(lines: readonly string[]): Promise<ServeProgram> {
  configure(lines);
  const program = spawnHere(['serve', '--config', config]);
  await program.said(/listening at/);
  return program;
}

const works = async (path = socket) => expect((await ask(path, 'json', 'lsctrl')).status).toBe(0);

describeWithPeer(whyNoProftpd(), "Debian's stock client drives the server", () => {
  beforeAll(async () => {
    prepare();
    await serve([
      'DefaultAddress 127.0.0.1',
      'Port 2121',
      'ControlsSocketACL deny user nobody',
      'ControlsACLs lsctrl allow user *',
      'ControlsACLs insctrl,rmctrl allow user root',
      'AdminControlsACLs status,get allow group daemon',
      'MessageControlsACLs msg allow user root,www-data',
    ]);
  });
  afterAll(tidyUp);

  const DENIED = ['access denied'];
  test.each([
    [['help'], 0, expect.arrayContaining(['help: describe all registered controls'])],
    [['help'], WWW_DATA, expect.arrayContaining(['msg: send messages to connected clients'])],
    [['help'], NOBODY, DENIED],
    [['lsctrl'], DAEMON, expect.arrayContaining(['msg (mod_msg.c)', 'who (mod_ftpdctl.c)'])],
    [['lsctrl'], NOBODY, DENIED],
    [['status', 'all'], DAEMON, ['status: 127.0.0.1#2121 UP']],
    [['status', '127.0.0.1'], DAEMON, ['status: no server associated with 127.0.0.1#21']],
    [['status', 'all'], 0, DENIED],
    [['msg', 'all', 'hi'], WWW_DATA, ['unable to send message: no such client connected']],
    [['msg', 'user', 'dave', 'hi'], 0, ['unable to send message: no such client connected']],
    [['msg', 'host', 'localhost', 'hi'], 0, ['unable to send message: no such client connected']],
    [['msg', 'class'], 0, ['msg class: missing required class name']],
    [['msg', 'all', 'hi'], DAEMON, DENIED],
    [['msg', 'all', 'a\tb'], 0, ['parameter 2: control character U+0009 at character 2']],
    [['msg', 'user', 'Grüße', 'hi'], 0, ['unable to send message: no such client connected']],
    [['rmctrl', 'status'], WWW_DATA, DENIED],
    [['rmctrl', 'status'], 0, ["'status' control disabled"]],
    [['status', 'all'], DAEMON, ['unsupported action requested']],
    [['insctrl', 'status'], 0, ["'status' control enabled"]],
    [['status', 'all'], DAEMON, ['status: 127.0.0.1#2121 UP']],
    [['who'], WWW_DATA, ['no sessions']],
    [['who'], DAEMON, DENIED],
    [['receipt', 'x'], WWW_DATA, ["no such message: 'x'"]],
    [['receipt', 'x'], DAEMON, DENIED],
    [['acl', 'check', 'msg'], WWW_DATA, [expect.stringMatching(/^msg by www-data\/www-data is allowed: /)]],
    [
      ['acl', 'check', 'msg', 'user', 'daemon'],
      DAEMON,
      [expect.stringMatching(/^msg by daemon\/daemon is denied: /)],
    ],
    [['acl', 'list'], WWW_DATA, [expect.stringMatching(/^acl: only root/)]],
    [['nosuch', 'x'], 0, ['unsupported action requested']],
    [['nosuch', 'x'], NOBODY, DENIED],
  ])('%j as uid %d', async (args, uid, lines) => {
    const {status, stdout, stderr} = await runStockFtpdctl(socket, args, uid === 0 ? {} : {uid});
    expect({status, stderr}).toEqual({status: 0, stderr: ''});
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/^ftpdctl: /, '')),
    ).toEqual(lines);
  });

  test('a denied client does not keep those behind it from their answers', async () => {
    const run = (uid: number) => runStockFtpdctl(socket, ['lsctrl'], {uid});
    const answers = await Promise.all([NOBODY, DAEMON, NOBODY, WWW_DATA, NOBODY, DAEMON].map(run));
    expect(answers.map(({stdout}) => stdout.includes('access denied'))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });
});

/** The line that `status` has beyond those of a ProFTPD. */
const SUMMARY = /^ftpdctl: up \d+ s, 0 sessions, 0 messages waiting, MessageEngine on\n/m;

describeWithPeer(
  whyNoProftpd(),
  'our client gets the same from the server as from a real ProFTPD 1.3.8',
  () => {
    let real: RealProftpd;

    beforeAll(async () => {
      prepare();
      real = await startProftpd({
        acls: [
          'ControlsACLs all allow user root',
          'AdminControlsACLs all allow user root,www-data',
          'MessageControlsACLs all allow user root,daemon',
        ],
      });
      await serve([
        ...readFileSync(real.configFile, 'utf8')
          .split('\n')
          .filter((line) => /^(DefaultAddress|Port|\w+ACLs) /.test(line)),
        // What 1.3.8 does without being told.
        'ControlsSocketACL allow user *',
      ]);
    });
    afterAll(async () => {
      await real?.stop();
      await tidyUp();
    });

    const requests: readonly [args: readonly string[], uid: number | undefined][] = [
      [['status'], undefined],
      [['status', 'all', 'x'], undefined],
      [['status', '9.9.9.9', '127.0.0.1'], undefined],
      [['status', 'nosuch.invalid'], undefined],
      [['status', '127.0.0.1#x'], undefined],
      [['status', 'all'], DAEMON],
      [['request', 'msg'], undefined],
      [['request', 'msg', 'user'], undefined],
      [['request', 'msg', 'host', '127.0.0.1'], undefined],
      [['request', 'msg', 'bogus', 'x'], undefined],
      [['msg', 'all', 'hi'], WWW_DATA],
      [['msg', 'user', 'dave', 'hi'], undefined],
      [['msg', 'user', '*', 'hi'], undefined],
      [['msg', 'class', 'staff', 'hi'], undefined],
      [['msg', 'host', '192.0.2.1', 'hi'], undefined],
      [['msg', 'host', 'nosuch.invalid', 'hi'], undefined],
      [['help', 'x'], undefined],
      [['lsctrl', 'x'], undefined],
      [['lsctrl'], WWW_DATA],
      [['request', 'rmctrl'], undefined],
      [['request', 'up'], undefined],
      [['request', 'down'], undefined],
      [['rmctrl', 'lsctrl'], undefined],
      [['rmctrl', 'nosuch'], undefined],
      [['rmctrl', 'msg', 'mod_bogus.c'], undefined],
      [['insctrl', 'msg'], undefined],
      [['insctrl', 'nosuch'], undefined],
      [['insctrl', 'a', 'b', 'c'], undefined],
      [['rmctrl', 'msg'], DAEMON],
      [['insctrl', 'all'], undefined],
      [['nosuch'], undefined],
      [['kick', 'user', '-n', '0', 'dave'], undefined],
      [['kick', 'host', 'localhost', 'nosuch.invalid'], WWW_DATA],
      [['kick', 'user', 'dave'], DAEMON],
      [['up', '127.0.0.1', 'x'], undefined],
      [['down', '9.9.9.9', 'nosuch.invalid', '127.0.0.1#x'], undefined],
    ];

    async function compare(args: readonly string[], uid?: number) {
      const run = (path: string) => runFtpdctl(['-s', path, ...args], uid === undefined ? {} : {uid});
      const [expected, found] = await Promise.all([run(real.socket), run(socket)]);
      const told = ({status, stdout}: typeof found) => ({status, stdout: stdout.replace(SUMMARY, '')});
      expect(told(found)).toEqual(told(expected));
    }

    test.each(requests)('%j as uid %s', compare);

    /** Where they differ on purpose. */
    const DIFFERENCES: readonly [why: string, args: readonly string[], real: RegExp, ours: RegExp][] = [
      [
        'IPv6 addresses are addresses, whatever UseIPv6 says',
        ['msg', 'host', '::1', 'hi'],
        /^ftpdctl: msg host: error resolving '::1': Address family not supported by protocol\n$/,
        /^ftpdctl: unable to send message: no such client connected\n$/,
      ],
      [
        'the server has something to say of itself',
        ['status', 'all'],
        /^ftpdctl: status: 127\.0\.0\.1#\d+ UP\n$/,
        /^ftpdctl: status: 127\.0\.0\.1#\d+ UP\nftpdctl: up \d+ s, 0 sessions, 0 messages waiting, MessageEngine on\n$/,
      ],
      [
        'the controls of modules we have not are not there, our own are',
        ['lsctrl'],
        /^ftpdctl: config \(mod_ctrls_admin\.c\)\n/,
        /^ftpdctl: acl \(mod_ftpdctl\.c\)\n/,
      ],
      [
        'nobody is told of a success when nobody is connected',
        ['msg', 'all', 'hi'],
        /^ftpdctl: error sending message: Success\n$/,
        /^ftpdctl: unable to send message: no such client connected\n$/,
      ],
    ];

    test.each(DIFFERENCES)('but %s', async (_why, args, expected, ours) => {
      const [fromReal, found] = await Promise.all(
        [real.socket, socket].map((path) => runFtpdctl(['-s', path, ...args])),
      );
      expect(fromReal!.stdout).toMatch(expected);
      expect(found!.stdout).toMatch(ours);
    });

    test('down, of all servers', async () => {
      await compare(['request', 'down', 'all', 'x']);
      await compare(['status', 'all', 'x']);
    });

    test('but rmctrl all is not for good', async () => {
      const removed = {
        status: 0,
        stdout: 'ftpdctl: all controls disabled\nftpdctl: restart the daemon to re-enable controls\n',
      };
      for (const path of [real.socket, socket]) {
        expect(await runFtpdctl(['-s', path, 'rmctrl', 'all'])).toMatchObject(removed);
      }
      const enable = (path: string) => runFtpdctl(['-s', path, '--timeout', '5', 'insctrl', 'all']);
      expect(await enable(socket)).toMatchObject({status: 0, stdout: "ftpdctl: 'all' control enabled\n"});
      expect((await enable(real.socket)).stdout).toBe('');
    });
  },
);

describe('the program', () => {
  beforeEach(prepare);
  afterEach(tidyUp);

  test('says in one line where it listens, and SIGTERM or SIGINT ends it without a trace', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const program = await serve(OPEN);
      expect(program.stderr()).toBe(`ftpdctl: listening at ${socket}\n`);
      await works();
      program.signal(signal);
      expect(await program.ended).toBe(0);
      expect(program.stderr()).toBe(`ftpdctl: listening at ${socket}\n`);
      for (const name of ['ctrls', 'queue']) expect(existsSync(join(place, name))).toBe(false);
    }
  });

  test.each(['SIGQUIT', 'SIGALRM', 'SIGUSR2'] as const)('%s ends it as SIGTERM does', async (signal) => {
    const program = await serve(OPEN);
    program.signal(signal);
    expect(await program.ended).toBe(0);
    for (const name of ['ctrls', 'queue']) expect(existsSync(join(place, name))).toBe(false);
  });

  test('a second signal ends it at once, and its sockets go all the same', async () => {
    const port = await freePort();
    const program = await serve([...OPEN, `Port ${port}`]);
    const mock = spawnHere(['mock', '--config', config]);
    await mock.said(/listening on/);
    const dave = await FtpSession.connect(port);
    await dave.login('dave');
    await vi.waitFor(async () =>
      expect((await ask(socket, 'json', 'who')).responses.join('\n')).toContain('dave'),
    );
    // It answers what it has been asked before it ends, and kick waits for a session that cannot say goodbye.
    mock.signal('SIGSTOP');
    const kicked = exchange(socket, requestFrame('json', 'kick', 'user', 'dave'));
    await until(() =>
      logLines(join(place, 'controls.log')).some((line) => line.includes("'kick user dave'")),
    );
    program.signal('SIGTERM');
    await until(() => !existsSync(socket));
    program.signal('SIGINT');
    expect(await program.ended).toBe(130);
    for (const name of ['ctrls', 'queue']) expect(existsSync(join(place, name))).toBe(false);
    await kicked;
  });

  test.each(['serve', 'mock'])('SIGUSR1 opens no debugger in %s', async (command) => {
    configure([...OPEN, `Port ${await freePort()}`]);
    const program = spawnHere([command, '--config', config]);
    await program.said(/listening/);
    program.signal('SIGUSR1');
    // Node's own thread takes it up in less time than another program takes to start and end.
    await runProcess(process.execPath, ['-e', ''], {env: process.env});
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
    expect(program.stderr()).toMatch(/^ftpdctl: .*listening (at|on) .*\n$/);
  });

  test('a log that cannot be opened anew for want of descriptors is written to as before', async () => {
    const program = await serve(OPEN);
    const limit = (count: number) =>
      runProcess('prlimit', [`--pid=${program.pid}`, `--nofile=${count}:`], {env: process.env});
    const log = join(place, 'controls.log');
    renameSync(log, `${log}.1`);
    await limit(3);
    program.signal('SIGHUP');
    await program.said(/configuration refused, the old one stays: .*EMFILE|too many open files/i);
    await limit(1024);
    await works();
    await until(() => logLines(`${log}.1`).some((line) => line.includes('lsctrl')));
  });

  test('after SIGKILL the next one works at once', async () => {
    const killed = await serve(OPEN);
    await killed.kill();
    expect(existsSync(socket)).toBe(true);
    await serve(OPEN);
    await works();
  });

  test('of several on one socket that a dead one has left, one serves and the others refuse', async () => {
    const killed = await serve(OPEN);
    await killed.kill();
    const crowd = Array.from({length: 4}, () => spawnHere(['serve', '--config', config]));
    const listening = crowd.map((each) =>
      each.said(/listening at/).then(
        () => each,
        () => null,
      ),
    );
    const survivors = (await Promise.all(listening)).filter((each) => each !== null);
    expect(survivors).toHaveLength(1);
    for (const each of crowd) {
      if (each === survivors[0]) continue;
      expect(await each.ended).toBe(1);
      expect(each.stderr()).toBe(
        `ftpdctl: ${config}:1: ControlsSocket: cannot listen at ${socket}: another server listens there ` +
          '(end it first, or choose another ControlsSocket)\n',
      );
    }
    await works();
  });

  test('SIGHUP reads the configuration again, and refuses one that is wrong', async () => {
    const program = await serve(OPEN);
    configure(['ControlsSocketACL deny user *']);
    program.signal('SIGHUP');
    await untilAsked(async () => (await ask(socket, 'json', 'help')).status === -2);
    configure([...OPEN, 'ControlsEngine perhaps']);
    program.signal('SIGHUP');
    await program.said(
      /configuration refused, the old one stays: .*proftpd\.conf:10: ControlsEngine: expected on/,
    );
    expect((await ask(socket, 'json', 'help')).status).toBe(-2);
    configure(OPEN);
    program.signal('SIGHUP');
    await untilAsked(async () => (await ask(socket, 'json', 'help')).status === 0);
  });

  async function untilAsked(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) {}
  }

  test('without a configuration it serves the caller alone, and our client finds it', async () => {
    const runtime = join(place, 'run');
    mkdirSync(runtime, {mode: 0o700});
    const env = {XDG_RUNTIME_DIR: runtime};
    const program = spawnHere(['serve'], {env});
    await program.said(/listening at/);
    const own = join(runtime, 'ftpdctl', 'ftpdctl.sock');
    expect(program.stderr()).toBe(`ftpdctl: listening at ${own}\n`);
    expect((statSync(join(runtime, 'ftpdctl')).mode & 0o777).toString(8)).toBe('700');
    const found = await runFtpdctl(['msg', 'all', 'hi'], {env});
    expect(found).toMatchObject({
      status: 0,
      stdout: 'ftpdctl: unable to send message: no such client connected\n',
    });
    const list = await runFtpdctl(['acl', 'list'], {env});
    expect(list.stdout).not.toContain('everybody but');
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
  });

  test('--print-config prints that configuration, which can be served', async () => {
    const env = {XDG_RUNTIME_DIR: place};
    const {status, stdout} = await runFtpdctl(['serve', '--print-config'], {env});
    expect(status).toBe(0);
    expect(stdout).toContain(`ControlsSocket ${place}/ftpdctl/ftpdctl.sock`);
    writeFileSync(config, stdout);
    const program = spawnHere(['serve', '--config', config]);
    await program.said(/listening at/);
    await works(`${place}/ftpdctl/ftpdctl.sock`);
  });

  test('--json says where it listens on standard output', async () => {
    configure(OPEN);
    const program = spawnHere(['--json', 'serve', '--config', config]);
    await until(() => program.stdout().endsWith('}\n'));
    expect(JSON.parse(program.stdout())).toEqual({socket, pid: program.pid});
  });

  test('a socket on the command line is an error: the configuration has one', async () => {
    expect(await runFtpdctl(['-s', socket, 'serve'])).toMatchObject({
      status: 3,
      stderr: 'ftpdctl: serve takes no -s (it listens at the ControlsSocket of its configuration)\n',
    });
  });

  test.each([
    ['ControlsEngine perhaps', /:6: ControlsEngine: expected on or off/],
    ['</IfModule x>', /:6: <\/IfModule>: too many parameters/],
    [
      'ControlsLog /tmp/controls.log',
      /:6: ControlsLog: unable to open .*: \/tmp is a world-writable directory/,
    ],
  ])('what is wrong is one line with its place: %s', async (line, message) => {
    configure([line]);
    const {status, stdout, stderr} = await runFtpdctl(['serve', '--config', config]);
    expect({status, stdout}).toEqual({status: 1, stdout: ''});
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(2);
  });

  test.runIf(isRoot)("a dead socket that is somebody else's to remove is an error in one line", async () => {
    const sticky = join(place, 'sticky');
    mkdirSync(sticky);
    chmodSync(place, 0o755);
    chmodSync(sticky, 0o1777);
    const dead = join(sticky, 's');
    const fd = streamSocket();
    bindPath(fd, dead);
    closeDescriptor(fd);
    chmodSync(dead, 0o777);
    writeFileSync(config, `ControlsSocket ${dead}\n`);
    const {status, stderr} = await runFtpdctl(['serve', '--config', config], {uid: NOBODY});
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ftpdctl: .*a dead socket is in the way and cannot be removed: EPERM.*\n$/);
  });

  describe('--check', () => {
    test('touches nothing of a server that runs', async () => {
      await serve(OPEN);
      const before = ['ctrls', 'queue'].map((name) => statSync(join(place, name)).ino);
      const {status, stdout} = await runFtpdctl(['serve', '--check', '--config', config]);
      expect({status, stdout}).toEqual({status: 0, stdout: 'ftpdctl: the configuration can be used\n'});
      expect(['ctrls', 'queue'].map((name) => statSync(join(place, name)).ino)).toEqual(before);
      await works();
    });

    test('says what is odd, and makes no file', async () => {
      configure(['MessageControlsACLs msg deny user nosuch', 'MessageEngin on']);
      const {status, stdout} = await runFtpdctl(['serve', '--check', '--config', config]);
      expect(status).toBe(0);
      expect(stdout).toContain(
        `${config}:7: MessageEngin is not known and is skipped: did you mean MessageEngine?`,
      );
      expect(stdout).toContain(`${config}:6: 'MessageControlsACLs msg deny user nosuch' lets everybody in`);
      expect(existsSync(join(place, 'controls.log'))).toBe(false);
    });

    test('says what is wrong in one line with its place', async () => {
      configure(['ControlsEngine perhaps']);
      const {status, stderr} = await runFtpdctl(['serve', '--check', '--config', config]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^ftpdctl: .*proftpd\.conf:6: ControlsEngine: expected on or off.*\n$/);
    });

    test('refuses a log that would keep the server from starting', async () => {
      const open = join(place, 'open');
      mkdirSync(open);
      chmodSync(open, 0o777);
      configure([`ControlsLog ${open}/controls.log`]);
      const {status, stderr} = await runFtpdctl(['serve', '--check', '--config', config]);
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /^ftpdctl: .*proftpd\.conf:6: ControlsLog: .* is a world-writable directory.*\n$/,
      );
    });

    const debian = '/usr/share/proftpd/templates/proftpd.conf';
    test.runIf(existsSync(debian))("Debian's own configuration with mod_msg's lines is right", async () => {
      writeFileSync(
        config,
        `${readFileSync(debian, 'utf8')}\n${[
          '<IfModule mod_msg.c>',
          '  MessageEngine on',
          `  MessageQueue ${place}/queue`,
          '  MessageControlsACLs all allow user *',
          '</IfModule>',
        ].join('\n')}\n`,
      );
      const {status, stderr} = await runFtpdctl(['serve', '--check', '--config', config]);
      expect({status, stderr}).toEqual({status: 0, stderr: ''});
    });
  });

  describe('acl', () => {
    const LINES = ['ControlsSocketACL allow user *', 'MessageControlsACLs msg deny user www-data'];

    test.runIf(isRoot)('asks the server about oneself', async () => {
      await serve(LINES);
      const check = (uid: number) => runFtpdctl(['-s', socket, 'acl', 'check', 'msg'], {uid});
      expect(await check(DAEMON)).toMatchObject({
        status: 0,
        stdout:
          'ftpdctl: msg by daemon/daemon is allowed: MessageControlsACLs denies others only, so uid 1 passes\n',
      });
      expect(await check(WWW_DATA)).toMatchObject({
        status: 2,
        stdout:
          'ftpdctl: msg by www-data/www-data is denied: MessageControlsACLs denies user www-data (uid 33)\n',
      });
      const json = await runFtpdctl(['--json', '-s', socket, 'acl', 'check', 'msg'], {uid: DAEMON});
      expect(json.stdout).not.toContain(config);
      expect(json.stdout).not.toContain('www-data');
      const unknown = await runFtpdctl(['-s', socket, 'acl', 'check', 'nosuch'], {uid: DAEMON});
      expect(unknown).toMatchObject({
        status: 6,
        stdout:
          "ftpdctl: nosuch by daemon/daemon: cannot say: no ACL directive known here covers action 'nosuch'\n" +
          "ftpdctl: note: this server has no action 'nosuch'\n",
      });
      const other = ['-s', socket, 'acl', 'check', 'msg', '--user', 'www-data'];
      expect(await runFtpdctl(other)).toMatchObject({status: 2});
      expect(await runFtpdctl(other, {uid: DAEMON})).toMatchObject({
        status: 2,
        stdout: '',
        stderr: expect.stringMatching(/^ftpdctl: acl: only root/),
      });
    });

    test.runIf(isRoot)('a hint keeps -s, and is not given to whoever may not connect', async () => {
      await serve(['ControlsSocketACL deny user www-data', 'MessageControlsACLs msg allow user root']);
      const send = async (uid: number) =>
        (await runFtpdctl(['-s', socket, 'msg', 'all', 'hi'], {uid})).stderr;
      expect(await send(DAEMON)).toContain(`"ftpdctl -s ${socket} acl check msg" says which line decides`);
      expect(await send(WWW_DATA)).toMatch(/^ftpdctl: ControlsSocketACL must let in your user/);
      expect(await send(WWW_DATA)).not.toContain('acl check');
    });

    test('judges a file as the version that is meant', async () => {
      configure(['MessageControlsACLs msg allow user daemon', 'MesageLog /x']);
      const check = (...words: string[]) =>
        runFtpdctl(['acl', 'check', 'msg', '--user', 'daemon', '--config', config, ...words]);
      const old = await check('--proftpd', '1.3.9b');
      expect(old).toMatchObject({status: 0});
      expect(old.stdout).toContain(
        'note: no ControlsSocketACL is set, so everybody may connect (ProFTPD from 1.3.9c',
      );
      expect(old.stdout).toContain(`note: ${config}:7: MesageLog is not known and is skipped`);
      expect(await check('--proftpd', '1.3.10rc3')).toMatchObject({
        status: 2,
        stdout: expect.stringContaining('so no one passes in ProFTPD 1.3.10rc3\n'),
      });
      expect(await check('--proftpd', 'newest')).toMatchObject({status: 3});
      expect(await runFtpdctl(['acl', 'list', '--proftpd', '1.3.8'])).toMatchObject({status: 3});
      const list = ['acl', 'list', '--config', config, '--proftpd'];
      const row = async (version: string) =>
        /^ftpdctl: msg: (.*)$/m.exec((await runFtpdctl([...list, version])).stdout)?.[1];
      expect([await row('1.3.8'), await row('1.3.9c')]).toEqual(['user daemon', 'no one']);
      expect(JSON.parse((await runFtpdctl(['--json', ...list, '1.3.8'])).stdout)).toMatchObject({
        proftpd: '1.3.8',
        findings: expect.arrayContaining([expect.stringContaining('MesageLog is not known')]),
      });
    });

    test('says that ControlsEngine is off, and what nobody can know', async () => {
      configure(['ControlsEngine off', 'ControlsSocketACL allow user *', 'ControlsACLs all allow user *']);
      const check = (action: string) => runFtpdctl(['acl', 'check', action, '--config', config]);
      expect(await check('lsctrl')).toMatchObject({
        status: 2,
        stdout: expect.stringContaining(`may not connect: ControlsEngine is off (${config}:6)`),
      });
      expect((await runFtpdctl(['acl', 'list', '--config', config])).stdout).toContain(
        `note: ${config}:6: ControlsEngine is off`,
      );
      configure(['ControlsSocketACL allow user *', 'ModuleControlsACLs lsmod allow user *']);
      expect(await check('lsmod')).toMatchObject({status: 0});
      expect(await check('nosuch')).toMatchObject({
        status: 6,
        stdout: expect.stringContaining("cannot say: no ACL directive known here covers action 'nosuch'\n"),
      });
    });

    test('judges a file, with --json for programs', async () => {
      configure(LINES);
      const check = (...words: string[]) => runFtpdctl([...words, '--config', config]);
      expect(await check('acl', 'check', 'msg', '--user', 'www-data')).toMatchObject({status: 2});
      expect(await check('acl', 'check', 'msg', '--user', 'daemon')).toMatchObject({status: 0});
      expect(await check('acl', 'check', 'msg', '--user', 'no-such')).toMatchObject({
        status: 4,
        stderr: 'ftpdctl: no such user: no-such\n',
      });
      const {status, stdout} = await check('--json', 'acl', 'check', 'msg', '--user', 'www-data');
      expect(status).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({
        action: 'msg',
        user: 'www-data',
        group: 'www-data',
        allowed: false,
        decidedBy: {file: config, line: 7, text: 'MessageControlsACLs msg deny user www-data'},
        exitStatus: 2,
      });
      expect((await check('acl', 'list')).stdout).toContain('ftpdctl: msg: everybody but user www-data\n');
    });
  });
});

describeWithPeer(whyNoProftpd(), 'acl check and a real ProFTPD', () => {
  test('it is judged by its configuration, and where that is not known, that is said', async () => {
    const real = await startProftpd();
    try {
      const asked = await runFtpdctl(['-s', real.socket, 'acl', 'check', 'msg']);
      expect(asked).toMatchObject({status: 7, stdout: ''});
      expect(asked.stderr).toMatch(
        /^ftpdctl: the ACLs of the ProFTPD with pid \d+ are not known: .*--config FILE/,
      );
      const env = {PROFTPD_CONF: real.configFile};
      const running = await runFtpdctl(
        ['-s', real.socket, '--json', 'acl', 'check', 'msg', '--user', 'daemon'],
        {env},
      );
      expect(JSON.parse(running.stdout)).toMatchObject({
        exitStatus: 0,
        allowed: true,
        user: 'daemon',
        decidedBy: {file: real.configFile, text: 'MessageControlsACLs all allow user *'},
        proftpd: expect.stringMatching(/^1\.3\./),
        notes: expect.arrayContaining([`judged by ${real.configFile} as it is now`]),
      });
      const list = await runFtpdctl(['-s', real.socket, 'acl', 'list'], {env, uid: 65_534});
      expect(list).toMatchObject({status: 0, stderr: ''});
      expect(list.stdout).toContain('ftpdctl: msg: everybody\n');
      const judged = await runFtpdctl(['acl', 'check', 'msg', '--config', real.configFile]);
      expect(judged).toMatchObject({status: 0});
      expect(judged.stdout).toContain('everybody may connect (ProFTPD from 1.3.9c and 1.3.10rc3 on');
      const newer = ['acl', 'check', 'msg', '--config', real.configFile, '--proftpd', '1.3.10'];
      expect(await runFtpdctl(newer)).toMatchObject({status: 2});
    } finally {
      await real.stop();
    }
  });
});
