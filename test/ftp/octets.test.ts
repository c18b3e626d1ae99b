import fc from 'fast-check';
import {expect, test} from 'vitest';
import {octetsOf, readableText, textOf} from '../../src/lib/ftp/octets.ts';

test.each([
  ['UTF-8', Buffer.from('é☃😀'), 'é☃😀'],
  ['latin1', Buffer.from('caf\xe9', 'latin1'), 'caf\udce9'],
  ['both', Buffer.from('\xe9\xc3\xa9\xff', 'latin1'), '\udce9é\udcff'],
  ['half a character', Buffer.from('\xe2\x98', 'latin1'), '\udce2\udc98'],
  ['longer than need be', Buffer.from('\xc0\x80', 'latin1'), '\udcc0\udc80'],
  ['a surrogate', Buffer.from('\xed\xb3\xa9', 'latin1'), '\udced\udcb3\udca9'],
  ['a byte order mark', Buffer.from('\xef\xbb\xbfa', 'latin1'), '\ufeffa'],
])('%s', (_name, octets, text) => {
  expect(textOf(octets)).toBe(text);
  expect(octetsOf(text)).toEqual(octets);
});

test('whatever the octets, they come back, and as text they can be shown', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({maxLength: 4}),
      fc.string().map((text) => Buffer.from(text)),
    ),
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      const octets = Buffer.concat(parts);
      expect(octetsOf(textOf(octets))).toEqual(octets);
      expect(readableText(textOf(octets)).isWellFormed()).toBe(true);
    }),
  );
});
