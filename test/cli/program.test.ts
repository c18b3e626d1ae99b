import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {hang, send, speak} from '../helpers/behaviours.ts';
import {CHECKOUT} from '../helpers/checkout.ts';
import {responseFrame} from '../helpers/frames.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';
import {type ScriptedServer, startScriptedServer} from '../helpers/scriptedServer.ts';
import {spawnServe} from '../helpers/serveProgram.ts';

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const SENT = {status: 0, responses: ['message sent']};

describe('exit statuses, by running the program', () => {
  // What a status and a line make the program exit with: as it should, and as the stock client of that server does.
  const cases: ['binary' | 'json', number, string, number, number][] = [
    ['json', 0, 'message sent', 0, 0],
    ['json', -1, 'something else', 1, 1],
    ['json', -1, 'access denied', 2, 1],
    ['json', -2, 'access denied', 2, 2],
    ['json', -3, 'wrong number of parameters', 3, 3],
    ['json', -4, "no such control: 'x'", 4, 4],
    ['json', -5, "'lsctrl' control cannot be removed", 5, 5],
    ['json', -6, 'ignored', 6, 6],
    ['json', -7, 'unsupported action requested', 7, 7],
    ['json', -8, 'internal', 8, 8],
    ['json', -300, 'x', 1, 1],
    ['json', 5, 'x', 0, 0],
    ['json', 0, 'unable to send message: no such client connected', 4, 0],
    ['binary', -1, 'access denied', 2, 0],
    ['binary', -1, 'unsupported action requested', 7, 0],
    ['binary', 0, 'unable to send message: no such client connected', 4, 0],
    ['binary', 0, 'status: no server associated with 9.9.9.9#21', 4, 0],
    ['binary', -1, "msg host: error resolving 'x.invalid': No such file or directory", 4, 0],
    ['binary', -1, 'missing required parameters', 3, 0],
  ];
  test.each(cases)('%s %i %j: %i, stock %i', async (dialect, status, line, ours, stock) => {
    server = await startScriptedServer(speak(dialect, {status, responses: [line]}));
    const args = ['-s', server.socket];
    const plain = await runFtpdctl([...args, 'request', 'x']);
    expect(plain).toMatchObject({
      status: ours,
      stdout: `ftpdctl: ${line}\n`,
      stderr: expect.any(String) as string,
    });
    expect((await runFtpdctl([...args, '--stock-exit-status', 'request', 'x'])).status).toBe(stock);
  });

  test('msg all with nobody connected is no failure', async () => {
    server = await startScriptedServer(
      speak('binary', {status: 0, responses: ['error sending message: Success']}),
    );
    expect((await runFtpdctl(['-s', server.socket, 'msg', 'all', 'hi'])).status).toBe(0);
  });

  test.each([
    [['--bogus', 'status']],
    [['-s']],
    [[]],
    [['--timeout', 'soon', 'status']],
    [['msg', '--bogus', 'all', 'hi']],
    [['msg']],
    [['msg', 'user']],
    [['msg', 'user', 'dave']],
    [['msg', 'all', '']],
    [['msg', 'bogus', 'x']],
    [['request']],
    [['-s', 'relative.sock', 'help']],
  ])('%j is a usage error: 3, one line on stderr, nothing on stdout', async (args) => {
    const {status, stdout, stderr} = await runFtpdctl(args);
    expect({status, stdout}).toEqual({status: 3, stdout: ''});
    expect(stderr).toMatch(/^ftpdctl: [^\n]+\n$/);
  });
});

describe('what a ProFTPD that is remembered cannot do is known, and not asked at its next poll', () => {
  let home: string;
  beforeAll(() => {
    home = makeOwnHome();
  });
  afterAll(() => removeOwnHome(home));

  test.each([
    [['acl', 'list'], 7],
    [['acl', 'check', 'msg'], 7],
    [['kick', 'session', '812'], 7],
    [['msg', '--via', 'controls', '--wait', 'all', 'hi'], 7],
    [['msg', '--via', 'controls', 'session', '812', 'hi'], 7],
    [['msg', '--via', 'controls', 'all', 'grüße'], 3],
    [['msg', '--via', 'controls', 'all', `${'x'.repeat(50)} `.repeat(101)], 3],
  ])('%j: %i', async (args, status) => {
    server = await startScriptedServer(speak('binary', {status: 0, responses: ['done']}));
    await runFtpdctl(['-s', server.socket, 'lsctrl'], {home});
    const before = server.connections.length;
    const run = await runFtpdctl(['-s', server.socket, ...args], {home});
    expect(run).toMatchObject({status, stdout: ''});
    expect(run.stderr).toMatch(/^ftpdctl: [^\n]*\n$/);
    expect(server.connections).toHaveLength(before);
  });
});

describe('output', () => {
  test('escape sequences of a server never reach the terminal raw', async () => {
    const frame = responseFrame('binary', {status: 0, responses: ['\u001b[31mred\u0007', 'é ☃']});
    server = await startScriptedServer(send(frame));
    const {stdout} = await runFtpdctl(['-s', server.socket, 'help']);
    expect(stdout).toBe('ftpdctl: \\x1b[31mred\\x07\nftpdctl: é ☃\n');
  });

  test.each([
    ['an answer', ['msg', 'all', 'hi'], 0],
    ['a usage error', ['msg', 'user'], 3],
    ['an unknown option', ['msg', '--bogus', 'all', 'hi'], 3],
    ['a refusal', ['msg', 'all', 'a\u0007'], 3],
  ])('--json prints one object for %s', async (_name, args, status) => {
    server = await startScriptedServer(speak('json', SENT));
    const run = await runFtpdctl(['--json', '-s', server.socket, ...args]);
    expect(run.status).toBe(status);
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({exitStatus: status});
  });

  test.each([
    [0, 'message sent', '', ''],
    [-1, 'access denied', '', 'ftpdctl: access denied\n'],
  ])('-q: %i is on standard error, if anywhere', async (status, line, stdout, stderr) => {
    server = await startScriptedServer(speak('json', {status, responses: [line]}));
    const run = await runFtpdctl(['-q', '-s', server.socket, 'lsctrl']);
    expect(run.stdout).toBe(stdout);
    expect(run.stderr.startsWith(stderr)).toBe(true);
    expect(run.stderr === '').toBe(stderr === '');
  });

  test.each([
    [['status'], 1],
    [['--json', 'status'], 1],
    [['--stock-exit-status', 'status'], 0],
    [['request', 'status', 'all'], 0],
  ])('a server that is down: %j exits with %i', async (args, status) => {
    const responses = ['status: 127.0.0.1#2121 UP', 'status: ::1#21 DOWN'];
    server = await startScriptedServer(speak('binary', {status: 0, responses}));
    const run = await runFtpdctl(['-s', server.socket, ...args]);
    expect(run.status).toBe(status);
    if (!args.includes('--json')) return;
    expect(JSON.parse(run.stdout)).toMatchObject({
      servers: [
        {server: '127.0.0.1#2121', address: '127.0.0.1', port: 2121, state: 'up'},
        {server: '::1#21', address: '::1', port: 21, state: 'down'},
      ],
    });
  });

  test.each([
    ['closed', '>&-', 74, 'ftpdctl: cannot write to standard output: it is closed\n'],
    [
      'closed, for a program in the place of a shell',
      'exec >&-',
      74,
      'ftpdctl: cannot write to standard output: it is closed\n',
    ],
    ['thrown away', '>/dev/null', 0, ''],
    ['thrown away by the shell before', '', 0, ''],
  ])('standard output that is %s', async (_name, redirection, status, stderr) => {
    server = await startScriptedServer(speak('json', SENT));
    const asked = `'${process.execPath}' '${join(CHECKOUT, 'bin/run.js')}' -s '${server.socket}' lsctrl`;
    const program = redirection === 'exec >&-' ? `sh -c "exec ${asked} >&-"` : `${asked} ${redirection}`;
    const shell = spawn('bash', ['-c', `${program}; exit $?`], {
      stdio: ['ignore', redirection === '' ? 'ignore' : 'pipe', 'pipe'],
      env: cleanEnvironment('/nonexistent'),
    });
    let said = '';
    shell.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [code] = (await once(shell, 'close')) as [number];
    expect({code, said}).toEqual({code: status, said: stderr});
    expect(server.executed).toHaveLength(1);
  });

  test('-v does not claim to send where nobody can be reached', async () => {
    const {stdout, stderr} = await runFtpdctl(['-v', '-s', '/nonexistent/ctrls', 'lsctrl']);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('sending');
    expect(stderr).toContain("contacting server using '/nonexistent/ctrls'\n");
    expect(stderr).toContain('cannot reach it: there is no such socket\n');
  });

  test('-v says what is done, on standard error', async () => {
    server = await startScriptedServer(speak('json', SENT));
    const {stdout, stderr} = await runFtpdctl(['-v', '-s', server.socket, 'msg', 'all', 'hi']);
    expect(stdout).toBe('ftpdctl: message sent\n');
    expect(stderr).toContain(`contacting server using '${server.socket}'`);
  });

  test('repeated words stay where they are', async () => {
    server = await startScriptedServer(speak('json', SENT));
    await runFtpdctl([
      '-s',
      server.socket,
      'msg',
      'all',
      'the',
      'cat',
      'and',
      'the',
      'dog',
      'and',
      'the',
      '-v',
      '--',
      '-v',
    ]);
    expect(server.executed[0]!.args).toEqual(['all', 'the cat and the dog and the -v -- -v']);
  });

  test('bare help is asked of the server; -h is ours', async () => {
    server = await startScriptedServer(speak('json', {status: 0, responses: ['msg: send a message']}));
    expect((await runFtpdctl(['-s', server.socket, 'help'])).stdout).toBe('ftpdctl: msg: send a message\n');
    expect(server.executed).toHaveLength(1);
    const help = await runFtpdctl(['-h']);
    expect(help).toMatchObject({status: 0, stderr: ''});
    expect(help.stdout).toContain('msg');
    expect((await runFtpdctl(['--version'])).stdout).toMatch(/^ftpdctl\/\d/);
  });
});

test.each([
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
] as const)('%s removes the client path and ends the program', async (signal) => {
  server = await startScriptedServer(hang);
  const child = spawn(process.execPath, [join(CHECKOUT, 'bin/run.js'), '-s', server.socket, 'help'], {
    stdio: 'ignore',
  });
  const exit = once(child, 'exit');
  while (server.connections.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const paths = server.connections.map(({clientPath}) => clientPath!);
  expect(paths.every((path) => existsSync(path))).toBe(true);
  child.kill(signal);
  expect(await exit).toEqual([null, signal]);
  expect(paths.some((path) => existsSync(path))).toBe(false);
});

test("a message that is answered at once loads neither Node's net and streams nor what other commands need", async () => {
  const home = makeOwnHome();
  const [socket, config] = [join(home, 'sock'), join(home, 'serve.conf')];
  const open = ['ControlsSocketACL allow user *', 'MessageControlsACLs all allow user *'];
  writeFileSync(config, ['ControlsEngine on', `ControlsSocket ${socket}`, ...open].join('\n'));
  const serve = spawnServe(['serve', '--config', config]);
  try {
    await serve.said(/listening/);
    const list = join(home, 'list.cjs');
    writeFileSync(
      list,
      `const fs = require('fs');
       const {readFileSync} = fs;
       const read = [];
       fs.readFileSync = (file, ...rest) => {
         read.push(String(file).split('/').pop());
         return readFileSync(file, ...rest);
       };
       process.on('exit', () => fs.writeSync(2, [...process.moduleLoadList, ...read].join()));`,
    );
    const env = {NODE_OPTIONS: `--require ${list}`};
    const loaded = async () => {
      const {status, stderr} = await runFtpdctl(['-s', socket, 'msg', 'all', 'hi'], {home, env});
      expect(status).toBe(0);
      return stderr.split(',').map((name) => name.replace(/^NativeModule /, ''));
    };
    const late = new Set(['net', 'stream', 'tty', 'timers/promises', 'commands.cjs']);
    // A server is to be remembered first; and on a busy machine an answer may take longer than is waited without them.
    for (let tries = 20; ; tries--) {
      const names = await loaded();
      expect(names).toContain('program.cjs');
      if (names.some((name) => late.has(name)) && tries > 0) continue;
      expect(names.filter((name) => late.has(name))).toEqual([]);
      return;
    }
  } finally {
    await serve.kill();
    removeOwnHome(home);
  }
});
