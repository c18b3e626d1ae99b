import {expect, test} from 'vitest';
import {globMatcher} from '../../src/lib/config/source.ts';

/** Measured with glibc's fnmatch(3) and FNM_NOESCAPE. */
test.each([
  ['*', '.a', true],
  ['?', '.', true],
  ['**', 'a', true],
  ['{a,b}*', 'ax', false],
  ['{a,b}*', '{a,b}x', true],
  ['!a*', '!ab', true],
  ['!a*', 'xb', false],
  ['+(a|b)*', 'ab', false],
  ['+(a|b)*', '+(a|b)x', true],
  ['*(a)', 'a', false],
  ['*(a)', 'x(a)', true],
  ['a\\*', 'a*', false],
  ['a\\*', 'a\\b', true],
  ['a(b)*', 'a(b)c', true],
  ['a|b*', 'a|bc', true],
  ['a)*', 'a)b', true],
  ['[!a]*', 'b', true],
  ['[!a]*', 'a', false],
  ['[a-c]x', 'bx', true],
  ['A*', 'ab', false],
])('%s and %s', (pattern, text, expected) => {
  expect(globMatcher(pattern)(text)).toBe(expected);
});

test('the case may be left out of account, as it is in host names', () => {
  expect(globMatcher('A*', {ignoreCase: true})('ab')).toBe(true);
});
