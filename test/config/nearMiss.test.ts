import {expect, test} from 'vitest';
import {nearMiss} from '../../src/lib/config/nearMiss.ts';

test.each<[string, readonly string[], string | undefined]>([
  ['MSG', ['msg'], 'msg'],
  // Of a short word one slip is much, and two are another word.
  ['msx', ['msg'], 'msg'],
  ['mxx', ['msg'], undefined],
  ['ms', ['msg'], 'msg'],
  ['kixx', ['kick'], 'kick'],
  ['kxxx', ['kick'], undefined],
  // The nearest; of equals the first.
  ['kicl', ['kixx', 'kick', 'kxck'], 'kick'],
  ['kick', ['kicka', 'kickb', 'kicxx'], 'kicka'],
  // Two letters that changed places are one slip, wherever they stand.
  ['mgs', ['msg'], 'msg'],
  ['smg', ['msg'], 'msg'],
  ['ikck', ['kick'], 'kick'],
  ['staust', ['status'], 'status'],
  ['tsatsu', ['status'], 'status'],
  ['gsm', ['msg'], undefined],
  ['xm', ['ms'], undefined],
  ['sx', ['ms'], undefined],
  ['sgm', ['msg'], undefined],
  ['', ['msg'], undefined],
])('%j among %j: %j', (word, known, expected) => {
  expect(nearMiss(word, known)).toBe(expected);
});
