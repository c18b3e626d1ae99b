import {expect, test} from 'vitest';
import {printable} from '../../src/lib/cli/printable.ts';

test.each([
  ['plain text, é ☃ 😀', 'plain text, é ☃ 😀'],
  ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
  ['two\r\nlines\t', 'two\\x0d\\x0alines\\x09'],
  ['\u009b31m\u007f', '\\x9b31m\\x7f'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
])('%j', (text, shown) => expect(printable(text)).toBe(shown));
