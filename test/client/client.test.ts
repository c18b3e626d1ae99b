import {existsSync, renameSync, unlinkSync} from 'node:fs';
import {readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {ControlsClient, type ControlsClientOptions} from '../../src/lib/client/client.ts';
import {ClientError} from '../../src/lib/client/errors.ts';
import {RequestRefused} from '../../src/lib/protocol/guard.ts';
import type {ControlRequest, ControlResponse, Dialect} from '../../src/lib/protocol/message.ts';
import {listenAt} from '../../src/lib/transport/sockets/listener.ts';
import {
  after,
  type Behaviour,
  blocked,
  closeSilently,
  hang,
  reset,
  send,
  speak,
  stale,
} from '../helpers/behaviours.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';
import {type ScriptedServer, startScriptedServer} from '../helpers/scriptedServer.ts';

const SENT: ControlResponse = {status: 0, responses: ['message sent']};
const IDENTITY = {version: '9.9.9', maxRequest: 65536};
const DIALECTS: Dialect[] = ['binary', 'json'];

let cache: string;
const servers: ScriptedServer[] = [];

beforeEach(() => {
  cache = makeOwnHome();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  removeOwnHome(cache);
});

async function serve(script: Behaviour | readonly Behaviour[], socket?: string): Promise<ScriptedServer> {
  const server = await startScriptedServer(script, socket === undefined ? {} : {socket});
  servers.push(server);
  return server;
}

const clientOf = ({socket}: ScriptedServer, options: ControlsClientOptions = {}) =>
  new ControlsClient({socket, cache, timeout: 5000, ...options});

/** Answers as `ftpdctl serve` does: JSON alone for our client, with its identity. */
const asServe = (respond: (request: ControlRequest) => ControlResponse) =>
  speak('json', (request) =>
    Buffer.from(
      ((body) => Buffer.concat([Buffer.from(Uint32Array.of(body.length).buffer), body]))(
        Buffer.from(JSON.stringify({...respond(request), ftpdctl: IDENTITY})),
      ),
    ),
  );

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

describe.each(DIALECTS)('a server of the %s dialect', (dialect) => {
  test('is found out with one request carried out once, and remembered', async () => {
    const server = await serve(speak(dialect, SENT));
    const answer = await clientOf(server).message(['user', 'dave'], 'hello world');
    expect(answer).toMatchObject({status: 0, verdict: 0, responses: ['message sent'], dialect});
    expect(server.executed).toEqual([{action: 'msg', args: ['user', 'dave', 'hello world']}]);
    expect(server.connections).toHaveLength(2);

    await clientOf(server).request('status', ['all']);
    expect(server.connections).toHaveLength(3);
    expect(server.executed).toHaveLength(2);
  });

  test('is remembered for one binding of the socket alone', async () => {
    const first = await serve(speak(dialect, SENT));
    await clientOf(first).request('help');
    const {socket} = await serve(speak(dialect, SENT));
    expect(socket).not.toBe(first.socket);
    await first.stop();
    servers.splice(servers.indexOf(first), 1);
    const anew = await serve(speak(dialect === 'json' ? 'binary' : 'json', SENT), join(cache, 'anew'));
    await clientOf(anew).request('help');
    expect(anew.executed).toHaveLength(1);
  });

  test('that has become another by an upgrade is met again, without a second execution', async () => {
    const other = dialect === 'json' ? 'binary' : 'json';
    const server = await serve([speak(dialect, SENT), speak(dialect, SENT), speak(other, SENT)]);
    await clientOf(server).request('help');
    const answer = await clientOf(server).message(['all'], 'still there');
    expect(answer.dialect).toBe(other);
    expect(server.executed.filter(({action}) => action === 'msg')).toHaveLength(1);
  });

  test('that says "blocked connection" is asked again, in its dialect', async () => {
    const known = await serve([
      speak(dialect, SENT),
      speak(dialect, SENT),
      blocked(dialect),
      speak(dialect, SENT),
    ]);
    const client = clientOf(known);
    await client.request('help');
    expect(await client.message(['all'], 'hi')).toMatchObject({responses: ['message sent']});
    expect(known.executed.filter(({action}) => action === 'msg')).toHaveLength(1);
    expect(known.connections).toHaveLength(4);
  });

  test('answers in pieces', async () => {
    const bytes =
      dialect === 'json'
        ? Buffer.from('\x1f\0\0\0{"status":0,"responses":["ok"]}', 'latin1')
        : Buffer.from('0000000001000000020000006f6b', 'hex');
    const server = await serve(send(...[...bytes].map((byte) => Buffer.from([byte]))));
    expect(await clientOf(server).request('help')).toMatchObject({responses: ['ok'], dialect});
  });
});

test('"error: stale connection" is tried again', async () => {
  const server = await serve([speak('json', SENT), speak('json', SENT), stale, speak('json', SENT)]);
  const client = clientOf(server);
  await client.request('help');
  expect((await client.message(['all'], 'hi')).responses).toEqual(['message sent']);
  expect(server.executed.filter(({action}) => action === 'msg')).toHaveLength(1);
});

test('an answer that breaks off is not tried again: it may have been carried out', async () => {
  const server = await serve(send(Buffer.from('00000000010000000b00000068656c', 'hex')));
  const error = await failure(clientOf(server).message(['all'], 'hi'));
  expect(error).toMatchObject({code: 'ANSWER_LOST', exitStatus: 1});
  expect(server.connections.length).toBeLessThanOrEqual(2);
});

test.each([
  ['closes every connection', closeSilently],
  ['resets every connection', reset],
])('a server that %s ends in one error with a hint', async (_name, behaviour) => {
  const server = await serve(behaviour);
  const error = await failure(clientOf(server).request('help'));
  expect(error).toMatchObject({code: 'NO_ANSWER', hint: expect.stringContaining('/tmp') as string});
  expect(server.connections).toHaveLength(2);
});

test('a server that never answers ends at the deadline with 75', async () => {
  const server = await serve(hang);
  const error = await failure(clientOf(server, {timeout: 50}).request('help'));
  expect(error).toMatchObject({code: 'TIMEOUT', exitStatus: 75});
});

test('the caller may give up', async () => {
  const server = await serve(hang);
  const controller = new AbortController();
  const waiting = failure(clientOf(server, {signal: controller.signal}).request('help'));
  controller.abort();
  expect(await waiting).toMatchObject({code: 'ABORTED'});
});

test('an answer that has begun and never ends is a timeout, too', async () => {
  const server = await serve(async (connection) => {
    await connection.write(Buffer.from('000000000100', 'hex'));
    await hang(connection);
  });
  const error = await failure(clientOf(server, {timeout: 50}).request('help'));
  expect(error).toMatchObject({code: 'TIMEOUT', exitStatus: 75});
});

test('who gives up at the last moment sends nothing', async () => {
  const server = await serve(hang);
  const controller = new AbortController();
  const onEvent = () => controller.abort();
  expect(await failure(clientOf(server, {signal: controller.signal, onEvent}).request('help'))).toMatchObject(
    {
      code: 'ABORTED',
    },
  );
  expect(server.connections).toEqual([]);
});

test('without a time limit it waits as long as a timer can', async () => {
  const server = await serve(after(20, speak('json', SENT)));
  expect(await clientOf(server, {timeout: Number.POSITIVE_INFINITY}).request('help')).toMatchObject(SENT);
});

describe('a second offer that cannot be made', () => {
  const SECOND = 2;

  /** Do something when a path is chosen for this connection. */
  function atConnection(count: number, act: () => void): void {
    let calls = 0;
    // A path of this test's own: other runs of the tests make theirs at the same time.
    const first = Math.random() * 0.9;
    vi.spyOn(Math, 'random').mockImplementation(() => {
      calls += 1;
      if (calls === count) act();
      return first + calls / 1000;
    });
  }

  test('for want of a path of its own is not made: ftpdctl serve would carry out both', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(Math.random());
    const server = await serve(speak('json', SENT));
    await clientOf(server).message(['all'], 'hi');
    expect(server.connections.map(({clientPath}) => clientPath)).toEqual([
      expect.stringMatching(/^\/tmp\/ftp\.cl1\d{8}$/),
    ]);
  });

  test('because the socket is gone leaves the first one standing: its server may carry it out', async () => {
    const server = await serve(speak('json', SENT));
    atConnection(SECOND, () => unlinkSync(server.socket));
    expect((await clientOf(server).message(['all'], 'hi')).responses).toEqual(['message sent']);
    expect(server.executed).toHaveLength(1);
  });
});

test('the client path is a fresh socket of mode 0700, and gone on every way out', async () => {
  const server = await serve([speak('json', SENT), speak('json', SENT), hang]);
  await clientOf(server).request('help');
  await failure(clientOf(server, {timeout: 50}).request('help'));
  const paths = server.connections.map(({clientPath}) => clientPath);
  expect(paths.length).toBe(3);
  for (const path of paths) {
    expect(path).toMatch(/^\/tmp\/ftp\.cl1\d{8}$/);
    expect(existsSync(path!)).toBe(false);
  }
});

describe('what would do harm', () => {
  test.each([
    ['control characters', 'a\u0007b'],
    ['more than any server takes', 'x'.repeat(5_000_000)],
  ])('%s: no connection is made', async (_name, text) => {
    const server = await serve(speak('json', SENT));
    expect(await failure(clientOf(server).message(['all'], text))).toBeInstanceOf(RequestRefused);
    expect(server.connections).toEqual([]);
  });

  test.each(
    DIALECTS,
  )('UTF-8 to an unknown server of the %s dialect: asked first, then refused', async (dialect) => {
    const server = await serve(speak(dialect, SENT));
    const error = await failure(clientOf(server).message(['all'], 'grüße'));
    expect(error).toMatchObject({code: 'REFUSED_NON_ASCII', exitStatus: 3});
    expect(server.executed).toEqual([{action: 'help', args: []}]);

    await failure(clientOf(server).message(['all'], 'grüße'));
    expect(server.executed).toHaveLength(1);
  });

  test('a long message fits the binary dialect, and is refused where JSON turns out to be spoken', async () => {
    const text = Array.from({length: 600}, (_, i) => `w${i}`).join(' ');
    const binary = await serve(speak('binary', SENT));
    await clientOf(binary).message(['all'], text);
    expect(binary.executed[0]!.args.slice(1).join(' ')).toBe(text);

    const json = await serve(speak('json', SENT));
    const error = await failure(clientOf(json).message(['all'], text));
    expect(error).toMatchObject({code: 'REFUSED_SIZE', message: expect.stringContaining('1024') as string});
    expect(json.executed).toEqual([{action: 'help', args: []}]);
  });
});

describe('ftpdctl serve', () => {
  test('is known by its answers, and takes UTF-8 and several lines', async () => {
    const server = await serve(asServe(() => SENT));
    const client = clientOf(server);
    expect(await client.identify()).toMatchObject(IDENTITY);
    expect(await client.detectServer()).toEqual({dialect: 'json', serve: IDENTITY});
    await client.message(['all'], 'grüße 😀');
    await client.message(['all'], 'one\ntwo');
    const [, utf8, lines] = server.executed;
    expect(utf8).toMatchObject({args: ['all', 'grüße 😀']});
    expect(lines).toMatchObject({args: ['all']});
  });

  test('that gives way to a ProFTPD while our request waits for a slot: no UTF-8 is sent there', async () => {
    const server = await serve([asServe(() => SENT), asServe(() => SENT), blocked('json')]);
    const proftpd = await serve(speak('json', SENT));
    const error = await failure(
      clientOf(server, {
        onEvent: ({kind}) => {
          if (kind === 'retrying') renameSync(proftpd.socket, server.socket);
        },
      }).message(['all'], 'grüße'),
    );
    expect(error).toMatchObject({code: 'REFUSED_NON_ASCII'});
    expect(proftpd.connections).toEqual([]);
  });

  test('that gives way to a ProFTPD as it answers is not remembered in its place', async () => {
    const proftpd = await serve(speak('json', SENT));
    const server = await serve(
      asServe(() => {
        renameSync(proftpd.socket, server.socket);
        return SENT;
      }),
    );
    const client = clientOf(server);
    await client.request('help');
    expect(await failure(client.message(['all'], 'grüße'))).toMatchObject({code: 'REFUSED_NON_ASCII'});
    expect(proftpd.executed.map(({action}) => action)).toEqual(['help']);
  });

  test('without a cache directory it is still known for the life of the client', async () => {
    const server = await serve(asServe(() => SENT));
    await clientOf(server, {cache: null}).message(['all'], 'grüße');
    expect(server.executed.map(({action}) => action)).toEqual(['help', 'msg']);
  });

  test('a cache that cannot be written is no failure', async () => {
    const file = join(cache, 'no-directory');
    await writeFile(file, '');
    const server = await serve(speak('binary', SENT));
    await clientOf(server, {cache: file}).request('help');
    expect(server.executed).toHaveLength(1);
  });

  test('a cache with nonsense in it is no failure', async () => {
    const server = await serve(speak('binary', SENT));
    await clientOf(server).request('help');
    for (const name of await readdir(cache)) await writeFile(join(cache, name), '{"binding":');
    await clientOf(server).request('help');
    expect(server.executed).toHaveLength(2);
  });
});

describe('finding the socket', () => {
  const env = (more: NodeJS.ProcessEnv = {}) => ({HOME: cache, XDG_RUNTIME_DIR: join(cache, 'run'), ...more});

  test('FTPDCTL_SOCKET', async () => {
    const server = await serve(speak('binary', SENT));
    const client = new ControlsClient({cache, env: env({FTPDCTL_SOCKET: server.socket})});
    expect((await client.request('help')).socket).toBe(server.socket);
  });

  test.each(['relative.sock', './x', ''])('%j is not absolute', async (socket) => {
    const error = await failure(new ControlsClient({cache, socket}).request('help'));
    expect(error).toMatchObject({code: 'BAD_SOCKET_PATH', exitStatus: 3});
  });

  test.each([
    ['missing', '/nonexistent/absent.sock', 'SOCKET_MISSING'],
    ['a file', '/etc/passwd', 'SOCKET_STALE'],
    ['a directory', '/tmp', 'SOCKET_STALE'],
    ['too long', `/tmp/${'p'.repeat(200)}`, 'BAD_SOCKET_PATH'],
  ])('a socket that is %s', async (_name, socket, code) => {
    const error = await failure(new ControlsClient({cache, socket}).request('help'));
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({code, exitStatus: 1, message: expect.stringContaining(socket) as string});
    expect((error as ClientError).hint).toBeTruthy();
  });

  test('a socket left by a server that died', async () => {
    const socket = join(cache, 'stale');
    await listenAt(socket, {accepts: () => true, onConnection: () => {}}).close();
    const error = await failure(new ControlsClient({cache, socket}).request('help'));
    expect(error).toMatchObject({code: 'SOCKET_STALE'});
  });
});
