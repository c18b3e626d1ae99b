import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {logicalLines, quoteWord, words} from '../../src/lib/config/lexer.ts';
import {aclItems, listItems} from '../../src/lib/config/values.ts';

const environment: Readonly<Record<string, string>> = {
  X: 'a b',
  Y: '#z',
  Q: '"a',
  DOT: '%{env:X}',
  'X Y': 'v',
  EMPTY: '',
};
const split = (text: string) => words(text, (name) => environment[name]);

/** What ProFTPD 1.3.8 makes of a line (measured with directives that echo their parameters). */
const LINES: readonly [string, readonly string[]][] = [
  ['Name "zz/a b" k', ['Name', 'zz/a b', 'k']],
  ['Name "a\\"b" k', ['Name', 'a"b', 'k']],
  ['Name a\\ b', ['Name', 'a\\', 'b']],
  ['Name a\\\\b k', ['Name', 'a\\\\b', 'k']],
  ['Name "a\\\\b" k', ['Name', 'a\\b', 'k']],
  ['Name "a\\nb" k', ['Name', 'anb', 'k']],
  ['Name "ab k', ['Name', 'ab k']],
  ['Name "ab\\', ['Name', 'ab']],
  ['Name "ab\\"', ['Name', 'ab"']],
  ['Name "', ['Name', '']],
  ['Name ""a k', ['Name', '', 'a', 'k']],
  ['Name a"b" k', ['Name', 'a"b"', 'k']],
  ['Name a"b c" k', ['Name', 'a"b', 'c"', 'k']],
  ['Name "a"b k', ['Name', 'a', 'b', 'k']],
  ['Name "a" "b"', ['Name', 'a', 'b']],
  ["Name 'a b' k", ['Name', "'a", "b'", 'k']],
  ['Name a#b k', ['Name', 'a#b', 'k']],
  ['Name a #b k', ['Name', 'a']],
  ['Name "a"#b k', ['Name', 'a']],
  ['Name \\#a b', ['Name', '\\#a', 'b']],
  ['Name "#a" b', ['Name', '#a', 'b']],
  ['# Name a', []],
  [' \t Name \t a\v\fb \r', ['Name', 'a', 'b']],
  ['Name é\u00a0ü', ['Name', 'é\u00a0ü']],
  ['', []],
  ['   ', []],
  ['Name a%{env:X} k', ['Name', 'aa b', 'k']],
  ['Name "a%{env:X}" k', ['Name', 'aa b', 'k']],
  ['Name %{env:NONE} k', ['Name', '', 'k']],
  ['Name a%{env:EMPTY}/%{env:X} k', ['Name', 'a/a b', 'k']],
  ['Name %{env:Q} k', ['Name', '"a', 'k']],
  ['Name %{env:Y} k', ['Name', '#z', 'k']],
  ['Name a%{env:X k', ['Name', 'a%{env:X', 'k']],
  ['Name a%{ENV:X} k', ['Name', 'a%{ENV:X}', 'k']],
  ['Name %{foo:X} %{env:} k', ['Name', '%{foo:X}', '%{env:}', 'k']],
  ['Name "%{env:X Y}" k', ['Name', 'v', 'k']],
  ['Name \\%{env:X} k', ['Name', '\\a b', 'k']],
];

describe('words', () => {
  test.each(LINES)('%j', (line, expected) => {
    expect(split(line)).toEqual(expected);
  });

  test('a value of the environment is taken as it is (1.3.8 would look into it again)', () => {
    expect(split('Name %{env:DOT}')).toEqual(['Name', '%{env:X}']);
  });

  test.each([
    ['aV#', 'aV#'],
    ['#a', '"#a"'],
    ['', '""'],
    ...[...' \t\v\f\r'].map((space): [string, string] => [`a${space}b`, `"a${space}b"`]),
    ...[...' \t\v\f\r'].map((space): [string, string] => [`${space}b`, `"${space}b"`]),
    ['a"b', '"a\\"b"'],
    ['a\\b', '"a\\\\b"'],
  ])('%j is written as %j', (word, written) => {
    expect(quoteWord(word)).toBe(written);
    expect(split(written)).toEqual([word]);
  });

  test('a quoted word comes back as it was', () => {
    const line = fc
      .string({unit: 'grapheme'})
      .filter((text) => !/[\n\0]/.test(text) && !text.includes('%{env:'));
    fc.assert(
      fc.property(fc.array(line), (all) => {
        expect(split(all.map(quoteWord).join(' '))).toEqual(all);
      }),
    );
  });
});

/** Measured on 1.3.8, with the line that its messages name. */
const TEXTS: readonly [string, readonly [string, number][]][] = [
  [
    'a\nb',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  [
    'a\r\nb\r\r',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  ['a \\\nb', [['a b', 2]]],
  ['a\\\nb', [['ab', 2]]],
  [
    'a\\\n\\\nb\nc',
    [
      ['ab', 3],
      ['c', 4],
    ],
  ],
  [
    'a \\ \nb',
    [
      ['a \\ ', 1],
      ['b', 2],
    ],
  ],
  [
    'a \\\r\nb',
    [
      ['a \\', 1],
      ['b', 2],
    ],
  ],
  ['a\\\\\nb', [['a\\b', 2]]],
  ['a \\', [['a ', 1]]],
  ['# a \\\nb', [['b', 2]]],
  // A comment only where the line begins with it.
  ['a # x \\\nb', [['a # x b', 2]]],
  ['a#x\\\nb', [['a#xb', 2]]],
  ['a \\\nb # x \\\nc', [['a b # x c', 3]]],
  ['  # a \\\nb', [['b', 2]]],
  [' \t\v\f\r# a \\\nb', [['b', 2]]],
  ['V# a \\\nb', [['V# a b', 2]]],
  ['a\rb\r', [['a\rb', 1]]],
  ['a \\\n # x \\\nb', [['a b', 3]]],
  [
    'a \\\n# x\nb',
    [
      ['a # x', 2],
      ['b', 3],
    ],
  ],
  [
    'a \\\n\nb',
    [
      ['a ', 2],
      ['b', 3],
    ],
  ],
  [
    'a\0x\nb',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
];

describe('logical lines', () => {
  test.each(TEXTS)('%j', (text, expected) => {
    expect([...logicalLines(text)].map(({text: line, line: number}) => [line, number])).toEqual(expected);
  });

  test('what a NUL byte cuts off is said', () => {
    expect([...logicalLines('a\0x\nb')].map(({truncated}) => truncated)).toEqual([true, false]);
  });
});

/** What 1.3.8 makes of a list of actions (measured: it names the first it does not know), beyond what follows. */
describe('the items of an ACL list with quotes in it', () => {
  test.each<[string, readonly string[]]>([
    ['"u1",u2', ['u1', '', 'u2']],
    ['"u1"', ['u1']],
    ['"u1"u2', ['u1', 'u2']],
    ['"u1""u2"', ['u1', 'u2']],
    ['"u1 u2"', ['u1 u2']],
    ['"u1,u2",u3', ['u1', 'u2"', 'u3']],
    ['"u1', ['u1']],
    ['a"u1"', ['a"u1"']],
    ['u1,"u2"', ['u1', 'u2']],
    ['u1 "u2"', ['u1', 'u2']],
    ['""', ['']],
    ['"" u1', ['', 'u1']],
    ['"a\\\\"b",x', ['a\\', 'b"', 'x']],
    ['"a\\"b",x', ['a"b', '', 'x']],
    ['a\\b,x', ['a\\b', 'x']],
    ['"msg"  ,x', ['msg', '', 'x']],
    ['#x', ['#x']],
  ])('%s', (word, expected) => expect(aclItems(word)).toEqual(expected));

  test('end for every text', () => {
    fc.assert(
      fc.property(fc.string({unit: fc.constantFrom('"', '\\', ',', ' ', 'a')}), (word) => {
        expect(aclItems(word).length).toBeLessThanOrEqual(word.length);
      }),
    );
  });
});

describe('the items of a list', () => {
  test.each([
    ['a,b', ['a', 'b']],
    ['a b\tc', ['a', 'b', 'c']],
    ['a\vb\nc\fd\re', ['a', 'b', 'c', 'd', 'e']],
    ['aVb', ['aVb']],
    ['a \v\t b', ['a', 'b']],
    ['\v a', ['a']],
    ['a, b', ['a', 'b']],
    ['  a  b ', ['a', 'b']],
    ['a,', ['a']],
    ['a,,b', ['a', '', 'b']],
    ['a ,b', ['a', '', 'b']],
    [',', ['']],
    ['', []],
    [' ', []],
  ])('%j', (word, expected) => {
    expect(listItems(word)).toEqual(expected);
    expect(aclItems(word)).toEqual(expected);
  });
});
