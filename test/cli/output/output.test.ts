import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, openSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {printable, printableJson} from '../../../src/lib/cli/output/output.ts';
import {speak} from '../../helpers/behaviours.ts';
import {CHECKOUT} from '../../helpers/checkout.ts';
import {cleanEnvironment, runFtpdctl} from '../../helpers/program.ts';
import {type ScriptedServer, startScriptedServer} from '../../helpers/scriptedServer.ts';

let server: ScriptedServer;
let home: string;
let descriptors: number[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ftpdctl-home-'));
  descriptors = [];
});
afterEach(async () => {
  for (const fd of descriptors) closeSync(fd);
  await server.stop();
  await rm(home, {recursive: true, force: true});
});

/** A descriptor to write to. */
function open(path: string): number {
  const fd = openSync(path, 'w');
  descriptors.push(fd);
  return fd;
}

async function run(args: readonly string[], stdout: number | 'pipe', stderr: number | 'pipe') {
  const child = spawn(process.execPath, [join(CHECKOUT, 'bin', 'run.js'), ...args], {
    env: cleanEnvironment(home),
    stdio: ['ignore', stdout, stderr],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [status] = await once(child, 'close');
  return {status, stderr: said};
}

describe('a full disk', () => {
  test.each([
    ['an answer', ['msg', 'all', 'hi']],
    ['an answer in JSON', ['--json', 'msg', 'all', 'hi']],
    ['the version', ['--version']],
    ['help', ['--help']],
  ])('takes away %s: 74, and one line', async (_what, args) => {
    server = await startScriptedServer(speak('json', {status: 0, responses: ['message sent']}));
    const {status, stderr} = await run(['-s', server.socket, ...args], open('/dev/full'), 'pipe');
    expect({status, stderr}).toEqual({
      status: 74,
      stderr: 'ftpdctl: cannot write to standard output: no space left on device\n',
    });
  });

  test('hides no failure behind another', async () => {
    server = await startScriptedServer(speak('json', {status: -2, responses: ['access denied']}));
    expect(await run(['-s', server.socket, 'msg', 'all', 'hi'], open('/dev/full'), 'pipe')).toMatchObject({
      status: 2,
    });
    expect(await run(['--json', 'msg', 'user'], open('/dev/full'), 'pipe')).toMatchObject({status: 3});
  });

  test('under standard error changes nothing', async () => {
    server = await startScriptedServer(speak('json', {status: 0, responses: ['message sent']}));
    const args = ['-v', '-s', server.socket, 'msg', 'all', 'hi'];
    expect(await run(args, open('/dev/null'), open('/dev/full'))).toMatchObject({status: 0});
    expect(server.executed).toHaveLength(1);
  });
});

describe('--json after the name of a command counts for its errors, too', () => {
  test.each([
    [['msg', '--json', 'user']],
    [['msg', '--json', '--bogus', 'all', 'hi']],
    [['status', '--json', '-s', 'relative']],
    [['acl', 'check', '--json']],
    [['--json', '--timeout', 'soon', 'status']],
  ])('%j', async (args) => {
    server = await startScriptedServer(speak('json', {status: 0, responses: []}));
    const {status, stdout, stderr} = await runFtpdctl(args);
    expect({status, stderr}).toEqual({status: 3, stderr: ''});
    const {error, exitStatus} = JSON.parse(stdout);
    expect(exitStatus).toBe(3);
    expect(error.message).toMatch(/^[ -~]+$/);
    expect(error.message).not.toContain('--help');
  });

  test('among the words it is a word', async () => {
    server = await startScriptedServer(speak('json', {status: 0, responses: []}));
    const {status, stdout} = await runFtpdctl(['-s', server.socket, 'msg', 'all', 'a\u0007', '--json']);
    expect({status, stdout}).toEqual({status: 3, stdout: ''});
  });
});

test('a bad number of seconds is explained in one line', async () => {
  server = await startScriptedServer(speak('json', {status: 0, responses: []}));
  const {stderr} = await runFtpdctl(['--timeout', 'soon', 'status']);
  expect(stderr).toBe(
    'ftpdctl: --timeout wants a number of seconds, not "soon" (for example --timeout=30)\n',
  );
});

test('of two sockets the last counts', async () => {
  server = await startScriptedServer(speak('json', {status: 0, responses: ['message sent']}));
  const run = await runFtpdctl(['-s', '/nonexistent', '-s', server.socket, 'msg', 'all', 'hi']);
  expect(run).toMatchObject({status: 0, stdout: 'ftpdctl: message sent\n'});
});

test('C1 control characters of a server do not reach a terminal in JSON either', async () => {
  server = await startScriptedServer(speak('json', {status: 0, responses: ['\u009b31m\u007f']}));
  const {stdout} = await runFtpdctl(['--json', '-s', server.socket, 'help']);
  expect(stdout).toMatch(/^[ -~\n]+$/);
  expect(JSON.parse(stdout).responses).toEqual(['\u009b31m\u007f']);
});

test.each([
  ['plain text, é ☃ 😀', 'plain text, é ☃ 😀'],
  ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
  ['two\r\nlines\t', 'two\\x0d\\x0alines\\x09'],
  ['\u009b31m\u007f', '\\x9b31m\\x7f'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
])('%j', (text, shown) => expect(printable(text)).toBe(shown));

test('JSON that has passed through stays the same value, and nothing in it moves a terminal', () => {
  const value = {line: 'a\u009b31m\u007f\u202eb\nc\u001b é'};
  const json = printableJson(JSON.stringify(value, undefined, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toMatch(/^[ -~\né]+$/);
});
