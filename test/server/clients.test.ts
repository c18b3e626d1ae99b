import {once} from 'node:events';
import {chmodSync, existsSync, mkdtempSync, rmSync, statSync} from 'node:fs';
import {Socket} from 'node:net';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, onTestFinished, test, vi} from 'vitest';
import {ControlsClient} from '../../src/lib/client/client.ts';
import {SERVE_REQUEST_BYTES} from '../../src/lib/protocol/limits.ts';
import {bindPath, connectPath, streamSocket} from '../../src/lib/transport/libc.ts';
import {openConnection} from '../../src/lib/transport/sockets/connection.ts';
import {OPEN, type RunningServer, startControlsServer, until} from '../helpers/controlsServer.ts';
import {ask, exchange, exchangeAsOurs, silentClients} from '../helpers/exchange.ts';
import {requestFrame} from '../helpers/frames.ts';
import {oracle} from '../helpers/oracle.ts';

let running: RunningServer;
beforeEach(async () => {
  running = await startControlsServer(OPEN);
});
afterEach(async () => running.stop());

describe('the two dialects', () => {
  test('a JSON answer says who answers, in one extra key', async () => {
    const {bytes} = await exchange(running.socket, requestFrame('json', 'lsctrl', 'x'));
    expect(JSON.parse(bytes.subarray(4).toString())).toEqual({
      status: -3,
      responses: ['wrong number of parameters'],
      ftpdctl: {version: '1.2.3', maxRequest: SERVE_REQUEST_BYTES},
    });
  });

  test('of the same request offered in both by our client, the one in JSON is carried out', async () => {
    const [binary, json] = await Promise.all([
      exchangeAsOurs(running.socket, requestFrame('binary', 'rmctrl', 'status')),
      exchangeAsOurs(running.socket, requestFrame('json', 'lsctrl')),
    ]);
    expect(binary).toMatchObject({
      dialect: 'json',
      response: {status: -7, responses: ['unsupported action requested'], server: {version: '1.2.3'}},
    });
    expect(json.response!.responses).toContain('status (mod_ctrls_admin.c)');
  });

  test('a message that only the binary dialect of a ProFTPD would take arrives where nobody knows the server yet', async () => {
    const text = Array.from({length: 600}, (_, i) => `w${i}`).join(' ');
    const client = new ControlsClient({socket: running.socket, cache: null});
    expect(await client.message(['all'], text)).toMatchObject({dialect: 'json', status: 0});
  });

  test('a client without a path of its own is a stock client', async () => {
    const {dialect, response} = await exchange(running.socket, requestFrame('binary', 'rmctrl', 'status'));
    expect({dialect, ...response}).toEqual({
      dialect: 'binary',
      status: 0,
      responses: ["'status' control disabled"],
    });
  });

  test("the client's own socket is removed, as every ProFTPD does", async () => {
    const connection = openConnection(running.socket, requestFrame('json', 'lsctrl'));
    const path = connection.path!;
    expect(existsSync(path)).toBe(true);
    await until(() => !existsSync(path));
    connection.close();
  });
});

describe('what a request may hold', () => {
  test('UTF-8 is welcome, up to 64 KiB', async () => {
    const text = 'Grüße 👋 '.repeat(2000);
    expect(await ask(running.socket, 'json', 'msg', 'all', text)).toMatchObject({status: 0});
  });

  test('a message no session could be sent is refused for its length', async () => {
    const {status, responses} = await ask(running.socket, 'json', 'msg', 'all', 'x'.repeat(40_000));
    expect(status).toBe(-3);
    expect(responses[0]).toMatch(/^the message is too long: 40002 bytes/);
  });

  test('beyond that the connection is closed', async () => {
    const frame = Buffer.alloc(4);
    frame.writeUInt32LE(SERVE_REQUEST_BYTES + 1);
    expect(await exchange(running.socket, frame)).toMatchObject({bytes: Buffer.alloc(0)});
  });

  test.each([
    '\u0007',
    '\u0085',
    '\u2028',
    '\ud800',
    '\ufffd',
  ])('%j is refused in any parameter', async (character) => {
    for (const [action, ...args] of [
      ['status', character],
      ['who', 'user', `a${character}`],
      ['msg', 'all', 'hi', character],
    ] as const) {
      const {status, responses} = await ask(running.socket, 'json', action, ...args);
      expect(status).toBe(-3);
      expect(responses[0]).toMatch(
        /^parameter \d: (control character U\+\w{4} at character \d|not valid UTF-8)$/,
      );
    }
  });
});

describe('clients that keep the server waiting', () => {
  test('60 that say nothing do not keep the 61st waiting', async () => {
    const silent = await silentClients(running.socket, 60);
    const closed: unknown[] = [];
    for (const socket of silent) socket.on('close', () => closed.push(socket));
    expect((await ask(running.socket, 'json', 'lsctrl')).status).toBe(0);
    expect(closed).toEqual([]);
    for (const socket of silent) socket.destroy();
  });

  test('when there are too many, those that came first are told to go, and no others', async () => {
    const MOST = 256;
    const silent = await silentClients(running.socket, MOST + 3);
    const gone = silent.slice(0, 3);
    for (const socket of gone) {
      const bytes: Buffer = socket.read() ?? (await once(socket, 'data'))[0];
      expect(JSON.parse(bytes.subarray(4).toString())).toMatchObject({
        status: -8,
        responses: ['blocked connection'],
      });
      socket.destroy();
    }
    expect((await ask(running.socket, 'json', 'lsctrl')).status).toBe(0);
    // The one who asked was one too many, too.
    const told = () => running.controlsLog().filter((line) => line.includes('blocked connection'));
    await until(() => running.controlsLog().some((line) => line.includes('lsctrl')));
    expect(told()).toHaveLength(4);
    for (const socket of silent) socket.destroy();
  });

  test('one that leaves in the middle of its request is forgotten', async () => {
    const frame = requestFrame('json', 'lsctrl');
    await exchange(running.socket, frame.subarray(0, 10), {shutdown: true});
    await until(() => running.controlsLog().some((line) => line.startsWith('error: unable to receive')));
    expect((await ask(running.socket, 'json', 'lsctrl')).status).toBe(0);
  });

  test('one that writes its request byte by byte is answered', async () => {
    const [socket] = await silentClients(running.socket, 1);
    for (const byte of requestFrame('binary', 'nosuch')) {
      socket!.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [bytes] = (await once(socket!, 'data')) as [Buffer];
    expect(bytes.readInt32LE()).toBe(-1);
  });
});

test('100 at once are all answered, whatever ControlsMaxClients says', async () => {
  const asked = Array.from({length: 100}, (_, index) =>
    ask(running.socket, index % 2 ? 'json' : 'binary', index % 3 ? 'status' : 'msg', 'all', 'hi'),
  );
  for (const {status} of await Promise.all(asked)) expect(status).toBe(0);
});

test('the server answers what was asked before it ends', async () => {
  const asked = ask(running.socket, 'json', 'status', 'localhost', 'localhost', 'localhost');
  await until(() => running.controlsLog().some((line) => line.includes('recvd')));
  await running.server.close();
  expect((await asked).responses).toHaveLength(3);
});

test('a server that has ended keeps no process waiting', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const other = await startControlsServer(OPEN);
  await ask(other.socket, 'json', 'lsctrl');
  await other.stop();
  expect(timers()).toBeLessThanOrEqual(before);
});

test("neither root nor the server's own user is too many, however often they come to nothing", async () => {
  // No time goes by in which anybody might come again.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => void vi.restoreAllMocks());
  for (let round = 0; round < 11; round++) {
    const asked = Array.from({length: 50}, () => ask(running.socket, 'json', 'nosuch'));
    for (const {status} of await Promise.all(asked)) expect(status).toBe(-7);
  }
});

interface SocketRule {
  readonly note?: string;
  readonly verdict: string;
  readonly server_unlinked_the_file?: boolean | null;
}

/** How a client's own socket is made, by the names of the oracle's cases. */
const BOUND: Record<string, {readonly name?: string; readonly mode?: number}> = {
  bound_tmp_ftp_clPID_0700: {name: 'ftp.cl00123', mode: 0o700},
  not_bound: {},
  bound_elsewhere: {name: 'elsewhere.sock', mode: 0o700},
  bound_tmp_other_name: {name: 'other.sock', mode: 0o700},
  prefix_non_numeric: {name: 'ftp.clabc', mode: 0o700},
  prefix_number_then_text: {name: 'ftp.cl123abc', mode: 0o700},
  prefix_no_number: {name: 'ftp.cl', mode: 0o700},
  prefix_other_pid: {name: 'ftp.cl00001', mode: 0o700},
  mode_0600: {name: 'ftp.cl00123', mode: 0o600},
  mode_0500: {name: 'ftp.cl00123', mode: 0o500},
  mode_0755: {name: 'ftp.cl00123', mode: 0o755},
  mode_0777: {name: 'ftp.cl00123', mode: 0o777},
  mode_0701: {name: 'ftp.cl00123', mode: 0o701},
  mode_0710: {name: 'ftp.cl00123', mode: 0o710},
  mode_0000: {name: 'ftp.cl00123', mode: 0},
  mode_4700: {name: 'ftp.cl00123', mode: 0o4700},
  mode_1700: {name: 'ftp.cl00123', mode: 0o1700},
  default_umask_mode_no_chmod: {name: 'ftp.cl00123'},
};

describe('the client sockets that 1.3.8 accepts', () => {
  const {server_client_socket_rules: rules} = oracle<{
    server_client_socket_rules: Record<string, Record<string, SocketRule>>;
  }>('wire');

  test.each(Object.entries(BOUND))('%s', async (name, {name: file, mode}) => {
    const rule = rules['1.3.8']![name]!;
    expect(rule.verdict).toBe('accepted');
    const directory = mkdtempSync('/tmp/client-');
    onTestFinished(() => rmSync(directory, {recursive: true, force: true}));
    const fd = streamSocket();
    const path = file === undefined ? undefined : join(directory, file);
    if (path !== undefined) bindPath(fd, path);
    if (path !== undefined && mode !== undefined) chmodSync(path, mode);
    connectPath(fd, running.socket);
    const client = new Socket({fd});
    client.write(requestFrame('json', 'lsctrl'));
    const chunks: Buffer[] = [];
    client.on('data', (chunk) => chunks.push(chunk));
    await once(client, 'close');
    expect(JSON.parse(Buffer.concat(chunks).subarray(4).toString())).toMatchObject({status: 0});
  });

  // The rules of 1.3.10: `/tmp/ftp.cl` and a number, mode 0700, made this moment.
  test('ours is one that 1.3.10 accepts', () => {
    const connection = openConnection(running.socket, requestFrame('json', 'lsctrl'));
    onTestFinished(() => connection.close());
    const {mode, mtimeMs} = statSync(connection.path!);
    expect(connection.path).toMatch(/^\/tmp\/ftp\.cl\d+$/);
    expect((mode & 0o7777).toString(8)).toBe('700');
    expect(Date.now() - mtimeMs).toBeLessThan(10_000);
    expect(rules['1.3.10rc5']!['bound_tmp_ftp_clPID_0700']!.verdict).toBe('accepted');
    expect(rules['1.3.10rc5']!['mode_0755']!.verdict).toContain('Connection reset by peer');
  });
});

describe('as many callers at once as the polls of ProFTPD were measured with', () => {
  const {concurrency} = oracle<{
    concurrency: Record<string, Record<string, {replies: Record<string, number>}>>;
  }>('wire');
  test.each(Object.entries(concurrency['1.3.10rc5']!))('%s: the same answer to each', async (_, {
    replies,
  }) => {
    const [[text, count], ...others] = Object.entries(replies) as [[string, number]];
    expect(others).toEqual([]);
    const {responses} = JSON.parse(JSON.parse(text.replace(/ \/ eof$/, '')));
    const words = ['msg', 'user', 'nobody', 'hi'] as const;
    const answers = await Promise.all(
      Array.from({length: count}, () => ask(running.socket, 'json', ...words)),
    );
    // ProFTPD says 0 where nobody is meant; `serve` does not.
    for (const answer of answers) expect(answer).toMatchObject({status: -4, responses});
  });
});
