import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
  encodeRequest,
  encodeResponse,
  requestDecoder,
  responseDecoder,
} from '../../src/lib/protocol/codec.ts';
import {ProtocolError} from '../../src/lib/protocol/frame.ts';
import {
  type Dialect,
  exitStatusOf,
  normalizeStatus,
  STATUS,
  statusName,
} from '../../src/lib/protocol/message.ts';

const dialect = fc.constantFrom<Dialect>('binary', 'json');
const text = fc.string({unit: 'grapheme', maxLength: 40});

/** Any cut of the bytes into pieces. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

test('a request survives any dialect and any pieces; what follows it stays in rest', () => {
  fc.assert(
    fc.property(
      dialect,
      fc.record({action: text, args: fc.array(text, {maxLength: 20})}),
      fc.array(fc.nat()),
      fc.uint8Array({maxLength: 9}),
      (spoken, request, cuts, tail) => {
        const decoder = requestDecoder(65536);
        const parts = pieces(Buffer.concat([encodeRequest(spoken, request), tail]), cuts);
        const last = parts.findIndex((piece) => decoder.push(piece) !== undefined);
        expect(decoder.end()).toEqual({dialect: spoken, message: request});
        expect(Buffer.concat([decoder.rest, ...parts.slice(last + 1)])).toEqual(Buffer.from(tail));
      },
    ),
  );
});

test('a response survives any dialect and any pieces', () => {
  fc.assert(
    fc.property(
      dialect,
      fc.record({status: fc.integer({min: -8, max: 0}), responses: fc.array(text, {maxLength: 20})}),
      fc.array(fc.nat()),
      (spoken, response, cuts) => {
        const decoder = responseDecoder();
        for (const piece of pieces(encodeResponse(spoken, response), cuts)) decoder.push(piece);
        expect(decoder.end()).toEqual({dialect: spoken, message: response});
      },
    ),
  );
});

test('no bytes do more than be refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 200}), fc.boolean(), (bytes, request) => {
      const decoder = request ? requestDecoder(1024) : responseDecoder();
      const outcome = attempt(() => {
        decoder.push(Buffer.from(bytes));
        return decoder.end();
      });
      expect(outcome instanceof ProtocolError || 'dialect' in (outcome as object)).toBe(true);
    }),
    {numRuns: 2000},
  );
});

/** What a call returns, or what it throws. */
function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

const words = (...values: number[]) => Buffer.from(Int32Array.from(values).buffer);
const request = () => requestDecoder(1024);

describe('lengths are refused before their bytes are awaited, with their limit', () => {
  test.each([
    ['a request of JSON', request, words(1025), 'a request of 1025 bytes, the limit is 1024'],
    [
      'a request of a negative length',
      request,
      words(-1),
      'a request of 4294967295 bytes, the limit is 1024',
    ],
    ['33 strings', request, words(0, 33), 'a request of 33 words, the limit is 32'],
    ['2³²−1 strings', request, words(0, -1), 'a request of 4294967295 words, the limit is 32'],
    ['an action', request, words(0, 1, 128), 'an action of 128 bytes, the limit is 127'],
    [
      'an argument',
      request,
      Buffer.concat([words(0, 2, 1), Buffer.from('a'), words(257)]),
      'an argument of 257 bytes, the limit is 256',
    ],
    [
      'a response of JSON',
      responseDecoder,
      words(2 ** 20 + 1),
      'a response of 1048577 bytes, the limit is 1048576',
    ],
    ['1025 lines', responseDecoder, words(0, 1025), 'a response of 1025 lines, the limit is 1024'],
    ['2³²−1 lines', responseDecoder, words(-1, -1), 'a response of 4294967295 lines, the limit is 1024'],
    ['a line', responseDecoder, words(0, 1, 1024), 'a line of 1024 bytes, the limit is 1023'],
  ] as const)('%s', (_name, decoder, bytes, message) => {
    expect(attempt(() => decoder().push(bytes))).toMatchObject({
      name: 'ProtocolError',
      code: 'PROTOCOL_TOO_LONG',
      exitStatus: 1,
      message,
    });
  });

  test.each([
    ['a request of JSON', request, words(1024)],
    ['32 strings', request, words(0, 32)],
    ['an action', request, words(0, 1, 127)],
    ['an argument', request, Buffer.concat([words(0, 2, 1), Buffer.from('a'), words(256)])],
    ['a response of JSON', responseDecoder, words(2 ** 20)],
    ['1024 lines', responseDecoder, words(0, 1024)],
    ['a line', responseDecoder, words(0, 1, 1023)],
  ] as const)('%s at the limit is awaited', (_name, decoder, bytes) => {
    expect(decoder().push(bytes)).toBeUndefined();
  });
});

const json = (text: string) => {
  const body = Buffer.from(text);
  return Buffer.concat([words(body.length), body]);
};

describe('what is no frame is malformed', () => {
  const NOT_A_REQUEST = 'the request has no "action" with a list of texts as "args"';
  const NO_STATUS = 'the response has no whole number as its "status"';
  const NO_RESPONSES = 'the response has no list of texts as its "responses"';
  test.each([
    ['no action', request, words(0, 0), 'a request without an action'],
    ['no JSON', request, json('{"action"'), 'the frame is not valid JSON'],
    ['an array', request, json('["action"]'), 'the frame is not a JSON object'],
    ['null', request, json('null'), 'the frame is not a JSON object'],
    ['a number', request, json('12345'), 'the frame is not a JSON object'],
    ['no action in JSON', request, json('{"args":[]}'), NOT_A_REQUEST],
    ['an action that is a number', request, json('{"action":1,"args":[]}'), NOT_A_REQUEST],
    ['no arguments', request, json('{"action":"msg"}'), NOT_A_REQUEST],
    ['an argument that is a number', request, json('{"action":"msg","args":["all",1]}'), NOT_A_REQUEST],
    [
      'an answer of an array',
      responseDecoder,
      json('[{"status":0,"responses":[]}]'),
      'the frame is not a JSON object',
    ],
    ['no status', responseDecoder, json('{"responses":["a","b","c"]}'), NO_STATUS],
    ['a status of text', responseDecoder, json('{"status":"0","responses":[]}'), NO_STATUS],
    ['half a status', responseDecoder, json('{"status":0.5,"responses":[]}'), NO_STATUS],
    ['no responses', responseDecoder, json('{"status":0,"response":["a"]}'), NO_RESPONSES],
    ['a response that is text', responseDecoder, json('{"status":0,"responses":"a"}'), NO_RESPONSES],
    ['a response of a number', responseDecoder, json('{"status":0,"responses":["a",1]}'), NO_RESPONSES],
  ] as const)('%s', (_name, decoder, bytes, message) => {
    expect(attempt(() => decoder().push(bytes))).toMatchObject({code: 'PROTOCOL_MALFORMED', message});
  });

  test('what JSON.parse has to say stays the cause', () => {
    expect(attempt(() => request().push(json('{"action"')))).toHaveProperty('cause', expect.any(SyntaxError));
  });

  test('a frame cut short', () => {
    const decoder = responseDecoder();
    decoder.push(words(0));
    expect(attempt(() => decoder.end())).toMatchObject({
      code: 'PROTOCOL_TRUNCATED',
      message: 'the connection closed in the middle of a frame',
    });
  });
});

describe('the decoder', () => {
  const frame = encodeResponse('binary', {status: 0, responses: ['a', 'b']});

  test('counts what it takes, and keeps what follows the frame', () => {
    const decoder = responseDecoder();
    expect(decoder.received).toBe(0);
    decoder.push(frame.subarray(0, 9));
    expect([decoder.received, decoder.rest.length]).toEqual([9, 0]);
    decoder.push(Buffer.concat([frame.subarray(9), Buffer.from('next')]));
    expect([decoder.received, decoder.rest.toString()]).toEqual([frame.length + 4, 'next']);
  });

  test('copies nothing of a frame that came in one piece', () => {
    const piece = Buffer.concat([frame, Buffer.from('next')]);
    const decoder = responseDecoder();
    decoder.push(piece);
    expect(decoder.rest.buffer).toBe(piece.buffer);
    expect(decoder.rest.byteOffset).toBe(piece.byteOffset + frame.length);
  });
});

describe('who answers travels under one extra key', () => {
  const server = {version: '1.2.3', maxRequest: 65536, details: {recipients: 2}};
  test('and comes out whole', () => {
    const decoder = responseDecoder();
    decoder.push(encodeResponse('json', {status: 0, responses: ['message sent'], server}));
    expect(decoder.end().message.server).toEqual(server);
  });

  // To take a ProFTPD for `ftpdctl serve` could crash it: nothing less than both facts will do.
  test.each([
    ['text', '"1.2.3"'],
    ['null', 'null'],
    ['an array', '["1.2.3",65536]'],
    ['no version', '{"maxRequest":65536}'],
    ['a version of a number', '{"version":1,"maxRequest":65536}'],
    ['no size', '{"version":"1.2.3"}'],
    ['a size of text', '{"version":"1.2.3","maxRequest":"65536"}'],
  ])('%s is not believed', (_name, key) => {
    const frame = responseDecoder().push(json(`{"status":0,"responses":["a"],"ftpdctl":${key}}`));
    expect(frame?.message).toEqual({status: 0, responses: ['a']});
  });

  test('and what a client asks beyond the arguments, too, when it is an object', () => {
    const options = request().push(json('{"action":"msg","args":[],"ftpdctl":{"dryRun":true}}'));
    expect(options?.message).toEqual({action: 'msg', args: [], options: {dryRun: true}});
    const none = request().push(json('{"action":"msg","args":[],"ftpdctl":[true]}'));
    expect(none?.message).toEqual({action: 'msg', args: []});
  });
});

describe('what the stock client does not take is cut', () => {
  const taken = (...responses: string[]) =>
    responseDecoder().push(encodeResponse('binary', {status: 0, responses}))?.message.responses;

  test.each([
    ['1023 bytes are not', 'x'.repeat(1023), 'x'.repeat(1023)],
    ['1024 bytes are', 'x'.repeat(1024), 'x'.repeat(1023)],
    ['two bytes', 'é'.repeat(600), 'é'.repeat(511)],
    ['four bytes', '😀'.repeat(256), '😀'.repeat(255)],
    ['three bytes that just fit', '☃'.repeat(342), '☃'.repeat(341)],
  ])('between characters: %s', (_name, line, cut) => {
    expect(taken(line)).toEqual([cut]);
  });

  test('after 1024 lines', () => {
    const lines = Array.from({length: 1025}, (_, i) => String(i));
    expect(taken(...lines)).toEqual(lines.slice(0, 1024));
  });
});

test('statuses have names, and exit statuses are their negatives', () => {
  for (const [name, status] of Object.entries(STATUS)) {
    expect(statusName(status)).toBe(name);
    expect(exitStatusOf(status)).toBe(status === 0 ? 0 : -status);
  }
  expect([5, -11, -300].map(normalizeStatus)).toEqual([0, -1, -1]);
});
