import {getEventListeners} from 'node:events';
import {readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {type AttemptResult, attempt} from '../../src/lib/client/attempt.ts';
import {type ClientEvent, ControlsClient, type ControlsClientOptions} from '../../src/lib/client/client.ts';
import {requestDecoder} from '../../src/lib/protocol/codec.ts';
import type {ServerIdentity} from '../../src/lib/protocol/message.ts';
import type {Frame} from '../../src/lib/protocol/plan.ts';
import {SystemCallError} from '../../src/lib/transport/libc.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';

vi.mock('../../src/lib/client/attempt.ts', () => ({attempt: vi.fn()}));

let directory: string;
let socket: string;
let events: ClientEvent[];

beforeEach(() => {
  directory = makeOwnHome();
  socket = join(directory, 'ctrls');
  writeFileSync(socket, '');
  events = [];
  vi.mocked(attempt).mockReset();
});
afterEach(() => removeOwnHome(directory));

const clientOf = (options: ControlsClientOptions = {}) =>
  new ControlsClient({socket, cache: null, onEvent: (event) => events.push(event), ...options});

const SENT = {status: 0, responses: ['message sent']};
const SERVE: ServerIdentity = {version: '9.9.9', maxRequest: 65536};
const answered = (dialect: 'json' | 'binary', server?: ServerIdentity): AttemptResult => ({
  kind: 'answered',
  dialect,
  response: server ? {...SENT, server} : SENT,
});
const refused = (bound: boolean, ...dialects: ('json' | 'binary')[]): AttemptResult => ({
  kind: 'refused',
  bound,
  dialects,
});

/** What the attempts come to, in turn. */
function results(...script: AttemptResult[]): void {
  for (const result of script) {
    vi.mocked(attempt).mockImplementationOnce(async (_socket, frames, _signal, onSent) => {
      if (result.kind !== 'no-slot') onSent?.(frames.map(({dialect}) => dialect));
      return result;
    });
  }
}

const requestIn = ({bytes}: Frame) => {
  const decoder = requestDecoder(65536);
  decoder.push(bytes);
  return decoder.end().message;
};
/** The dialects of each attempt so far. */
const tried = () => vi.mocked(attempt).mock.calls.map(([, frames]) => frames.map(({dialect}) => dialect));
const requests = () => vi.mocked(attempt).mock.calls.map(([, [frame]]) => requestIn(frame!));

describe('which dialects are tried next', () => {
  const blocked: AttemptResult = {kind: 'not-executed', dialect: 'json', reason: 'blocked connection'};
  test.each<[string, AttemptResult[], string[][]]>([
    ['an answer ends it', [answered('json')], [['json', 'binary']]],
    [
      'no slot: the same',
      [{kind: 'no-slot'}, answered('json')],
      [
        ['json', 'binary'],
        ['json', 'binary'],
      ],
    ],
    ['not executed: the dialect that said so', [blocked, answered('json')], [['json', 'binary'], ['json']]],
    [
      'only one was sent, and refused: the other',
      [refused(true, 'json'), answered('binary')],
      [['json', 'binary'], ['binary']],
    ],
    [
      'another dialect: that one',
      [blocked, {kind: 'other-dialect', dialect: 'binary'}, answered('binary')],
      [['json', 'binary'], ['json'], ['binary']],
    ],
  ])('%s', async (_name, script, dialects) => {
    results(...script);
    expect(await clientOf().request('help')).toMatchObject({...SENT, socket});
    expect(tried()).toEqual(dialects);
  });

  test.each([
    [
      'both refused, of a client that was bound',
      [refused(true, 'json', 'binary')],
      /systemd PrivateTmp.*ControlsLog/,
    ],
    ['both refused, without a path', [refused(false, 'json', 'binary')], /\/tmp cannot be written to/],
    [
      'each answers in the other: no third attempt',
      [
        {kind: 'not-executed', dialect: 'json', reason: 'x'},
        {kind: 'other-dialect', dialect: 'binary'},
        {kind: 'other-dialect', dialect: 'json'},
      ] as AttemptResult[],
      /systemd PrivateTmp/,
    ],
  ])('none is left: %s', async (_name, script, hint) => {
    results(...script);
    await expect(clientOf().request('help')).rejects.toMatchObject({
      code: 'NO_ANSWER',
      message: 'the server closed the connection without an answer',
      hint: expect.stringMatching(hint) as string,
    });
    expect(tried()).toHaveLength(script.length);
  });

  test('silence of ftpdctl serve is no sign of the wrong dialect', async () => {
    results(answered('json', SERVE), refused(false, 'json'));
    const client = clientOf();
    await client.request('help');
    await expect(client.request('help')).rejects.toMatchObject({
      code: 'NO_ANSWER',
      hint: expect.stringMatching(/PrivateTmp/) as string,
    });
    expect(tried()).toEqual([['json', 'binary'], ['json']]);
  });
});

describe('what is told', () => {
  test('every step, with what was tried and why again', async () => {
    results(
      {kind: 'no-slot'},
      {kind: 'not-executed', dialect: 'binary', reason: 'blocked connection'},
      {kind: 'other-dialect', dialect: 'json'},
      answered('json'),
    );
    await clientOf().message(['all'], 'hi');
    expect(events).toEqual([
      {kind: 'contacting', socket},
      {kind: 'retrying', reason: 'the server has no free slot'},
      {kind: 'sending', action: 'msg', dialects: ['json', 'binary']},
      {kind: 'retrying', reason: 'blocked connection'},
      {kind: 'sending', action: 'msg', dialects: ['binary']},
      {kind: 'sending', action: 'msg', dialects: ['json']},
      {kind: 'answered', dialect: 'json', status: 0},
    ]);
  });

  test('that the server was asked who it is, before what only ftpdctl serve takes', async () => {
    results(answered('json', SERVE), answered('json', SERVE));
    await clientOf().message(['all'], 'grüße');
    expect(events.filter(({kind}) => kind === 'sending')).toEqual([
      {kind: 'sending', action: 'help', dialects: ['json', 'binary']},
      {kind: 'sending', action: 'msg', dialects: ['json']},
    ]);
  });

  test('nothing, without a listener', async () => {
    results(answered('json'));
    await expect(new ControlsClient({socket, cache: null}).request('help')).resolves.toMatchObject(SENT);
  });
});

describe('what is sent', () => {
  test('an action without arguments has none', async () => {
    results(answered('json'));
    await clientOf().request('lsctrl');
    expect(requests()).toEqual([{action: 'lsctrl', args: []}]);
  });

  test('keys beside the arguments: to ftpdctl serve, not to a server that is unknown', async () => {
    results(answered('json', SERVE), answered('json', SERVE));
    const client = clientOf();
    await client.request('who', [], {verbose: true});
    await client.request('who', ['x'], {verbose: true});
    expect(requests()).toEqual([
      {action: 'who', args: []},
      {action: 'who', args: ['x'], options: {verbose: true}},
    ]);
  });

  test('a server that cannot be remembered is asked once who it is, and gets no more', async () => {
    rmSync(socket);
    results(answered('json', SERVE));
    await expect(clientOf().message(['all'], 'grüße')).rejects.toMatchObject({code: 'REFUSED_NON_ASCII'});
    expect(requests()).toEqual([{action: 'help', args: []}]);
  });

  test('who the server is, is asked once', async () => {
    results(answered('json', SERVE));
    const client = clientOf();
    expect(await client.detectServer()).toEqual({dialect: 'json', serve: SERVE});
    expect(await client.identify()).toEqual(SERVE);
    expect(requests()).toEqual([{action: 'help', args: []}]);
  });
});

describe('where it is remembered', () => {
  test('in the cache directory of the environment', async () => {
    results(answered('json'), answered('json'));
    const options = {socket, env: {XDG_CACHE_HOME: directory, HOME: '/nonexistent'}};
    await new ControlsClient(options).request('help');
    await new ControlsClient(options).request('help');
    expect(tried()).toEqual([['json', 'binary'], ['json']]);
    expect(readdirSync(join(directory, 'ftpdctl'))).toHaveLength(1);
  });

  test('not there, when another is given', async () => {
    results(answered('json'));
    await clientOf({cache: join(directory, 'own'), env: {XDG_CACHE_HOME: directory}}).request('help');
    expect(readdirSync(join(directory, 'own'))).toHaveLength(1);
    expect(readdirSync(directory)).not.toContain('ftpdctl');
  });
});

describe('giving up', () => {
  test('has the reason of the caller as its cause', async () => {
    const reason = new Error('enough');
    await expect(clientOf({signal: AbortSignal.abort(reason)}).request('help')).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'the request was given up',
      cause: reason,
    });
    expect(events).toEqual([]);
  });

  test('while it waits to try again', async () => {
    vi.mocked(attempt).mockResolvedValue({kind: 'no-slot'});
    const controller = new AbortController();
    const onEvent = ({kind}: ClientEvent) => {
      if (kind === 'retrying') controller.abort(new Error('enough'));
    };
    await expect(clientOf({signal: controller.signal, onEvent}).request('help')).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(tried()).toHaveLength(1);
  });

  test('leaves no listener behind, however it ends', async () => {
    const {signal} = new AbortController();
    results(answered('json'));
    await clientOf({signal}).request('help');
    vi.mocked(attempt).mockRejectedValueOnce(new Error('a fault'));
    await expect(clientOf({signal}).request('help')).rejects.toThrow('a fault');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('leaves no timer behind', async () => {
    vi.useFakeTimers();
    try {
      results(answered('json'));
      await clientOf().request('help');
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['ECONNREFUSED', 'SOCKET_STALE'],
    ['EACCES', 'SOCKET_FORBIDDEN'],
    ['ENAMETOOLONG', 'BAD_SOCKET_PATH'],
  ])('at a socket that fails with %s', async (errno, code) => {
    vi.mocked(attempt).mockRejectedValueOnce(new SystemCallError('connect', errno));
    await expect(clientOf().request('help')).rejects.toMatchObject({name: 'ClientError', code});
    expect(events).toMatchObject([{kind: 'contacting'}, {kind: 'unreachable', socket}]);
  });
});
