import {expect, test} from 'vitest';
import {splitWords} from '../../../src/lib/cli/prompt/conversation.ts';

test.each<[string, string[] | undefined]>([
  ['', []],
  ['   ', []],
  ['user bob', ['user', 'bob']],
  ['  user \t -n  5 bob ', ['user', '-n', '5', 'bob']],
  ['user "mad hatter"', ['user', 'mad hatter']],
  ["user 'mad hatter'", ['user', 'mad hatter']],
  ['user mad\\ hatter', ['user', 'mad hatter']],
  ['user mad" "hatter', ['user', 'mad hatter']],
  ['"a \\"b\\" c"', ['a "b" c']],
  ["'a \\ b'", ['a \\ b']],
  ['a\\\\b', ['a\\b']],
  ["'it'\"'\"'s'", ["it's"]],
  ['""', ['']],
  ["a '' b", ['a', '', 'b']],
  ['grüße "äö"', ['grüße', 'äö']],
  ['user "bob', undefined],
  ["user 'bob", undefined],
  ['bob\\', undefined],
  ['"bob\\"', undefined],
])('%j', (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test('a long line of quotes takes no long time', () => {
  expect(splitWords(`${'"a"'.repeat(20_000)}"`)).toBeUndefined();
});
