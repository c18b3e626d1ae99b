import {getEventListeners} from 'node:events';
import {beforeEach, describe, expect, test, vi} from 'vitest';
import {attempt} from '../../src/lib/client/attempt.ts';
import {encodeResponse} from '../../src/lib/protocol/codec.ts';
import type {Dialect} from '../../src/lib/protocol/message.ts';
import {SystemCallError} from '../../src/lib/transport/libc.ts';
import {type ControlsConnection, openConnection} from '../../src/lib/transport/sockets/connection.ts';

vi.mock('../../src/lib/transport/sockets/connection.ts', () => ({openConnection: vi.fn()}));

/** Connections that are open, by their paths. */
const open = new Set<string>();

/** A connection on which these pieces come, before the server closes. */
function answering(path: string | undefined, ...pieces: Buffer[]): ControlsConnection {
  const name = path ?? 'no path';
  open.add(name);
  return {
    path,
    close: () => void open.delete(name),
    block: () => {},
    async read(take) {
      for (const piece of pieces) if (open.has(name) && take(piece)) break;
      return {kind: 'closed'};
    },
  };
}

/** A connection on which nothing comes before it is closed here. */
function silent(path: string): ControlsConnection {
  open.add(path);
  let settle = () => {};
  return {
    path,
    close() {
      open.delete(path);
      settle();
    },
    block: () => {},
    read: () =>
      new Promise((resolve) => {
        settle = () => resolve({kind: 'closed'});
      }),
  };
}

/** What each connection in turn is to be, or how it fails. */
function connections(...script: (ControlsConnection | string)[]): void {
  for (const step of script) {
    vi.mocked(openConnection).mockImplementationOnce(() => {
      if (typeof step === 'string') throw new SystemCallError('connect', step);
      return step;
    });
  }
}

const SENT = {status: 0, responses: ['message sent']};
const frames = (['json', 'binary'] as const).map((dialect) => ({dialect, bytes: Buffer.from(dialect)}));
const json = encodeResponse('json', SENT);
const binary = encodeResponse('binary', SENT);
const signal = () => new AbortController().signal;
const tried = () => vi.mocked(openConnection).mock.calls;

beforeEach(() => {
  vi.mocked(openConnection).mockReset();
  open.clear();
});

describe('what is sent', () => {
  test('each frame on a connection of its own, of which only the first may be without a path', async () => {
    connections(answering('/tmp/a', json), answering('/tmp/b'));
    expect(await attempt('/s', frames, signal())).toEqual({
      kind: 'answered',
      dialect: 'json',
      response: SENT,
    });
    expect(tried()).toEqual([
      ['/s', frames[0]!.bytes, false],
      ['/s', frames[1]!.bytes, true],
    ]);
  });

  test('no second frame where the first has no path: ftpdctl serve would carry out both', async () => {
    connections(answering(undefined, json), answering('/tmp/b'));
    await attempt('/s', frames, signal());
    expect(tried()).toHaveLength(1);
  });

  test.each(['EAGAIN', 'EPIPE', 'ECONNRESET'])('nothing, where the first finds no slot: %s', async (code) => {
    connections(code);
    expect(await attempt('/s', frames, signal())).toEqual({kind: 'no-slot'});
    expect(tried()).toHaveLength(1);
  });

  test.each(['EACCES', 'ENOENT'])('%s of the first is for the caller', async (code) => {
    connections(code);
    await expect(attempt('/s', frames, signal())).rejects.toMatchObject({code});
  });

  test.each(['EAGAIN', 'EACCES', 'ENOENT'])('%s of the second leaves the first standing', async (code) => {
    connections(answering('/tmp/a', json), code);
    expect(await attempt('/s', frames, signal())).toMatchObject({kind: 'answered'});
  });

  test('a fault of our own is not taken for a lack of slots', async () => {
    vi.mocked(openConnection).mockImplementation(() => {
      throw new TypeError('a fault');
    });
    await expect(attempt('/s', frames, signal())).rejects.toThrow(TypeError);
  });

  test('nothing, when the caller has given up', async () => {
    await expect(attempt('/s', frames, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
    expect(tried()).toEqual([]);
  });
});

describe('what comes of it', () => {
  const blocked = {status: -8, responses: ['blocked connection']};
  const one = (dialect: Dialect) => frames.filter((frame) => frame.dialect === dialect);
  test.each([
    [
      'an answer in pieces',
      'json',
      [json.subarray(0, 3), json.subarray(3)],
      {kind: 'answered', dialect: 'json'},
    ],
    ['an answer and more', 'binary', [Buffer.concat([binary, json])], {kind: 'answered', dialect: 'binary'}],
    ['another dialect', 'binary', [json], {kind: 'other-dialect', dialect: 'json'}],
    [
      'no execution',
      'json',
      [encodeResponse('json', blocked)],
      {kind: 'not-executed', dialect: 'json', reason: 'blocked connection'},
    ],
    ['nothing', 'json', [], {kind: 'refused', dialects: ['json'], bound: true}],
  ] as const)('%s', async (_name, dialect, pieces, result) => {
    connections(answering('/tmp/a', ...pieces));
    expect(await attempt('/s', one(dialect), signal())).toMatchObject(result);
  });

  test.each([
    [['/tmp/a', '/tmp/b'], true, 2],
    [[undefined, '/tmp/b'], false, 1],
  ])('silence on %j says whether the client was bound: %s', async (paths, bound, count) => {
    connections(...paths.map((path) => answering(path)));
    const dialects = frames.slice(0, count).map(({dialect}) => dialect);
    expect(await attempt('/s', frames, signal())).toEqual({kind: 'refused', dialects, bound});
  });

  test('the answer of one, whatever the other does', async () => {
    connections(answering('/tmp/a'), answering('/tmp/b', binary));
    expect(await attempt('/s', frames, signal())).toMatchObject({kind: 'answered', dialect: 'binary'});
  });

  test('an answer to the wrong one of two is none', async () => {
    connections(answering('/tmp/a', binary), answering('/tmp/b', json));
    expect(await attempt('/s', frames, signal())).toMatchObject({kind: 'refused'});
  });

  test.each([
    ['breaks off', [json.subarray(0, 9)], undefined],
    ['breaks off in its first word', [json.subarray(0, 1)], undefined],
    ['is none', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], {code: 'PROTOCOL_TOO_LONG'}],
  ])('an answer that %s is lost: the request may have been carried out', async (_name, pieces, cause) => {
    connections(answering('/tmp/a', ...pieces), answering('/tmp/b'));
    await expect(attempt('/s', frames, signal())).rejects.toMatchObject({
      code: 'ANSWER_LOST',
      message: expect.stringMatching(/broke off or is no answer/) as string,
      hint: expect.stringMatching(/may have been carried out: look before you send it again/) as string,
      ...(cause ? {cause: expect.objectContaining(cause) as Error} : {}),
    });
  });

  test('an answer that is none is read no further', async () => {
    const rest = vi.fn();
    const connection = answering('/tmp/a', Buffer.from('HTTP/1.1'));
    const read: ControlsConnection['read'] = async (take) => {
      if (!take(Buffer.from('HTTP/1.1'))) rest();
      return {kind: 'closed'};
    };
    connections({...connection, read});
    await expect(attempt('/s', one('json'), signal())).rejects.toMatchObject({code: 'ANSWER_LOST'});
    expect(rest).not.toHaveBeenCalled();
  });
});

describe('what is left', () => {
  test.each([
    ['an answer', () => [answering('/tmp/a', json), silent('/tmp/b')]],
    ['silence', () => [answering('/tmp/a'), answering('/tmp/b')]],
    ['a lost answer', () => [answering('/tmp/a', json.subarray(0, 9)), silent('/tmp/b')]],
  ])('after %s: no connection, no listener', async (_name, script) => {
    connections(...script());
    const controller = new AbortController();
    await attempt('/s', frames, controller.signal).catch(() => {});
    expect([...open]).toEqual([]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('after the caller has given up: no connection, and the reason', async () => {
    connections(silent('/tmp/a'), silent('/tmp/b'));
    const controller = new AbortController();
    const waiting = attempt('/s', frames, controller.signal);
    controller.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    expect([...open]).toEqual([]);
  });
});
