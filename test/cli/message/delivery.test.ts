import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {SessionIdentity} from '../../../src/lib/audience.ts';
import {progressBar} from '../../../src/lib/cli/message/receipt.ts';
import type {Mailbox, SessionMailbox} from '../../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../../src/lib/session/mailbox/processMailbox.ts';
import {speak} from '../../helpers/behaviours.ts';
import {OPEN, type RunningServer, startControlsServer} from '../../helpers/controlsServer.ts';
import type {ProgramResult} from '../../helpers/process.ts';
import {type ProgramOptions, runFtpdctl} from '../../helpers/program.ts';
import {startScriptedServer} from '../../helpers/scriptedServer.ts';
import {spawnTs} from '../../helpers/spawnTs.ts';

const MAILBOX = join(import.meta.dirname, '../../session/mailboxChild.ts');

/** What `msg` says of a message's way to its sessions, by running the program against a control server. */
const SESSION: SessionIdentity = {
  pid: process.pid,
  user: 'dave',
  address: '192.0.2.7',
  host: 'work.example',
  class: 'staff',
  server: '127.0.0.1#2121',
  engine: true,
};

let server: RunningServer;
let mailbox: Mailbox;
beforeEach(async () => {
  server = await startControlsServer(OPEN);
  mailbox = openMailbox({queuePath: server.queue});
});
afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

const ftpdctl = (args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> =>
  runFtpdctl(['-s', server.socket, ...args], options);

/** Sessions that the server knows by now. */
async function connect(...identities: readonly Partial<SessionIdentity>[]): Promise<SessionMailbox[]> {
  const sessions = identities.map((identity) => mailbox.register({...SESSION, ...identity}));
  await vi.waitFor(async () => {
    const {stdout} = await ftpdctl(['--json', 'who']);
    expect(JSON.parse(stdout).sessions).toHaveLength(identities.length);
  }, 10_000);
  return sessions;
}

/** Show whatever comes to a session, until the test ends. */
function showAll(...sessions: readonly SessionMailbox[]): Disposable {
  const timer = setInterval(() => {
    for (const session of sessions) {
      const ids = session.pending().map(({id}) => id);
      if (ids.length > 0) session.shown(ids);
    }
  }, 10);
  return {[Symbol.dispose]: () => clearInterval(timer)};
}

describe('how many took it', () => {
  test('stands on a second line; -q prints neither', async () => {
    await connect({}, {user: 'alice'});
    expect(await ftpdctl(['msg', 'all', 'hi'])).toMatchObject({
      status: 0,
      stdout: 'ftpdctl: message sent\nftpdctl: queued for 2 sessions\n',
      stderr: '',
    });
    expect(await ftpdctl(['-q', 'msg', 'user', 'dave', 'hi'])).toMatchObject({status: 0, stdout: ''});
  });

  test('those left out are named by the server', async () => {
    await connect({}, {user: 'alice', engine: false});
    expect((await ftpdctl(['msg', 'all', 'hi'])).stdout).toBe(
      'ftpdctl: message sent\n' +
        'ftpdctl: not sent to 1 session: MessageEngine is off\n' +
        'ftpdctl: queued for 1 session\n',
    );
  });

  test('nobody: no second line', async () => {
    expect(await ftpdctl(['msg', 'user', 'dave', 'hi'])).toMatchObject({
      status: 4,
      stdout: 'ftpdctl: unable to send message: no such client connected\n',
    });
  });
});

describe('--dry-run', () => {
  test('says who would get it, and sends nothing', async () => {
    const [dave] = await connect({}, {user: 'alice', class: null});
    const run = await ftpdctl(['msg', '--dry-run', 'class', 'staff', 'hi']);
    expect(run).toMatchObject({status: 0, stderr: ''});
    expect(run.stdout).toMatch(/^ftpdctl: message would be sent to 1 session\nID +USER .*\n\S+ +dave +work/);
    expect(run.stdout).not.toContain('alice');
    expect(dave!.pending()).toEqual([]);
  });

  test('as JSON', async () => {
    await connect({});
    const {stdout} = await ftpdctl(['--json', 'msg', '--dry-run', 'all', 'hi']);
    expect(JSON.parse(stdout)).toMatchObject({
      exitStatus: 0,
      server: {details: {recipients: 1, sessions: [{user: 'dave', class: 'staff'}]}},
    });
  });

  test('nobody would get it: 4', async () => {
    expect((await ftpdctl(['msg', '--dry-run', 'user', 'dave', 'hi'])).status).toBe(4);
  });
});

describe('a session process that hangs', () => {
  test('when the server starts is not nobody: 75, and what it is about', async () => {
    const child = await spawnTs(MAILBOX, [server.queue, '2']);
    await child.next();
    child.child.kill('SIGSTOP');
    try {
      await server.restart();
      const silent = 'not sent to the sessions of 1 session process that does not answer';
      for (const args of [
        ['all', 'hi'],
        ['user', 'dave', 'hi'],
        ['--dry-run', 'all', 'hi'],
      ]) {
        expect(await ftpdctl(['msg', ...args])).toMatchObject({
          status: 75,
          stdout: `ftpdctl: unable to send message: ${silent}\n`,
        });
      }
      await connect({});
      expect(await ftpdctl(['msg', 'all', 'hi'])).toMatchObject({
        status: 75,
        stdout: `ftpdctl: message sent\nftpdctl: ${silent}\nftpdctl: queued for 1 session\n`,
      });
      const {stdout} = await ftpdctl(['--json', 'msg', 'all', 'hi']);
      expect(JSON.parse(stdout)).toMatchObject({exitStatus: 75, server: {details: {unanswered: 1}}});
    } finally {
      await child.kill();
    }
  });
});

describe('--wait', () => {
  test('ends with 0 when it was shown to each', async () => {
    using _ = showAll(...(await connect({}, {user: 'alice'})));
    expect(await ftpdctl(['msg', '--wait=10', 'all', 'hi'])).toEqual({
      status: 0,
      signal: null,
      stdout: 'ftpdctl: message sent\nftpdctl: queued for 2 sessions\nftpdctl: shown to 2 of 2 sessions\n',
      stderr: '',
    });
  });

  test('without a number, and -q: nothing is printed', async () => {
    using _ = showAll(...(await connect({})));
    expect(await ftpdctl(['-q', 'msg', '--wait', 'all', 'hi'])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('ends with 75 when time is over, in one line on standard error', async () => {
    const [shown] = await connect({}, {user: 'alice'});
    using _ = showAll(shown!);
    const {status, stdout, stderr} = await ftpdctl(['-q', 'msg', '--wait=1', 'all', 'hi']);
    expect({status, stdout}).toEqual({status: 75, stdout: ''});
    expect(stderr).toMatch(
      /^ftpdctl: shown to 1 of 2 sessions within 1 s; not yet to alice@work\.example \(.*ftpdctl receipt \S+".*\)\n$/,
    );
  });

  test('ends with 4 when somebody will never see it', async () => {
    const [dave] = await connect({user: 'dave'});
    const leaving = setInterval(() => dave!.pending().length > 0 && dave!.goodbye(), 10);
    try {
      const {status, stderr} = await ftpdctl(['msg', '--wait=10', 'all', 'hi']);
      expect(status).toBe(4);
      expect(stderr).toMatch(/^ftpdctl: shown to 0 of 1 session; undelivered to dave@work\.example, .+\n$/);
    } finally {
      clearInterval(leaving);
    }
  });

  test('--json: one object that holds the receipt, and the error', async () => {
    await connect({});
    const {status, stdout, stderr} = await ftpdctl(['--json', 'msg', '--wait=0.5', 'all', 'hi']);
    expect({status, stderr}).toEqual({status: 75, stderr: ''});
    expect(JSON.parse(stdout)).toMatchObject({
      exitStatus: 75,
      responses: ['message sent'],
      receipt: {
        recipients: 1,
        shown: 0,
        unknown: 0,
        undelivered: [],
        waiting: [{user: 'dave', host: 'work.example'}],
      },
      error: {code: 'NOT_SHOWN_YET'},
    });
  });

  test('waits for nobody when nobody is there', async () => {
    expect(await ftpdctl(['msg', '--wait', 'all', 'hi'])).toMatchObject({status: 0});
    expect(await ftpdctl(['msg', '--wait', 'user', 'dave', 'hi'])).toMatchObject({status: 4});
  });

  test('a server that goes away and stays away: the message was sent, and that is said', async () => {
    await connect({});
    const running = ftpdctl(['msg', '--wait=2', 'all', 'hi']);
    await vi.waitFor(() => expect(server.messageLog().join()).toContain('from'), {timeout: 10_000});
    await server.server.close();
    const {status, stdout, stderr} = await running;
    expect({status, stdout}).toEqual({
      status: 75,
      stdout: 'ftpdctl: message sent\nftpdctl: queued for 1 session\n',
    });
    expect(stderr).toMatch(/^ftpdctl: [^\n]*nobody can say what became of it: [^\n]+\n$/);
  });

  test('a server that comes back tells what its predecessor would have told', async () => {
    const [dave] = await connect({});
    const running = ftpdctl(['msg', '--wait=30', 'all', 'hi']);
    await vi.waitFor(() => expect(dave!.pending()).toHaveLength(1), {timeout: 10_000});
    await server.restart();
    dave!.shown(dave!.pending().map(({id}) => id));
    const {status, stdout} = await running;
    expect({status, stdout}).toEqual({
      status: 0,
      stdout: 'ftpdctl: message sent\nftpdctl: queued for 1 session\nftpdctl: shown to 1 of 1 session\n',
    });
  });

  test('a server that comes back knowing less: 75, and of how many nobody can say', async () => {
    const child = await spawnTs(MAILBOX, [server.queue, '1']);
    await child.next();
    const dave = mailbox.register(SESSION);
    await vi.waitFor(async () => expect((await ftpdctl(['who'])).stdout.split('\n')).toHaveLength(4), 10_000);
    const running = ftpdctl(['--json', 'msg', '--wait=30', 'all', 'hi']);
    await vi.waitFor(() => expect(dave.pending()).toHaveLength(1), {timeout: 10_000});
    await server.server.close();
    await child.kill();
    await server.restart();
    dave.shown(dave.pending().map(({id}) => id));
    const {status, stdout} = await running;
    expect(status).toBe(75);
    expect(JSON.parse(stdout)).toMatchObject({
      exitStatus: 75,
      receipt: {recipients: 2, shown: 1, lost: 0, unknown: 1},
      error: {code: 'FATE_UNKNOWN'},
    });
    expect(server.messageLog().join('\n')).toMatch(
      /session process \d+\.\w+ ended before this server heard of its sessions.* unknown to 1 session: /s,
    );
  });

  test('a session process that dies meanwhile: 4 at once', async () => {
    const child = await spawnTs(MAILBOX, [server.queue, '1']);
    await child.next();
    await vi.waitFor(async () => expect((await ftpdctl(['who'])).stdout).toContain('user1'), 10_000);
    const running = ftpdctl(['msg', '--wait=600', 'all', 'hi']);
    await vi.waitFor(async () => expect(await child.ask('pending')).toEqual([['hi']]), {timeout: 10_000});
    await child.kill();
    const {status, stderr} = await running;
    expect(status).toBe(4);
    expect(stderr).toBe('ftpdctl: shown to 0 of 1 session; undelivered to user1@localhost, session ended\n');
    expect(server.messageLog().join()).toMatch(/undelivered to user1@localhost .*: session ended/);
  });

  test.each([['--wait=0'], ['--wait='], ['--wait=soon'], ['--wait=-1']])('%s is no time', async (option) => {
    expect(await ftpdctl(['msg', option, 'all', 'hi'])).toMatchObject({status: 3, stdout: ''});
  });
});

describe.each(['binary', 'json'] as const)('a ProFTPD of the %s dialect', (dialect) => {
  test.each(['--dry-run', '--wait', '--wait=5'])('%s: 7, and nothing is sent', async (option) => {
    const proftpd = await startScriptedServer(speak(dialect, {status: 0, responses: ['message sent']}));
    try {
      const {status, stdout, stderr} = await runFtpdctl(['-s', proftpd.socket, 'msg', option, 'all', 'hi']);
      expect({status, stdout}).toEqual({status: 7, stdout: ''});
      expect(stderr).toMatch(/^ftpdctl: a ProFTPD cannot say .*nothing was sent.*\n$/);
      expect(proftpd.executed.map(({action}) => action)).toEqual(['help']);
    } finally {
      await proftpd.stop();
    }
  });

  test('says nothing of sessions', async () => {
    const proftpd = await startScriptedServer(speak(dialect, {status: 0, responses: ['message sent']}));
    try {
      const {stdout} = await runFtpdctl(['-s', proftpd.socket, 'msg', 'all', 'hi']);
      expect(stdout).toBe('ftpdctl: message sent\n');
    } finally {
      await proftpd.stop();
    }
  });
});

test.each([
  [0, 3, '[--------]'],
  [1, 3, '[##------]'],
  [2, 3, '[#####---]'],
  [3, 3, '[########]'],
  [999, 1000, '[#######-]'],
  [0, 0, '[########]'],
])('the bar for %i of %i is %s', (done, total, bar) => {
  expect(progressBar(done, total, 8)).toBe(bar);
});
