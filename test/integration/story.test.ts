import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {processStatus} from '../../src/lib/transport/processes/proc.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {Servers} from '../helpers/servers.ts';
import {openTerminal} from '../helpers/terminal.ts';

let servers: Servers;
beforeEach(async () => {
  servers = await Servers.start();
});
afterEach(() => servers.stop());

/** Wait until the server knows so many sessions that have logged in. */
async function known(count: number) {
  await vi.waitFor(
    async () => expect((await servers.who()).filter(({user}) => user !== null)).toHaveLength(count),
    {timeout: 10_000, interval: 100},
  );
}

describe('serve, mock and msg', () => {
  test.each([
    ['user', ['user', 'dave'], ['dave']],
    ['host', ['host', '127.0.1.7'], ['alice']],
    ['class', ['class', 'staff'], ['alice']],
    ['all', ['all'], ['dave', 'alice']],
  ])('a message to %s reaches whom it should, once', async (_kind, audience, reached) => {
    const sessions = {
      dave: await servers.session('dave'),
      alice: await servers.session('alice', '127.0.1.7'),
    };
    await known(2);
    const {status, stdout} = await servers.ftpdctl(['msg', ...audience, 'grüße', '-v', 'everybody']);
    expect({status, stdout}).toEqual({
      status: 0,
      stdout: `ftpdctl: message sent\nftpdctl: queued for ${reached.length} session${reached.length > 1 ? 's' : ''}\n`,
    });
    for (const [user, session] of Object.entries(sessions)) {
      const plain = ['200 NOOP command successful'];
      const joined = ['200-NOOP command successful', '200 grüße -v everybody'];
      await vi.waitFor(async () =>
        expect(await session.command('NOOP')).toEqual(reached.includes(user) ? joined : plain),
      );
      expect(await session.command('NOOP')).toEqual(plain);
      await session.close();
    }
  });

  test('QUIT takes the last message along', async () => {
    const dave = await servers.session();
    await known(1);
    await servers.ftpdctl(['msg', 'all', 'see you']);
    await vi.waitFor(async () => expect((await servers.who())[0]).toMatchObject({waiting: 1}));
    expect(await dave.command('QUIT')).toEqual(['221-Goodbye.', '221 see you']);
  });

  test('who lists the sessions of a host by any of its names, of a user, of a class', async () => {
    const sessions = [await servers.session('dave'), await servers.session('alice', '127.0.1.7')];
    await known(2);
    const who = async (...filters: string[]) =>
      JSON.parse((await servers.ftpdctl(['--json', 'who', ...filters])).stdout).sessions.map(
        ({user}: {user: string}) => user,
      );
    expect(await who('--host', 'localhost')).toEqual(['dave']);
    expect(await who('--host', '::ffff:127.0.1.7')).toEqual(['alice']);
    expect(await who('--class', 'staff', '--user', 'alice')).toEqual(['alice']);
    expect(await who('--class', 'staff', '--user', 'dave')).toEqual([]);
    await sessions[0]!.command('REIN');
    await vi.waitFor(async () => expect(await who('--user', '(none)')).toEqual([null]), {timeout: 10_000});
    expect((await servers.ftpdctl(['who', '--user', 'nobody'])).stdout).toBe('no sessions\n');
    for (const session of sessions) await session.close();
  });

  test('nobody is there: 4 for a user, no failure for all', async () => {
    expect((await servers.ftpdctl(['msg', 'user', 'dave', 'hi'])).status).toBe(4);
    expect((await servers.ftpdctl(['msg', 'all', 'hi'])).status).toBe(0);
  });

  test('several lines become several reply lines', async () => {
    const dave = await servers.session();
    await known(1);
    await servers.ftpdctl(['msg', 'all', '-'], {input: 'one\ntwo\n200 forged\n'});
    await vi.waitFor(async () =>
      expect(await dave.command('NOOP')).toEqual([
        '200-NOOP command successful',
        ' one',
        ' two',
        '200 200 forged',
      ]),
    );
  });
});

describe('what fails', () => {
  test('a server that is killed finds the sessions again, and what they hold is shown once', async () => {
    const dave = await servers.session();
    await known(1);
    await servers.ftpdctl(['msg', 'all', 'before']);
    await vi.waitFor(async () => expect((await servers.who())[0]).toMatchObject({waiting: 1}));
    await servers.kill('serve', 'SIGKILL');
    await servers.run('serve');
    await known(1);
    await servers.ftpdctl(['msg', 'all', 'after']);
    await vi.waitFor(async () => expect((await servers.who())[0]).toMatchObject({waiting: 2}));
    expect(await dave.command('NOOP')).toEqual(['200-NOOP command successful', ' before', '200 after']);
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('a mock server that is killed: its sessions are gone, and its messages end as undelivered', async () => {
    await servers.session();
    await known(1);
    await servers.ftpdctl(['msg', 'all', 'never shown']);
    await servers.kill('mock', 'SIGKILL');
    expect((await servers.ftpdctl(['msg', 'user', 'dave', 'hi'])).status).toBe(4);
    await vi.waitFor(async () => {
      const log = await readFile(join(servers.directory, 'msg.log'), 'utf8');
      expect(log).toMatch(/undelivered/);
      expect(log).not.toMatch(/: shown/);
    });
  });

  test('both end cleanly and leave no socket behind; a session is told 421', async () => {
    const dave = await servers.session();
    await known(1);
    await servers.kill('mock', 'SIGTERM');
    expect((await dave.reply())[0]).toMatch(/^421 /);
    await servers.kill('serve', 'SIGTERM');
    expect((await readdir(servers.directory)).filter((name) => /^(ctrls|queue)/.test(name))).toEqual([]);
  });
});

test('--wait ends when the message was shown, or says that it was not', async () => {
  const dave = await servers.session();
  await known(1);
  const shown = servers.ftpdctl(['msg', '--wait=20', 'user', 'dave', 'look']);
  await vi.waitFor(async () => expect((await dave.command('NOOP')).at(-1)).toBe('200 look'), {
    timeout: 10_000,
  });
  expect((await shown).status).toBe(0);
  expect((await servers.ftpdctl(['msg', '--wait=0.5', 'user', 'dave', 'unseen'])).status).toBe(75);
});

describeWithPeer(whyNoProgram('tmux'), 'the bar of --wait', () => {
  test.each([
    [40, 8],
    [80, 24],
    [120, 24],
  ])('fits %i columns, and goes on where it was when Ctrl-Z has stopped it', async (columns, width) => {
    const dave = await servers.session();
    await known(1);
    const args = ['-s', servers.socket, 'msg', '--wait=60', 'all', 'hi'];
    const terminal = await openTerminal(args, {columns, jobs: true});
    const bar = `[${'-'.repeat(width)}] shown to 0 of 1 session`;
    await terminal.see(new RegExp(`^${bar.replace(/[[\]]/g, '\\$&')}$`, 'm'));
    const pid = await terminal.pid();
    await terminal.press('C-z');
    await vi.waitFor(() => expect(processStatus(pid)!.state).toBe('T'));
    // Of the shell: 128 and SIGTSTP.
    await terminal.see(/\[148\n?\]/);
    process.kill(pid, 'SIGCONT');
    await terminal.see(/148\n?\]\n\[-+\] shown to 0 of 1 session$/);
    expect((await dave.command('NOOP')).at(-1)).toBe('200 hi');
    const screen = await terminal.see(/^ftpdctl: shown to 1 of 1 session$/m);
    expect(screen).not.toContain('#');
  });
});

/** Logs in, lets the octets of its replies fill its small window, and hears no more; each line that it reads is a NOOP. */
const DEAF_CLIENT = `
import socket, sys
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
client.connect(('127.0.0.1', int(sys.argv[1])))
replies = client.makefile('rb')
for command in (None, 'USER dave', 'PASS x'):
    if command: client.sendall(command.encode() + b'\\r\\n')
    replies.readline()
client.sendall(b'HELP\\r\\n' * 20)
print('deaf', flush=True)
for line in sys.stdin: client.sendall(b'NOOP\\r\\n')
`;

describeWithPeer(whyNoProgram('python3'), 'a message on its way to its client', () => {
  test.each([
    [
      'by SIGKILL: nobody can say, and 75',
      'SIGKILL',
      75,
      /nobody can say whether dave@\S+ saw it: the session ended/,
    ],
    [
      'in order: it says that its client has not acknowledged it, and 4',
      'SIGTERM',
      4,
      /undelivered to dave@/,
    ],
  ] as const)('whose mock server ends %s', async (_, signal, status, words) => {
    await servers.kill('mock', 'SIGTERM');
    await servers.run('mock', ['-v']);
    const client = spawn('python3', ['-c', DEAF_CLIENT, String(servers.port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(client.stdout, 'data');
      await known(1);
      const sent = servers.ftpdctl(['--json', 'msg', '--wait=60', 'user', 'dave', 'did you see this']);
      await vi.waitFor(async () => expect((await servers.who())[0]).toMatchObject({waiting: 1}), 10_000);
      const written = servers.says('mock', '< 200 did you see this');
      client.stdin.write('\n');
      await written;
      await servers.kill('mock', signal);
      const result = await sent;
      expect(result.status).toBe(status);
      const {error, receipt} = JSON.parse(result.stdout);
      expect(error.message).toMatch(words);
      expect(receipt).toMatchObject({
        shown: 0,
        ...(status === 75 ? {lost: 0, unknown: 1} : {lost: 1, unknown: 0}),
      });
      const log = await readFile(join(servers.directory, 'msg.log'), 'utf8');
      expect(log).toMatch(
        status === 75
          ? /unknown to dave@\S+ \(session \S+, pid \d+\): session process ended while showing it/
          : /undelivered to dave@/,
      );
    } finally {
      client.kill('SIGKILL');
    }
  });
});
