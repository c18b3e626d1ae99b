import {expect, test} from 'vitest';
import {printable, printableJson} from '../../../src/lib/cli/output/printable.ts';

test.each([
  ['plain text, é ☃ 😀', 'plain text, é ☃ 😀'],
  ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
  ['two\r\nlines\t', 'two\\x0d\\x0alines\\x09'],
  ['\u009b31m\u007f', '\\x9b31m\\x7f'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
])('%j', (text, shown) => expect(printable(text)).toBe(shown));

test('JSON that has passed through stays the same value, and nothing in it moves a terminal', () => {
  const value = {line: 'a\u009b31m\u007f\u202eb\nc\u001b é'};
  const json = printableJson(JSON.stringify(value, undefined, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toMatch(/^[ -~\né]+$/);
});
