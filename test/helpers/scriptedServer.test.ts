import {existsSync} from 'node:fs';
import {createConnection} from 'node:net';
import {afterEach, describe, expect, it, vi} from 'vitest';
import type {ControlRequest, Dialect} from '../../src/lib/protocol/message.ts';
import {
  after,
  type Behaviour,
  BLOCKED,
  blocked,
  closeSilently,
  hang,
  reset,
  send,
  speak,
  stale,
} from './behaviours.ts';
import {requestFrame, responseFrame} from './frames.ts';
import {oracle} from './oracle.ts';
import {describeWithPeer} from './peers.ts';
import {type PollingServer, startPollingServer} from './pollingServer.ts';
import {runStockFtpdctl, whyNoProftpd} from './proftpd.ts';
import {type ScriptedServer, startScriptedServer} from './scriptedServer.ts';

const OK = {status: 0, responses: ['message sent']};
const UNCHECKED = {checkClientPath: false};

let server: ScriptedServer | PollingServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

interface Outcome {
  readonly bytes: Buffer;
  readonly error: string | null;
}

/** Connects, sends a frame (or nothing yet) and waits for the end. */
function ask(socket: string, frame?: Buffer): Promise<Outcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let error: string | null = null;
    const client = createConnection(socket);
    if (frame) client.write(frame);
    client.on('data', (chunk) => chunks.push(chunk));
    client.on('error', (problem: NodeJS.ErrnoException) => {
      error = problem.code ?? problem.message;
    });
    client.on('close', () => resolve({bytes: Buffer.concat(chunks), error}));
  });
}

const nothing = Buffer.alloc(0);
const lsctrl = requestFrame('binary', 'lsctrl');

describe('frames', () => {
  const replies = oracle<{
    server_replies: Record<string, Record<string, {argv: string[]; request_hex?: string}>>;
  }>('wire').server_replies;
  const cases = Object.entries(replies['1.3.8']!).filter(([, {request_hex}]) =>
    /^[0-9a-f]+$/.test(request_hex ?? ''),
  );
  it.each(cases)('writes %s as the stock client does', (_, {argv, request_hex}) => {
    const [action, ...args] = argv;
    expect(requestFrame('binary', action!, ...args).toString('hex')).toBe(request_hex);
  });
});

describe('a scripted server', () => {
  it('closes without a byte', async () => {
    server = await startScriptedServer(closeSilently);
    expect(await ask(server.socket, lsctrl)).toEqual({bytes: nothing, error: null});
  });

  it('resets', async () => {
    server = await startScriptedServer(reset);
    expect(await ask(server.socket, lsctrl)).toEqual({bytes: nothing, error: 'ECONNRESET'});
  });

  const STALE = {status: -1, responses: ['error: stale connection']};
  const cases: [string, Behaviour, Buffer][] = [
    ['sends pieces', send(Buffer.from('ab'), Buffer.from('c')), Buffer.from('abc')],
    ['says blocked', blocked('json'), responseFrame('json', BLOCKED.json)],
    ['says stale', stale, responseFrame('json', STALE)],
    ['waits', after(1, speak('binary', OK)), responseFrame('binary', OK)],
  ];
  it.each(cases)('%s', async (_, behaviour, bytes) => {
    server = await startScriptedServer(behaviour);
    expect((await ask(server.socket, lsctrl)).bytes).toEqual(bytes);
  });

  it('hangs until it is stopped', async () => {
    server = await startScriptedServer(hang);
    const outcome = ask(server.socket, lsctrl);
    await vi.waitFor(() => expect(server!.connections).toHaveLength(1));
    expect(server.connections[0]!.open).toBe(true);
    await server.stop();
    server = undefined;
    expect((await outcome).bytes).toEqual(nothing);
  });

  it('follows its script, the last line over and over', async () => {
    server = await startScriptedServer([blocked('binary'), speak('binary', OK)]);
    const answers = [];
    for (let index = 0; index < 3; index += 1) answers.push((await ask(server.socket, lsctrl)).bytes);
    expect(answers).toEqual([BLOCKED.binary, OK, OK].map((response) => responseFrame('binary', response)));
    expect(server.executed).toHaveLength(2);
  });

  it.each<Dialect>([
    'binary',
    'json',
  ])('records what %s clients ask, and answers each its own', async (dialect) => {
    const respond = ({action, args}: ControlRequest) => ({status: -3, responses: [action, ...args]});
    server = await startScriptedServer(speak(dialect, respond, UNCHECKED));
    const frame = requestFrame(dialect, 'msg', 'all', 'hi');
    const {bytes} = await ask(server.socket, frame);
    expect(bytes).toEqual(responseFrame(dialect, {status: -3, responses: ['msg', 'all', 'hi']}));
    expect(server.connections[0]!.received).toEqual(frame);
    expect(server.executed).toEqual([{action: 'msg', args: ['all', 'hi']}]);
  });

  it('counts a request that a behaviour answers as not carried out', async () => {
    server = await startScriptedServer(speak('binary', () => blocked('binary')));
    expect((await ask(server.socket, lsctrl)).bytes).toEqual(responseFrame('binary', BLOCKED.binary));
    expect(server.executed).toEqual([]);
  });

  it('resets a JSON client when it speaks binary, as 1.3.8 does', async () => {
    server = await startScriptedServer(speak('binary', OK));
    expect(await ask(server.socket, requestFrame('json', 'lsctrl'))).toEqual({
      bytes: nothing,
      error: 'ECONNRESET',
    });
    expect(server.executed).toEqual([]);
  });

  it('says -7 to a binary client when it speaks JSON, as 1.3.10 does', async () => {
    server = await startScriptedServer(speak('json', OK, UNCHECKED));
    const {bytes} = await ask(server.socket, lsctrl);
    expect(bytes.subarray(4).toString()).toBe('{"status":-7,"responses":["unsupported action requested"]}');
    expect(server.executed).toEqual([]);
  });

  it('resets a client that is not bound, as 1.3.10 does', async () => {
    server = await startScriptedServer(speak('json', OK));
    expect(await ask(server.socket, requestFrame('json', 'lsctrl'))).toEqual({
      bytes: nothing,
      error: 'ECONNRESET',
    });
    expect(server.connections[0]!.clientPath).toBe('');
  });
});

describeWithPeer(whyNoProftpd(), 'a scripted server and the stock client', () => {
  it('is understood', async () => {
    server = await startScriptedServer(speak('binary', {status: 0, responses: ['one', 'two']}));
    const {stdout} = await runStockFtpdctl(server.socket, ['msg', 'all', 'hi']);
    expect(stdout).toBe('ftpdctl: one\nftpdctl: two\n');
    expect(server.executed).toEqual([{action: 'msg', args: ['all', 'hi']}]);
  });

  it('sees where the client is bound, and lets it in', async () => {
    server = await startScriptedServer(speak('json', OK));
    const {stdout} = await runStockFtpdctl(server.socket, ['lsctrl']);
    expect(server.connections[0]!.clientPath).toMatch(/^\/tmp\/ftp\.cl\d+$/);
    expect(existsSync(server.connections[0]!.clientPath)).toBe(false);
    expect(stdout).toContain('Cannot allocate memory');
  });
});

describe('a polling server', () => {
  it('serves so many at each poll', async () => {
    const polling = await startPollingServer({dialect: 'binary', respond: OK, maxClients: 2});
    server = polling;
    const outcomes = Array.from({length: 3}, () => ask(polling.socket, lsctrl));
    await vi.waitFor(() => expect(polling.waiting()).toBe(3));
    polling.poll();
    await vi.waitFor(() => expect(polling.executed).toHaveLength(2));
    expect(polling.waiting()).toBe(1);
    polling.poll();
    for (const {bytes} of await Promise.all(outcomes)) expect(bytes).toEqual(responseFrame('binary', OK));
  });

  it.each<Dialect>(['binary', 'json'])('blocks a %s client that has not written', async (dialect) => {
    const polling = await startPollingServer({dialect, respond: OK, ...UNCHECKED});
    server = polling;
    const outcome = ask(polling.socket);
    await vi.waitFor(() => expect(polling.waiting()).toBe(1));
    polling.poll();
    expect((await outcome).bytes).toEqual(responseFrame(dialect, BLOCKED[dialect]));
    expect(polling.executed).toEqual([]);
  });

  it('polls by itself', async () => {
    server = await startPollingServer({dialect: 'json', respond: OK, interval: 5, ...UNCHECKED});
    const {bytes} = await ask(server.socket, requestFrame('json', 'lsctrl'));
    expect(bytes).toEqual(responseFrame('json', OK));
  });
});
