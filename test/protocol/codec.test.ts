import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  encodeRequest,
  encodeResponse,
  requestDecoder,
  responseDecoder,
} from '../../src/lib/protocol/codec.ts';
import {ProtocolError} from '../../src/lib/protocol/errors.ts';
import type {Dialect} from '../../src/lib/protocol/message.ts';
import {exitStatusOf, normalizeStatus, STATUS, statusName} from '../../src/lib/protocol/status.ts';

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
        for (const piece of pieces(Buffer.concat([encodeRequest(spoken, request), tail]), cuts))
          decoder.push(piece);
        expect(decoder.end()).toEqual({dialect: spoken, message: request});
        expect(Buffer.concat([decoder.rest]).length).toBeLessThanOrEqual(tail.length);
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
      try {
        decoder.push(Buffer.from(bytes));
        decoder.end();
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    {numRuns: 2000},
  );
});

test('lengths are refused before their bytes are awaited', () => {
  const tooLong: [string, Buffer][] = [
    ['JSON of 1025 bytes', Buffer.from('01040000', 'hex')],
    ['33 strings', Buffer.from('0000000021000000', 'hex')],
    ['2³²−1 strings', Buffer.from('00000000ffffffff', 'hex')],
    ['an action of 128 bytes', Buffer.from('000000000100000080000000', 'hex')],
  ];
  for (const [name, bytes] of tooLong) {
    expect(() => requestDecoder(1024).push(bytes), name).toThrow(
      expect.objectContaining({code: 'PROTOCOL_TOO_LONG'}) as Error,
    );
  }
});

test('who answers travels under one extra key', () => {
  const server = {version: '1.2.3', maxRequest: 65536, details: {recipients: 2}};
  const decoder = responseDecoder();
  decoder.push(encodeResponse('json', {status: 0, responses: ['message sent'], server}));
  expect(decoder.end().message.server).toEqual(server);
});

test('a line too long for the stock client is cut between characters', () => {
  const decoder = responseDecoder();
  decoder.push(encodeResponse('binary', {status: 0, responses: ['é'.repeat(600)]}));
  expect(decoder.end().message.responses).toEqual(['é'.repeat(511)]);
});

test('statuses have names, and exit statuses are their negatives', () => {
  for (const [name, status] of Object.entries(STATUS)) {
    expect(statusName(status)).toBe(name);
    expect(exitStatusOf(status)).toBe(status === 0 ? 0 : -status);
  }
  expect([5, -11, -300].map(normalizeStatus)).toEqual([0, -1, -1]);
});
