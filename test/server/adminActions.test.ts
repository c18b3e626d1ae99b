import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, onTestFinished, test} from 'vitest';
import {MockFtpServer} from '../../src/lib/ftp/server.ts';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import type {Dialect} from '../../src/lib/protocol/message.ts';
import type {Mailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {CHECKOUT} from '../helpers/checkout.ts';
import {OPEN, type RunningServer, startControlsServer, until} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';
import {FtpSession} from '../helpers/ftpSession.ts';

const SERVERS = [
  'DefaultAddress 127.0.0.1',
  'Port 2121',
  '<Class staff>',
  'From 127.0.0.0/8',
  '</Class>',
  '<VirtualHost 127.0.0.2>',
  'Port 2122',
  '</VirtualHost>',
];
const [MAIN, HOST] = ['127.0.0.1#2121', '127.0.0.2#2122'];

let running: RunningServer;
beforeEach(async () => {
  running = await startControlsServer([...OPEN, ...SERVERS]);
});
afterEach(() => running.stop());

interface RunningMock {
  readonly mailbox: Mailbox;
  connect(user?: string): Promise<FtpSession>;
}

/** Two servers on free ports, with the names that the configuration gives them. */
async function startMock(): Promise<RunningMock> {
  const mailbox = openMailbox({queuePath: running.queue});
  const server = new MockFtpServer({
    servers: [{address: '127.0.0.1', port: 0, controlsName: MAIN, name: 'lab', engine: true}],
    classOf: () => 'staff',
    tree: MemoryTree.sample(),
    mailbox,
  });
  const [first] = await server.listen();
  onTestFinished(async () => {
    await server.close();
    await mailbox.close();
  });
  const connect = async (user?: string) => {
    const session = await FtpSession.connect(first!.port);
    onTestFinished(() => session.close());
    if (user !== undefined) await session.login(user);
    return session;
  };
  return {mailbox, connect};
}

async function say(...words: readonly string[]): Promise<readonly string[]> {
  return (await ask(running.socket, 'json', ...(words as [string]))).responses;
}

/** The server knows a session a moment after the client does. */
async function known(user: string, count: number): Promise<void> {
  const isKnown = async () => (await say('who', 'user', user)).filter((line) => line.startsWith(user)).length;
  while ((await isKnown()) < count) await sleep(5);
}

/** As measured on 1.3.8; the third column is the status of the JSON dialect, where that is not the same. */
const ANSWERS: readonly (readonly [string, number, number, readonly string[]])[] = [
  ['kick', -1, -3, ['missing required parameters']],
  ['kick bogus x', -1, -3, ["unknown kick type requested: 'bogus'"]],
  ['kick USER dave', -1, -3, ["unknown kick type requested: 'USER'"]],
  ['kick all', -1, -3, ["unknown kick type requested: 'all'"]],
  ['kick user', -1, -3, ['kick user: missing required user name(s)']],
  ['kick host', -1, -3, ['kick host: missing required host(s)']],
  ['kick class', -1, -3, ['kick class: missing required class name(s)']],
  ['kick user -n', -1, -3, ["unsupported option: 'n'"]],
  ['kick user -x dave', -1, -3, ["unsupported option: 'x'"]],
  ['kick user -n 2', -1, -3, ['kick user: missing required user name(s)']],
  ['kick user -n 0 dave', -1, -3, ['bad number: 0']],
  ['kick user -n x dave', -1, -3, ['bad number: x']],
  ['kick user -n -1 dave', -1, -3, ['bad number: -1']],
  ['kick host -n 0 127.0.0.1', -1, -3, ['bad number: 0']],
  ['kick class -n x staff', -1, -3, ['bad client number: x']],
  ['kick user -n5 nobody', 0, 0, ["user 'nobody' not connected"]],
  ['kick user -n 2x nobody', 0, 0, ["user 'nobody' not connected"]],
  ['kick user nobody other', 0, 0, ["user 'nobody' not connected", "user 'other' not connected"]],
  [
    'kick user nobody -n 1',
    0,
    0,
    ["user 'nobody' not connected", "user '-n' not connected", "user '1' not connected"],
  ],
  ['kick class nosuch', 0, 0, ["class 'nosuch' not connected"]],
  ['kick host 10.9.9.9', 0, 0, ["host '10.9.9.9' not connected"]],
  ['down', -1, -3, ['down: missing required parameters']],
  ['up', -1, -3, ['up: missing required parameters']],
  ['down 9.9.9.9', 0, 0, ['down: no such server: 9.9.9.9#21']],
  ['down 127.0.0.1#abc', 0, 0, ['down: no such server: 127.0.0.1#0']],
  ['down nosuch.invalid', 0, 0, ['down: no such server: nosuch.invalid#21']],
  ['up 9.9.9.9', -1, -4, ['up: no server associated with 9.9.9.9#21']],
  ['up all', -1, -4, ["up: unable to resolve address for 'all'"]],
  [`up ${MAIN}`, 0, 0, [`up: ${MAIN} already enabled`]],
  [`down ${MAIN}`, 0, 0, [`down: ${MAIN} disabled`]],
  [`down ${MAIN} ${HOST}`, 0, 0, [`down: ${MAIN} already disabled`, `down: ${HOST} disabled`]],
  ['status all', 0, 0, [`status: ${HOST} DOWN`, `status: ${MAIN} DOWN`]],
  [`up ${MAIN} 9.9.9.9 ${HOST}`, -1, -4, [`up: ${MAIN} enabled`, 'up: no server associated with 9.9.9.9#21']],
  ['status ALL', 0, 0, [`status: ${HOST} DOWN`, `status: ${MAIN} UP`]],
  [`down ${HOST} ALL 9.9.9.9`, 0, 0, [`down: ${HOST} already disabled`, 'down: all servers disabled']],
  [
    `status 9.9.9.9 all ${MAIN}`,
    0,
    0,
    ['status: no server associated with 9.9.9.9#21', `status: ${HOST} DOWN`, `status: ${MAIN} DOWN`],
  ],
];

test.each([
  'binary',
  'json',
] as const)('answers in the %s dialect are those of mod_ctrls_admin', async (dialect) => {
  for (const [request, binary, json, responses] of ANSWERS) {
    const [action, ...args] = request.split(' ') as [string, ...string[]];
    const answer = await ask(running.socket, dialect, action, ...args);
    const expected = {status: dialect === 'json' ? json : binary, responses};
    expect
      .soft({request, status: answer.status, responses: answer.responses})
      .toEqual({request, ...expected});
  }
});

describe('kick', () => {
  test.each<[string, readonly string[], readonly boolean[], Record<string, number>]>([
    ['user dave', ["kicked user 'dave'"], [true, true, false], {ended: 2, meant: 2}],
    ['user -n 1 dave', ["kicked user 'dave' (1 clients)"], [true, false, false], {ended: 1, meant: 2}],
    ['user -n 5 dave', ["kicked user 'dave' (2 clients)"], [true, true, false], {ended: 2, meant: 2}],
    [
      'user nobody alice',
      ["user 'nobody' not connected", "kicked user 'alice'"],
      [false, false, true],
      {ended: 1, meant: 1},
    ],
    ['host 127.0.0.1', ["kicked host '127.0.0.1'"], [true, true, true], {ended: 3, meant: 3}],
    ['class staff', ["kicked class 'staff'"], [true, true, true], {ended: 3, meant: 3}],
  ])('%s', async (words, lines, ended, details) => {
    const {connect} = await startMock();
    const sessions = [await connect('dave'), await connect('dave'), await connect('alice')];
    await known('dave', 2);
    await known('alice', 1);
    const answer = await ask(running.socket, 'json', 'kick', ...words.split(' '));
    expect(answer).toMatchObject({status: 0, responses: lines, server: {details}});
    for (const [index, session] of sessions.entries()) {
      const reply = ended[index] ? await session.reply() : await session.command('NOOP');
      expect(reply[0]).toMatch(ended[index] ? /^421 Session ended by the administrator/ : /^200 /);
    }
  });

  test('one session by its id, before its login', async () => {
    const {connect} = await startMock();
    const session = await connect();
    await known('(none)', 1);
    const {server} = await ask(running.socket, 'json', 'who');
    const [{id}] = (server!.details as unknown as {sessions: [{id: string}]}).sessions;
    expect(await say('kick', 'session', id)).toEqual([`kicked session '${id}'`]);
    expect((await session.reply())[0]).toMatch(/^421 /);
    expect(await say('kick', 'session', id)).toEqual([`session '${id}' not connected`]);
  });

  test('of a process that is stopped, or lies, is not called done', async () => {
    const mailbox = openMailbox({queuePath: running.queue});
    onTestFinished(() => mailbox.close());
    const identity = {
      pid: 1,
      user: 'deaf',
      address: '127.0.0.1',
      host: 'h',
      class: null,
      server: MAIN,
      engine: true,
    };
    mailbox.register(identity, () => {});
    await known('deaf', 1);
    const answer = await ask(running.socket, 'json', 'kick', 'user', 'deaf');
    expect(answer.server).toMatchObject({details: {ended: 0, meant: 1}});
    expect(answer).toMatchObject({
      status: -1,
      responses: ["error kicking user 'deaf': 1 session did not end"],
    });
  });
});

describe('down', () => {
  const refused = /^500 Sorry, no server available to handle request on 127\.0\.0\.1$/;

  test('closes a server to new sessions, and leaves those there are; up opens it', async () => {
    const {connect} = await startMock();
    const dave = await connect('dave');
    await known('dave', 1);
    await say('down', MAIN);
    expect((await connect()).greeting[0]).toMatch(refused);
    expect((await dave.command('NOOP'))[0]).toMatch(/^200 /);
    await say('up', MAIN);
    expect((await connect()).greeting[0]).toMatch(/^220 /);
  });

  test('reaches a mock server without sessions, and one that is started later', async () => {
    const before = await startMock();
    await say('down', 'all');
    const after = await startMock();
    for (const {mailbox, connect} of [before, after]) {
      await until(() => mailbox.isDown(MAIN));
      expect((await connect()).greeting[0]).toMatch(refused);
    }
    await say('up', MAIN);
    await until(() => !before.mailbox.isDown(MAIN) && !after.mailbox.isDown(MAIN));
  });

  test('ends with a new configuration, and with the server', async () => {
    const {mailbox} = await startMock();
    await say('down', MAIN);
    await until(() => mailbox.isDown(MAIN));
    await running.server.reload();
    expect(await say('status', MAIN)).toEqual([`status: ${MAIN} UP`]);
    await until(() => !mailbox.isDown(MAIN));
    await say('down', MAIN);
    await until(() => mailbox.isDown(MAIN));
    await running.restart();
    await until(() => !mailbox.isDown(MAIN));
  });
});

describe('shutdown', () => {
  /** What whoever has started the server does. */
  const closeWhenAsked = () => running.server.shutdown.then(() => running.server.close());

  test.each<[string, Dialect]>([
    ['', 'json'],
    ['bogus', 'binary'],
    ['graceful', 'json'],
    ['graceful 3', 'binary'],
  ])('%s: the answer comes, then the mock servers end', async (words, dialect) => {
    const {mailbox} = await startMock();
    const closed = closeWhenAsked();
    const args = words === '' ? [] : words.split(' ');
    const answer = await ask(running.socket, dialect, 'shutdown', ...args);
    expect(answer).toMatchObject({status: 0, responses: ['shutting down']});
    await Promise.all([closed, mailbox.shutdown]);
  });

  test('graceful waits for the sessions, and lets in no others', async () => {
    const {mailbox, connect} = await startMock();
    const dave = await connect('dave');
    await known('dave', 1);
    let isAnswered = false;
    const closed = closeWhenAsked();
    const answer = ask(running.socket, 'json', 'shutdown', 'graceful').finally(() => {
      isAnswered = true;
    });
    await until(() => mailbox.isDown(MAIN));
    expect((await connect()).greeting[0]).toMatch(/^500 /);
    expect((await dave.command('NOOP'))[0]).toMatch(/^200 /);
    expect(isAnswered).toBe(false);
    await dave.command('QUIT');
    expect((await answer).responses).toEqual(['shutting down']);
    await Promise.all([closed, mailbox.shutdown]);
  });

  test('graceful with a time is over when that is', async () => {
    const {mailbox, connect} = await startMock();
    await connect('dave');
    await known('dave', 1);
    const closed = closeWhenAsked();
    expect(await say('shutdown', 'graceful', '1')).toEqual(['shutting down']);
    await Promise.all([closed, mailbox.shutdown]);
  });

  test('a signal does not wait for graceful', async () => {
    const {connect} = await startMock();
    await connect('dave');
    await known('dave', 1);
    const answer = ask(running.socket, 'json', 'shutdown', 'graceful');
    while (!(await say('status', MAIN))[0]!.endsWith('DOWN')) await sleep(5);
    await running.server.close();
    expect((await answer).responses).toEqual(['shutting down']);
  });
});

test('AdminControlsACLs decides on each', async () => {
  running.configure([
    ...OPEN.filter((line) => !line.startsWith('Admin')),
    ...SERVERS,
    'AdminControlsACLs status allow user *',
  ]);
  await running.server.reload();
  for (const action of ['kick', 'up', 'down', 'shutdown']) {
    expect(await ask(running.socket, 'json', action, 'all')).toMatchObject({
      status: -2,
      responses: ['access denied'],
    });
    expect(await ask(running.socket, 'binary', action)).toMatchObject({
      status: -1,
      responses: ['access denied'],
    });
  }
});

test('the manual page has every action', async () => {
  const page = readFileSync(join(CHECKOUT, 'man', 'src', 'ftpdctl-serve.mdoc'), 'utf8');
  const items = page.split('\n').filter((line) => line.startsWith('.It Cm '));
  for (const line of await say('help')) {
    const action = line.slice(0, line.indexOf(':'));
    expect(
      items.some((item) => new RegExp(`(?:Cm|,) ${action}(?: |$)`).test(item)),
      action,
    ).toBe(true);
  }
});

describe('the answers about ACLs', () => {
  test('the list has the actions of this server alone', async () => {
    const actions = (await say('acl', 'list')).map((line) => line.slice(0, line.indexOf(':')));
    const others = ['config', 'debug', 'dns', 'get', 'restart', 'scoreboard', 'trace'];
    expect(actions).toEqual(
      expect.arrayContaining(['connect', 'kick', 'down', 'up', 'shutdown', 'msg', 'lsctrl']),
    );
    expect(actions.filter((action) => others.includes(action))).toEqual([]);
  });

  test('of an action it has not they say so', async () => {
    expect(await say('acl', 'check', 'ban')).toContain("note: this server has no action 'ban'");
    expect((await say('acl', 'check', 'kick')).join('\n')).not.toContain('note');
  });
});
