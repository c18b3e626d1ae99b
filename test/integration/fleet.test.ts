import {existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Ajv2020} from 'ajv/dist/2020.js';
import fc from 'fast-check';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {CHECKOUT} from '../helpers/checkout.ts';
import {OPEN, startControlsServer} from '../helpers/controlsServer.ts';
import {schemaErrors, whyNoDrainLab} from '../helpers/drainLab.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {OPEN_ACLS, type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {spawnServe} from '../helpers/serveProgram.ts';
import {Sshd, whyNoSshd} from '../helpers/sshd.ts';
import {openTerminal} from '../helpers/terminal.ts';

/** A client that says it is ours, and shows its words as octets in hexadecimal digits, a NUL after each. */
const SHOWING = `
[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }
printf '%s\\0' "$@" | od -An -v -tx1`;

/** One that says so and then does not come to an end; it leaves its pid in its home. */
const HANGING = `
[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }
echo $$ > ~/hanging; exec sleep 600`;

/** One that says so and then says this. */
const saying = (text: string) => `
[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }
cat <<'EOF'
${text}
EOF`;
const DEEP = `
[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }
exec ${process.execPath} -p '"{\\"a\\":".repeat(1e5) + 1 + "}".repeat(1e5)'`;
const SESSION = {id: '1-a', host: 'h', server: 's#21', idle: 0, waiting: null};

/** One that breaks the connection it is run over. */
const BREAKING = `
[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }
p=$PPID; while [ "$(cat /proc/$p/comm)" != sshd ]; do set -- $(cat /proc/$p/stat); p=$4; done
kill -9 $p; sleep 600`;

const SHELLS = ['bash', 'csh', 'dash', 'fish', 'zsh'];

const peers = [whyNoSshd(), whyNoProftpd(), ...SHELLS.map(whyNoProgram)].find((why) => why !== null) ?? null;

describeWithPeer(peers, 'many hosts over OpenSSH', () => {
  let sshd: Sshd;
  let proftpd: RealProftpd;
  let denying: RealProftpd;
  let home: string;
  beforeAll(async () => {
    [sshd, proftpd, denying] = await Promise.all([
      Sshd.start({
        accounts: [
          ...SHELLS.map((name) => ({name, shell: whichOf(name), client: SHOWING})),
          {name: 'hanging', client: HANGING},
          {name: 'breaking', client: BREAKING},
          {name: 'noisy', forced: 'sh -c "echo welcome; echo warning >&2; printf no-line-end; exec sh"'},
          {name: 'swapped', client: 'exit 1'},
          {name: 'endless', client: `[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }; exec yes`},
          {name: 'deep', client: DEEP},
          {name: 'list', client: saying('[]')},
          {name: 'nothing', client: saying('{"exitStatus": 0}')},
          {name: 'nobody', client: saying('{"sessions": "none", "exitStatus": 0}')},
          {name: 'odd', client: saying(JSON.stringify({sessions: [SESSION, {...SESSION, host: 7}]}))},
          {name: 'wide', client: saying(JSON.stringify({sessions: [{...SESSION, host: 'x'.repeat(1e5)}]}))},
          {name: 'plain', client: saying(JSON.stringify({sessions: [SESSION]}))},
          {
            name: 'strange',
            client: saying('{"responses": [{"toString": 1}, "what it says"], "exitStatus": 1}'),
          },
          ...['256', '-1', 'zero', ''].map((status, at) => ({
            name: `status${at}`,
            forced: `sed -u 's/ end $e"/ end ${status}"/' | sh`,
          })),
          {name: 'mute', forced: 'sleep 600'},
          {name: 'closed', forced: 'echo This account is not available.; exit 1'},
        ],
      }),
      startProftpd(),
      startProftpd({acls: [...OPEN_ACLS.slice(0, 2), 'MessageControlsACLs all allow user nobody']}),
    ]);
  });
  beforeEach(() => {
    home = makeOwnHome();
    return () => removeOwnHome(home);
  });
  afterAll(async () => {
    await Promise.all([sshd?.stop(), proftpd?.stop(), denying?.stop()]);
  });

  /** Of this server's clients: those that run. */
  const sshProcesses = () =>
    readdirSync('/proc').filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(sshd.file('ssh_config'))
        );
      } catch {
        return false;
      }
    });
  const run = (args: readonly string[], input?: string) =>
    runFtpdctl(args, {home, env: sshd.env, ...(input === undefined ? {} : {input})});
  const ftpdctl = (hosts: string, ...args: string[]) => run(['-H', hosts, '-s', proftpd.socket, ...args]);

  describe.each(['ours', 'stock'])('with the client "%s" on the other side', (client) => {
    const hosts = `${client}@ftp[01-02]`;

    test('a message arrives, and is told in one line', async () => {
      const session = await proftpd.session('dave');
      const sent = await ftpdctl(hosts, 'msg', 'user', 'dave', "it's", '$HOME', '`x`', ' * ', '--now', '!');
      expect(sent).toMatchObject({status: 0, stdout: `${hosts}: message sent\n`, stderr: ''});
      await vi.waitFor(async () => {
        const text = (await session.command('NOOP')).join();
        expect(text).toContain("it's $HOME `x`  *  --now !");
      });
      await session.close();
    });

    test('nobody connected: 0 for all, 4 for a user', async () => {
      expect(await ftpdctl(hosts, 'msg', 'all', 'hi')).toMatchObject({
        status: 0,
        stdout: `${hosts}: error sending message: Success\n`,
        stderr: `${hosts}: nobody is connected: no message was sent\n`,
      });
      const run = await ftpdctl(hosts, 'msg', 'user', 'nosuch', 'hi');
      expect(run).toMatchObject({
        status: 4,
        stdout: `${hosts}: unable to send message: no such client connected\n`,
      });
    });

    test('a refusal of the server is 2, and no fault of the way to it', async () => {
      const {status, stdout} = await run(['-H', hosts, '-s', denying.socket, 'msg', 'all', 'hi']);
      expect({status, stdout}).toEqual({status: 2, stdout: `${hosts}: access denied\n`});
    });

    test('what would crash a ProFTPD is sent to none', async () => {
      const {status, stdout, stderr} = await ftpdctl(hosts, 'msg', 'all', 'grüße');
      expect({status, stdout}).toEqual({status: 3, stdout: ''});
      expect(stderr).toMatch(/^\w+@ftp\[01-02\]: "ü" \(U\+00FC\) at character 3 of "grüße" is not ASCII/);
      expect(proftpd.crashed()).toBe(false);
    });

    test('a text of five thousand bytes, from a file and from standard input', async () => {
      const session = await proftpd.session('dave');
      const text = 'word '.repeat(999).trim();
      writeFileSync(join(home, 'text'), `${text}\n`);
      const file = await ftpdctl(`${client}@ftp01`, 'msg', '-F', join(home, 'text'), 'all');
      expect(file).toMatchObject({status: 0, stderr: ''});
      await vi.waitFor(async () => expect((await session.command('NOOP')).join()).toContain(text));
      const input = await run(
        ['-H', `${client}@ftp01`, '-s', proftpd.socket, 'msg', 'all', '-'],
        'from here\n',
      );
      expect(input).toMatchObject({status: 0, stderr: ''});
      await vi.waitFor(async () => expect((await session.command('NOOP')).join()).toContain('from here'));
      await session.close();
    });

    test.each([
      [['status'], 0, /: status: 127\.0\.0\.1#\d+ UP\n$/],
      [['status', '192.0.2.1'], 4, /no server associated with/],
      [['kick', 'user', 'nosuch'], 4, /: user 'nosuch' not connected\n$/],
      [['lsctrl'], 0, /: msg \(mod_msg\.c\)\n/],
      [['request', 'nosuch'], 7, /: unsupported action requested\n$/],
      [['kick', 'usr', 'dave'], 3, /^$/],
      [['up', 'all'], 0, /UP\n$/],
    ])('%j', async (args, status, stdout) => {
      const run = await ftpdctl(hosts, ...args);
      expect(run.status, run.stderr).toBe(status);
      expect(run.stdout).toMatch(stdout);
      const lines = run.stdout.split('\n').filter((line) => line !== '');
      expect(lines.every((line) => line.startsWith(`${hosts}: `))).toBe(true);
    });

    test('--json has a member for each host', async () => {
      const run = await ftpdctl(`${client}@ftp[1-2],h:1`, '--json', 'status');
      expectFleet(run.stdout);
      const {hosts, exitStatus} = JSON.parse(run.stdout);
      expect({status: run.status, exitStatus}).toEqual({status: 69, exitStatus: 69});
      expect(Object.keys(hosts)).toEqual([`${client}@ftp1`, `${client}@ftp2`, 'h:1']);
      expect(hosts[`${client}@ftp1`]).toMatchObject({
        state: 'answered',
        exitStatus: 0,
        client: client === 'ours' ? 'ftpdctl' : 'stock',
        answer: {action: 'status', args: ['all'], verdict: 'OK', dialect: 'binary', socket: proftpd.socket},
      });
      expect(hosts['h:1']).toMatchObject({
        state: 'unreachable',
        exitStatus: 69,
        error: {code: 'UNREACHABLE'},
      });
    });

    test('-q says nothing of what went well, and what went wrong on standard error', async () => {
      expect(await ftpdctl(hosts, '-q', 'status')).toMatchObject({status: 0, stdout: '', stderr: ''});
      const run = await ftpdctl(hosts, '-q', 'msg', 'user', 'nosuch', 'hi');
      expect(run).toMatchObject({status: 4, stdout: ''});
      expect(run.stderr).toContain(`${hosts}: unable to send message: no such client connected\n`);
    });

    test('which client it is is asked once', async () => {
      const asked = async () =>
        (await ftpdctl(`${client}@ftp01`, '-v', 'status')).stderr.includes('as remembered');
      expect([await asked(), await asked()]).toEqual([false, true]);
    });
  });

  test('who: one table, the machine first', async () => {
    const [dave, alice] = [await proftpd.session('dave'), await proftpd.session('alice')];
    // ftpwho finds the scoreboard by the configuration, our own client by the socket.
    const there = await Sshd.start({
      files: {'/etc/proftpd/proftpd.conf': `ScoreboardFile ${proftpd.directory}/scoreboard\n`},
    });
    try {
      const who = (...args: string[]) =>
        runFtpdctl(['-H', 'ours@ftp1,stock@ftp[2-3]', '-s', proftpd.socket, ...args], {home, env: there.env});
      const {status, stdout, stderr} = await who('who', '--user', 'dave');
      expect({status, stderr}).toEqual({status: 0, stderr: ''});
      expect(stdout).toMatch(/^HOST +ID +USER +CLIENT +/);
      expect(stdout.match(/^\w+@ftp\d +\S+ +dave +127\.0\.0\.1 +/gm)).toHaveLength(3);
      expect(stdout).not.toContain('alice');
      const json = await who('--json', 'who');
      expectFleet(json.stdout, 'who');
      const {hosts} = JSON.parse(json.stdout);
      expect(hosts['stock@ftp2'].answer.sessions.map(({user}: {user: string}) => user).sort()).toEqual([
        'alice',
        'dave',
      ]);
    } finally {
      await there.stop();
      await Promise.all([dave.close(), alice.close()]);
    }
  });

  test('who, where no scoreboard is found', async () => {
    const run = await ftpdctl('stock@a', 'who');
    expect(run).toMatchObject({status: 1, stdout: ''});
    expect(run.stderr).toMatch(/^stock@a: ftpwho does not say who is connected: .*scoreboard/);
  });

  test('identical answers together, the odd ones by themselves, failures last', async () => {
    const hosts = 'h[1-2]:1,stock@a[1-2],ours@b1,nobody-here@c1';
    const {status, stdout, stderr} = await ftpdctl(hosts, 'status');
    expect(status).toBe(69);
    expect(stdout).toMatch(/^stock@a\[1-2\],ours@b1: status: \S+ UP\n$/);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        /^h\[1-2\]:1: unreachable: ssh: connect to host \S+ port 1: Connection refused \(does sshd/,
      ),
      expect.stringMatching(
        /^nobody-here@c1: unreachable: .*Permission denied \(publickey\) \(it must let you in/,
      ),
      '',
    ]);
  });

  test.each([
    ['changed', /REMOTE HOST IDENTIFICATION HAS CHANGED!; .*known_hosts:2; .*ssh-keygen -R/],
    ['unknown', /Host key verification failed \(its key is not known here/],
    ['nowhere', /Could not resolve hostname nowhere\.invalid/],
    ['closed@h', /^closed@h: unreachable: /],
  ])("%s: ssh's own words, and what to do", async (host, words) => {
    const run = await ftpdctl(host, 'status');
    expect(run).toMatchObject({status: 69, stdout: ''});
    expect(run.stderr).toMatch(words);
  });

  test('what the login prints beside is not taken for an answer', async () => {
    const {status, stdout, stderr} = await ftpdctl('noisy@h', 'status');
    expect({status, stderr}).toEqual({status: 0, stderr: ''});
    expect(stdout).toMatch(/^noisy@h: status: \S+ UP\n$/);
  });

  test('a host that never gets to a shell is not reached; one that hangs then may have done it', async () => {
    const {status, stdout, stderr} = await ftpdctl('mute@a,hanging@b,stock@c', '--timeout=3', 'status');
    expect(status).toBe(75);
    expect(stdout).toMatch(/^stock@c: status: \S+ UP\n$/);
    expect(stderr).toContain('mute@a: unreachable: no connection within 3 s');
    expect(stderr).toContain('hanging@b: no answer within 3 s; it may still be carried out');
    await vi.waitFor(() => expect(isAlive(readFileSync(sshd.file('home/hanging'), 'utf8'))).toBe(false));
  });

  test('a connection that breaks in the middle leaves it unknown', async () => {
    const {status, stdout} = await ftpdctl('breaking@h,stock@h', '--json', 'msg', 'user', 'nosuch', 'hi');
    expect(status).toBe(75);
    expectFleet(stdout);
    expect(JSON.parse(stdout).hosts['breaking@h']).toMatchObject({
      state: 'unknown',
      exitStatus: 75,
      error: {code: 'CONNECTION_LOST'},
    });
  });

  test('a multiplexing master that stays behind keeps nobody waiting', async () => {
    try {
      const first = await ftpdctl('kept1,kept2', 'status');
      expect(first).toMatchObject({status: 0, stderr: ''});
      expect(existsSync(sshd.file('master-kept1'))).toBe(true);
      expect(await ftpdctl('kept1,kept2', 'status')).toEqual(first);
    } finally {
      for (const name of ['kept1', 'kept2'])
        await runProcess(sshd.ssh, ['-O', 'exit', name], {env: {PATH: process.env['PATH']}});
    }
  });

  test('Ctrl-C: who was done, who was not, who may be; and no process is left', async () => {
    const args = ['-H', 'stock@a,hanging@b,stock@c', '--fanout=1', '-s', proftpd.socket, 'status'];
    writeFileSync(sshd.file('home/hanging'), '');
    const program = spawnServe(args, {cwd: home, env: sshd.env});
    await vi.waitFor(() => expect(readFileSync(sshd.file('home/hanging'), 'utf8')).not.toBe(''), 10_000);
    program.signal('SIGINT');
    expect(await program.ended).toBe(130);
    expect(program.stdout()).toMatch(/^stock@a: status: \S+ UP\n$/);
    expect(program.stderr()).toBe(
      'ftpdctl: interrupted: answered by stock@a; nothing was done on stock@c; nobody knows of hanging@b\n',
    );
    await vi.waitFor(() => expect(isAlive(readFileSync(sshd.file('home/hanging'), 'utf8'))).toBe(false));
    expect(sshProcesses()).toEqual([]);
  });

  test('a signal while it connects: nothing was done', async () => {
    const program = spawnServe(['-v', '-H', 'mute@a', '-s', proftpd.socket, 'status'], {
      cwd: home,
      env: sshd.env,
    });
    await program.said(/mute@a: connecting/);
    await vi.waitFor(() => expect(sshProcesses()).not.toEqual([]), 10_000);
    program.signal('SIGTERM');
    expect(await program.ended).toBe(143);
    expect(program.stderr()).toMatch(/interrupted: nothing was done on mute@a\n$/);
    expect(sshProcesses()).toEqual([]);
  });

  test('killed, it leaves no ssh behind, and nothing there', async () => {
    writeFileSync(sshd.file('home/hanging'), '');
    const args = ['-H', 'hanging@b', '-s', proftpd.socket, 'status'];
    const program = spawnServe(args, {cwd: home, env: sshd.env});
    await vi.waitFor(() => expect(readFileSync(sshd.file('home/hanging'), 'utf8')).not.toBe(''), 10_000);
    await program.kill();
    await vi.waitFor(() => {
      expect(isAlive(readFileSync(sshd.file('home/hanging'), 'utf8'))).toBe(false);
      expect(sshProcesses()).toEqual([]);
    }, 10_000);
  });

  test("a wrong option of the command is told once, by whichever client's side", async () => {
    const {status, stdout, stderr} = await ftpdctl('ours@a,stock@b', 'msg', '--via', 'bogus', 'all', 'hi');
    expect({status, stdout}).toEqual({status: 3, stdout: ''});
    expect(stderr).toMatch(/^ours@a,stock@b: --via.*bogus.*\n$/);
  });

  test.each([
    [['serve'], 'serve is for this machine only'],
    [['mock'], 'mock is for this machine only'],
    [['prompt'], 'prompt is for this machine only'],
    [['completion', 'bash'], 'completion is for this machine only'],
    [['who', '--watch'], '--watch is for this machine only'],
    [[], 'missing required action'],
    [['msg', 'all'], 'msg all: missing required message'],
    [['msg', 'usr', 'dave', 'x'], 'unknown audience "usr"'],
    [['msg', '-F', '/nonexistent', 'all'], 'cannot read /nonexistent'],
  ])('%j is refused before anybody is asked', async (args, words) => {
    const run = await ftpdctl('stock@a', ...args);
    expect(run).toMatchObject({status: 3, stdout: ''});
    expect(run.stderr).toContain(words);
  });

  test('any message that a ProFTPD takes is shown byte for byte, by the stock client there', async () => {
    const session = await proftpd.session('dave');
    const text = fc
      .string({unit: 'grapheme-ascii', minLength: 1, maxLength: 300})
      .filter((each) => each.trim() !== '' && !/[^ ]{257}/.test(each));
    await fc.assert(
      fc.asyncProperty(text, async (each) => {
        // It is told apart from what the reply has besides.
        const sent = `<${each}>`;
        expect(await ftpdctl('stock@h', 'msg', 'user', 'dave', sent)).toMatchObject({
          status: 0,
          stdout: 'stock@h: message sent\n',
        });
        await vi.waitFor(async () => expect((await session.command('NOOP')).join('\n')).toContain(sent));
      }),
      {numRuns: 5, examples: [['\'"`$(reboot)$HOME!!\\n\\'], ['  two  spaces  '], ['--dash -n *']]},
    );
    await session.close();
  }, 60_000);

  test('UTF-8, several lines, and a dash alone reach an ftpdctl serve there', async () => {
    const server = await startControlsServer(OPEN);
    try {
      for (const text of ['grüße\n"zweite" Zeile\n\n-- $x', '-', '--wait', '😀']) {
        writeFileSync(join(home, 'text'), text);
        const args = ['-H', 'ours@h', '-s', server.socket, '--json', 'msg', '-F', join(home, 'text'), 'all'];
        const {status, stdout, stderr} = await run(args);
        expect({status, stderr}).toEqual({status: 0, stderr: ''});
        expectFleet(stdout);
        expect(JSON.parse(stdout).hosts['ours@h'].answer.args).toEqual(['all', text]);
      }
    } finally {
      await server.stop();
    }
  });

  test('a client that another has taken the place of is asked anew, over the same connection', async () => {
    const client = (text: string) =>
      writeFileSync(sshd.file('bin-swapped/ftpdctl'), `#!/bin/sh\n${text}\n`, {mode: 0o755});
    const look = async () => {
      const {stdout} = await ftpdctl('swapped@h', '--json', 'msg', 'all', 'grüße');
      return JSON.parse(stdout).hosts['swapped@h'];
    };
    client(`[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }; echo '{"exitStatus": 0}'`);
    expect(await look()).toMatchObject({client: 'ftpdctl'});
    expect(await look()).toMatchObject({client: 'ftpdctl'});
    client('echo ftpdctl: message sent; echo ran > ~/ran');
    // What our own may send would crash a daemon by the stock one.
    expect(await look()).toMatchObject({state: 'failed', error: {code: 'REFUSED_NON_ASCII'}});
    expect(existsSync(sshd.file('home/ran'))).toBe(true);
    expect(await ftpdctl('swapped@h', 'msg', 'all', 'hi')).toMatchObject({
      status: 0,
      stdout: 'swapped@h: message sent\n',
    });
  });

  test('an answer without end is given up', async () => {
    const {status, stdout} = await ftpdctl('endless@h', '--json', 'status');
    expect(status).toBe(1);
    expect(JSON.parse(stdout).hosts['endless@h']).toMatchObject({
      state: 'unknown',
      error: {code: 'ANSWER_INVALID', message: 'it says more than 8388608 bytes'},
    });
  });

  test.each([
    'deep',
    'list',
    'nothing',
    'nobody',
    'odd',
    'wide',
  ])('who: what "%s" answers is none, and takes no other answer away', async (liar) => {
    const hosts = `${liar}@h,plain@h,strange@h`;
    const {status, stdout, stderr} = await ftpdctl(hosts, 'who');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^HOST +ID .*\nplain@h +1-a +\(none\) +h .*\nstrange@h: what it says\n$/);
    expect(stderr).toMatch(new RegExp(`^${liar}@h: its answer makes no sense: `));
    const json = JSON.parse((await ftpdctl(hosts, '--json', 'who')).stdout);
    expect(json.hosts[`${liar}@h`]).toMatchObject({state: 'unknown', error: {code: 'ANSWER_INVALID'}});
    expect(json.hosts['plain@h']).toMatchObject({state: 'answered', answer: {sessions: [SESSION]}});
  });

  test.each([0, 1, 2, 3])('what no program exits with is no exit status (%i)', async (at) => {
    const {status, stdout, stderr} = await ftpdctl(`status${at}@h,stock@h`, 'status');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^stock@h: status: \S+ UP\n$/);
    expect(stderr).toBe(`status${at}@h: its exit status is none\n`);
  });

  test('hosts and a message cannot both be standard input', async () => {
    const args = ['--hosts-file', '-', '-s', proftpd.socket, 'msg', 'all', '-'];
    expect(await run(args, 'stock@h\n')).toMatchObject({status: 3, stdout: ''});
  });

  test.each([
    [['doctor']],
    [['acl', 'check', 'msg']],
    [['acl', 'list']],
  ])('%j is carried out by our own client there, and by no other', async (args) => {
    const here = await runFtpdctl(['-s', proftpd.socket, ...args], {home});
    const there = await ftpdctl('ours@h', ...args);
    expect(there.status, there.stderr).toBe(here.status);
    const told = `${there.stdout}${there.stderr}`.replaceAll('ours@h: ', '').split('\n').sort();
    expect(told).toEqual(`${here.stdout}${here.stderr}`.replaceAll('ftpdctl: ', '').split('\n').sort());
    const stock = await ftpdctl('stock@h', ...args);
    expect(stock).toMatchObject({status: 7, stdout: ''});
    expect(stock.stderr).toContain('install this one there');
  });

  test('any words arrive byte for byte, whichever the login shell is', async () => {
    const character = fc.oneof(
      fc.constantFrom(...' \t\n\r\'"`$\\!#*?[]{}()<>|&;~^%@=-,:\u0001\u007f'),
      fc.string({unit: 'binary', minLength: 1, maxLength: 1}),
      fc.string({unit: 'grapheme', minLength: 1, maxLength: 1}),
    );
    const word = fc
      .array(character, {maxLength: 12})
      .map((characters) => characters.join('').replaceAll('\0', ''))
      .filter((text) => text.isWellFormed());
    const hosts = SHELLS.map((name) => `${name}@h`);
    await fc.assert(
      fc.asyncProperty(fc.array(word, {minLength: 30, maxLength: 90}), async (odd) => {
        const sent = ['request', 'x', '', '-n', '--', '-', '--hosts', ...odd];
        const run = await ftpdctl(hosts.join(), ...sent);
        expect(run).toMatchObject({status: 0, stderr: ''});
        const shown = run.stdout.replaceAll(`${hosts.join()}: `, '').replace(/\s/g, '');
        // After the two options before the command.
        const words = Buffer.from(shown, 'hex').toString('utf8').split('\0').slice(2, -1);
        expect(words).toEqual(sent);
      }),
      {numRuns: 4},
    );
  }, 60_000);
});

const noDrain = whyNoSshd() ?? whyNoDrainLab();
describeWithPeer(noDrain, 'drain, on machines with a real ProFTPD each', () => {
  /** Each with mounts of its own, so that a drain is its own, too. */
  const machines: {readonly sshd: Sshd; readonly proftpd: RealProftpd}[] = [];
  let home: string;
  beforeAll(async () => {
    const second = await startMachine();
    const first = await startMachine(second.sshd.hostLines('ours2'));
    machines.push(first, second);
  });
  beforeEach(() => {
    home = makeOwnHome();
    return () => removeOwnHome(home);
  });
  afterEach(() => {
    for (const {sshd} of machines) {
      const pid = recordOn(sshd)?.pid;
      if (pid !== undefined && isDrain(pid)) process.kill(pid, 'SIGKILL');
      rmSync(sshd.there('/run/ftpdctl-drain'), {recursive: true, force: true});
      rmSync(sshd.there('/etc/shutmsg'), {force: true});
    }
  });
  afterAll(async () => {
    for (const {sshd, proftpd} of machines) {
      await proftpd.stop();
      await sshd.stop();
    }
  });

  const startMachine = async (client: readonly string[] = []) => {
    const sshd = await Sshd.start({ownEtc: true, client, accounts: [{name: 'slow', client: HANGING}]});
    const proftpd = await startProftpd({startedBy: sshd.enter});
    const variables = `FTPDCTL_SOCKET=${proftpd.socket} PROFTPD_CONF=${proftpd.configFile}`;
    const ours = `export ${variables}\nexec ${process.execPath} ${CHECKOUT}/bin/run.js "$@"\n`;
    writeFileSync(sshd.file('bin-ours/ftpdctl'), `#!/bin/sh\n${ours}`, {mode: 0o755});
    return {sshd, proftpd};
  };
  const recordOn = (sshd: Sshd): {readonly pid: number; readonly phase: string} | undefined => {
    const file = sshd.there('/run/ftpdctl-drain/drain.json');
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  };
  const isDrain = (pid: number) =>
    isAlive(String(pid)) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0drain\0');
  const run = (...args: string[]) => runFtpdctl(args, {home, env: machines[0]!.sshd.env});
  const HOSTS = 'ours@ours[1-2]';
  const CLOSING = ['--in', '90s', '--close', '90s', '--no-warn'];

  test('goes on there when ssh has ended, is shown, refuses a second, and is taken back', async () => {
    const sessions = await Promise.all(machines.map(({proftpd}) => proftpd.session('dave')));
    const started = await run('-H', HOSTS, 'drain', '--in', '90s', '--close', '90s', '--warn', '90s');
    expect(started).toMatchObject({status: 0, stderr: ''});
    const lines = started.stdout.trimEnd().split('\n');
    expect(lines.join()).toMatch(/^ours@ours/);
    for (const line of lines)
      expect(line).toMatch(/: the drain has begun, and goes on by itself: end \d\d:\d\d, for transfers /);
    for (const [at, {sshd}] of machines.entries()) {
      const {pid} = recordOn(sshd)!;
      expect(isDrain(pid)).toBe(true);
      await vi.waitFor(() => expect(existsSync(sshd.there('/etc/shutmsg'))).toBe(true), 10_000);
      await vi.waitFor(async () =>
        expect((await sessions[at]!.command('NOOP')).join('\n')).toContain('maintenance in'),
      );
    }
    expect(existsSync('/run/ftpdctl-drain/drain.json')).toBe(false);
    const shown = await run('-H', HOSTS, 'drain', '--show');
    expect(shown).toMatchObject({status: 0, stderr: ''});
    expect(
      shown.stdout.match(/^ours@ours\d: drain of root \(pid \d+, since .*\): under way$/gm),
    ).toHaveLength(2);
    const second = await run('-H', HOSTS, 'drain', '--now');
    expect(second).toMatchObject({status: 5, stdout: ''});
    expect(
      second.stderr.match(/a drain of root \(pid \d+\) is under way \(ftpdctl drain --show/g),
    ).toHaveLength(2);
    const taken = await run('-H', HOSTS, 'drain', '--cancel');
    expect(taken).toMatchObject({status: 0, stderr: ''});
    expect(taken.stdout).toMatch(/^ours@ours\[1-2\]: called off \(by root\)\n/);
    for (const [at, {sshd}] of machines.entries()) {
      expect([recordOn(sshd), existsSync(sshd.there('/etc/shutmsg'))]).toEqual([undefined, false]);
      expect((await sessions[at]!.command('NOOP')).join('\n')).toContain('has been called off');
      await sessions[at]!.close();
    }
    expect(await run('-H', HOSTS, 'drain', '--show')).toMatchObject({stdout: `${HOSTS}: no drain\n`});
  });

  test('a refusal of one machine comes back in its words, and keeps no other from beginning', async () => {
    const [first, second] = machines;
    writeFileSync(second!.sshd.there('/etc/shutmsg'), '000000 0000 0000 0000\nback at six\n');
    const {status, stdout} = await run('-H', HOSTS, '--json', 'drain', ...CLOSING);
    expect(status).toBe(5);
    expectFleet(stdout);
    const {hosts} = JSON.parse(stdout);
    const [begun, refused] = ['ours@ours1', 'ours@ours2'].map((name) => hosts[name].answer);
    expect(schemaErrors([...begun.events, ...refused.events])).toEqual([]);
    expect(begun).toMatchObject({
      exitStatus: 0,
      events: [{event: 'plan'}, {event: 'started', pid: recordOn(first!.sshd)!.pid}, {event: 'exit'}],
    });
    expect(refused).toMatchObject({
      exitStatus: 5,
      events: [{event: 'error', error: {message: expect.stringContaining('back at six')}}, {event: 'exit'}],
    });
    expect(recordOn(second!.sshd)).toBeUndefined();
  });

  test('a multiplexing master is no reason to end or to stay: --then runs there', async () => {
    const {sshd, proftpd} = machines[0]!;
    const mark = join(proftpd.directory, 'then');
    const name = 'kept1';
    try {
      const args = ['drain', '--now', '--no-warn', '--then', `echo "$$" > ${mark}`, '--reopen'];
      expect(await run('-H', `ours@${name}`, ...args)).toMatchObject({status: 0, stderr: ''});
      await runProcess(sshd.ssh, ['-O', 'exit', `ours@${name}`], {env: {PATH: process.env['PATH']}});
      await vi.waitFor(() => expect([existsSync(mark), recordOn(sshd)]).toEqual([true, undefined]), 15_000);
      expect(existsSync(sshd.there('/etc/shutmsg'))).toBe(false);
    } finally {
      await runProcess(sshd.ssh, ['-O', 'exit', `ours@${name}`], {env: {PATH: process.env['PATH']}});
    }
  });

  test('Ctrl-C while it starts: where it has begun, where not, and where it may have', async () => {
    const {sshd} = machines[0]!;
    writeFileSync(sshd.file('home/hanging'), '');
    const args = ['-H', 'ours@ours1,slow@b,ours@ours2', '--fanout=1', 'drain', ...CLOSING];
    const program = spawnServe(args, {cwd: home, env: sshd.env});
    await vi.waitFor(() => expect(readFileSync(sshd.file('home/hanging'), 'utf8')).not.toBe(''), 15_000);
    program.signal('SIGINT');
    expect(await program.ended).toBe(130);
    expect(program.stdout()).toMatch(/^ours@ours1: the drain has begun/);
    expect(program.stderr()).toBe(
      'ftpdctl: interrupted: answered by ours@ours1; nothing was done on ours@ours2; nobody knows of slow@b\n',
    );
    expect(machines.map((each) => recordOn(each.sshd) !== undefined)).toEqual([true, false]);
    expect(isDrain(recordOn(sshd)!.pid)).toBe(true);
  });

  test.skipIf(whyNoProgram('tmux') !== null)('at a terminal it asks once for all of them', async () => {
    const open = (...args: string[]) =>
      openTerminal(['-H', HOSTS, 'drain', ...CLOSING, ...args], {env: machines[0]!.sshd.env, columns: 140});
    const declined = await open();
    await declined.see(`Begin on ${HOSTS}?`);
    await declined.press('Enter');
    const {status, screen} = await declined.ended();
    expect(status).toBe(1);
    expect(screen).toMatch(/: \d\d:\d\d:\d\d +close logins by \/etc\/shutmsg/);
    expect(machines.map(({sshd}) => recordOn(sshd))).toEqual([undefined, undefined]);
    const begun = await open();
    await begun.see(`Begin on ${HOSTS}?`);
    await begun.press('y', 'Enter');
    expect(await begun.ended()).toMatchObject({
      status: 0,
      screen: expect.stringContaining('the drain has begun'),
    });
    expect(machines.map(({sshd}) => isDrain(recordOn(sshd)!.pid))).toEqual([true, true]);
    // Nothing is asked where nothing could begin.
    const refused = await open();
    expect(await refused.ended()).toMatchObject({status: 5, screen: expect.stringContaining('under way')});
  });
});

describeWithPeer(whyNoSshd(), 'an sshd that has little room', () => {
  test('more connections at once than MaxStartups lets in are made again', async () => {
    const sshd = await Sshd.start({
      server: ['MaxStartups 2:80:4'],
      accounts: [{name: 'show', client: SHOWING}],
    });
    const home = makeOwnHome();
    try {
      const run = await runFtpdctl(['-H', 'show@h[1-24]', 'request', 'x'], {home, env: sshd.env});
      expect(run).toMatchObject({status: 0, stderr: ''});
      expect(run.stdout).toMatch(/^show@h\[1-24\]: .* 78 00\n/m);
      expect(sshd.log()).toContain('MaxStartups');
    } finally {
      removeOwnHome(home);
      await sshd.stop();
    }
  }, 60_000);
});

describeWithPeer(whyNoSshd() ?? whyNoProgram('sudo'), '--sudo', () => {
  test('runs it there as root, and tells where sudo does not', async () => {
    const client = `[ "$1" = --version ] && { echo ftpdctl/9.9.9; exit; }\nid -un`;
    const sshd = await Sshd.start({
      accounts: [
        {name: 'dave', uid: 4001, client},
        {name: 'eve', uid: 4002, client},
      ],
      files: {'/etc/sudoers': 'dave ALL=(root) NOPASSWD: ALL\n'},
    });
    const home = makeOwnHome();
    try {
      const run = (...args: string[]) => runFtpdctl(args, {home, env: sshd.env});
      expect(await run('-H', 'dave@h', 'status')).toMatchObject({
        status: 0,
        stdout: 'dave@h: dave\n',
        stderr: '',
      });
      expect(await run('-H', 'dave@h', '--sudo', 'status')).toMatchObject({
        status: 0,
        stdout: 'dave@h: root\n',
        stderr: '',
      });
      const refused = await run('-H', 'eve@h', '--sudo', 'status');
      expect(refused).toMatchObject({status: 2, stdout: ''});
      expect(refused.stderr).toMatch(
        /^eve@h: sudo: .* \(its sudoers must let you run ftpdctl without a password/,
      );
    } finally {
      removeOwnHome(home);
      await sshd.stop();
    }
  });
});

describeWithPeer(whyNoSshd(), 'a host with no client', () => {
  test('is told apart, with what to do', async () => {
    const sshd = await Sshd.start({withoutStock: true});
    const home = makeOwnHome();
    try {
      const run = await runFtpdctl(['-H', 'h1', 'status'], {home, env: sshd.env});
      expect(run).toMatchObject({
        status: 7,
        stdout: '',
        stderr: "h1: there is no ftpdctl (install this one on h1, or ProFTPD's own (Debian: proftpd-core))\n",
      });
    } finally {
      removeOwnHome(home);
      await sshd.stop();
    }
  });
});

const schemas = new Ajv2020({strict: true, allowUnionTypes: true});
for (const name of readdirSync(join(CHECKOUT, 'schemas')))
  schemas.addSchema(JSON.parse(readFileSync(join(CHECKOUT, 'schemas', name), 'utf8')), name);

/** What `--json` prints is what the schema says, and each host's answer what that of its command says. */
function expectFleet(stdout: string, schema?: string): void {
  const validate = (schema: string, value: unknown) => {
    const check = schemas.getSchema(schema)!;
    check(value);
    expect(check.errors ?? [], stdout).toEqual([]);
  };
  const value = JSON.parse(stdout) as {hosts: Record<string, {answer?: {action?: string}}>};
  validate('fleet.json', value);
  for (const {answer} of Object.values(value.hosts)) {
    const name = schema ?? answer?.action;
    if (name !== undefined && answer !== undefined) validate(`${name}.json`, answer);
  }
}

function whichOf(program: string): string {
  const found = ['/bin', '/usr/bin', '/usr/local/bin']
    .map((folder) => join(folder, program))
    .find(existsSync);
  return found ?? '/bin/sh';
}

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid.trim()}`);
}
