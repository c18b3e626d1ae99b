import {expect, test} from 'vitest';
import {CONTROLS, codePointName, escapeControls, escapeJsonControls} from '../src/lib/text.ts';

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
