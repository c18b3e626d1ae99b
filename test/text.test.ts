import {expect, test} from 'vitest';
import {CONTROLS, codePointName, escapeControls, escapeJsonControls, nearMiss} from '../src/lib/text.ts';

const ALL = 'a\0\t\n\x1b\x7f\x9b\u2028\u202e\u061cé😀';

test.each([
  ['ascii', 'a\\x00\\x09\\x0a\\x1b\\x7f\x9b\u2028\u202e\u061cé😀'],
  ['reply', 'a\\x00\\x09\\x0a\\x1b\\x7f\\x9b\u2028\u202e\u061cé😀'],
  ['line', 'a\\x00\\x09\\x0a\\x1b\\x7f\\x9b\\u2028\u202e\u061cé😀'],
  ['terminal', 'a\\x00\\x09\\x0a\\x1b\\x7f\\x9b\\u2028\\u202e\\u061cé😀'],
] as const)('the set "%s", spelled out', (set, escaped) => {
  expect(escapeControls(ALL, CONTROLS[set])).toBe(escaped);
  // Nothing is remembered from one text to the next.
  expect(escapeControls(ALL, CONTROLS[set])).toBe(escaped);
});

test('JSON keeps its line feeds and its meaning', () => {
  const json = JSON.stringify({text: 'a\x9b\u202eb'}, undefined, 2);
  const escaped = escapeJsonControls(json, CONTROLS.terminal);
  expect(escaped).toBe('{\n  "text": "a\\u009b\\u202eb"\n}');
  expect(JSON.parse(escaped)).toEqual(JSON.parse(json));
});

test.each([
  ['\n', 'U+000A'],
  ['\u202e', 'U+202E'],
  ['😀', 'U+1F600'],
])('the name of %j is %s', (character, name) => expect(codePointName(character)).toBe(name));

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
