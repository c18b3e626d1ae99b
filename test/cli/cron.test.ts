import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir, userInfo} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {hang, speak} from '../helpers/behaviours.ts';
import {checkoutFor, removeCopy} from '../helpers/checkout.ts';
import {runProcess} from '../helpers/process.ts';
import {type ScriptedServer, startScriptedServer} from '../helpers/scriptedServer.ts';

/** The environment cron gives, less HOME, LOGNAME and SHELL, which some leave out. */
const ENV = {PATH: '/usr/bin:/bin'};
/** A uid without a name and a home. */
const STRANGER = 4999;

let directory: string;
let server: ScriptedServer | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ftpdctl-cron-'));
});
afterEach(async () => {
  await server?.stop();
  if (server) await forget(server.socket);
  server = undefined;
  expect(await readdir(directory)).toEqual([]);
  await rm(directory, {recursive: true});
  removeCopy();
});

/** Without HOME and XDG_CACHE_HOME it remembers sockets where the password file says that home is. */
async function forget(socket: string): Promise<void> {
  const {homedir} = userInfo();
  await rm(join(homedir, '.cache/ftpdctl', Buffer.from(socket).toString('base64url')), {force: true});
}

async function proftpd(line = 'message sent'): Promise<string> {
  server = await startScriptedServer(speak('binary', {status: 0, responses: [line]}));
  return server.socket;
}

/** A crontab's line as cron runs it: by /bin/sh, with nothing to read from. */
function cron(args: string, {uid, input}: {uid?: number; input?: string} = {}) {
  const program = `'${process.execPath}' '${join(checkoutFor(uid), 'bin/run.js')}'`;
  return runProcess('/bin/sh', ['-c', `${program} ${args}`], {
    env: ENV,
    cwd: directory,
    ...(uid === undefined ? {} : {uid}),
    ...(input === undefined ? {} : {input}),
  });
}

describe.each([
  ['root', undefined],
  ['somebody without a name and a home', STRANGER],
])('run by %s', (_name, uid) => {
  test.runIf(process.getuid?.() === 0 || uid === undefined)('-q is silent on success', async () => {
    const socket = await proftpd();
    const run = await cron(`-q -s ${socket} msg all going down at 18:00`, uid === undefined ? {} : {uid});
    expect(run).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
    expect(server!.executed).toEqual([{action: 'msg', args: ['all', 'going down at 18:00']}]);
  });
});

test('a message by a pipe, and -q', async () => {
  const socket = await proftpd();
  const run = await cron(`-q -s ${socket} msg all -`, {input: 'from a pipe\n'});
  expect(run).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
  expect(server!.executed[0]!.args).toEqual(['all', 'from a pipe']);
});

test.each(['<&-', '</dev/null', '2>&-'])('with %s', async (redirection) => {
  const socket = await proftpd();
  const run = await cron(`-q -s ${socket} msg all hi ${redirection}`);
  expect(run).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
});

test('a failure that the server speaks of: its line, and its status', async () => {
  const socket = await proftpd('unable to send message: no such client connected');
  expect(await cron(`-q -s ${socket} msg user dave hi`)).toMatchObject({
    status: 4,
    stdout: '',
    stderr: 'ftpdctl: unable to send message: no such client connected\n',
  });
});

test.each([
  ['no server', '-q -s /nonexistent/ctrls msg all hi', 1],
  ['missing words', '-q msg user', 3],
  ['no action', '-q', 3],
  ['no action', '', 3],
  ['prompt mode', 'prompt', 3],
  ['a file that is not there', '-q msg -F none all', 3],
])('%s: one line on standard error, never a question', async (_name, args, status) => {
  const run = await cron(args);
  expect(run).toMatchObject({status, stdout: ''});
  expect(run.stderr).toMatch(/^ftpdctl: [^\n]+\n$/);
  expect(run.stderr).not.toContain('\x1b');
});

test('no answer in time: 75, one line, no spinner', async () => {
  server = await startScriptedServer(hang);
  const run = await cron(`-s ${server.socket} --timeout=1 msg all hi`);
  expect(run).toMatchObject({status: 75, stdout: ''});
  expect(run.stderr).toMatch(/^ftpdctl: no answer within 1 s[^\n]*\n$/);
});
