import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {
  type Entry,
  inColumns,
  isHidden,
  isShown,
  lineOf,
  sorted,
} from '../../../src/lib/ftp/commands/entries.ts';
import {parseListArgument, withoutOptions} from '../../../src/lib/ftp/commands/listOptions.ts';
import type {FileFacts} from '../../../src/lib/ftp/tree/tree.ts';

const NOW = Date.UTC(2026, 5, 30);
const DAY = 86_400_000;

beforeEach(() => void vi.useFakeTimers({now: NOW, toFake: ['Date']}));
afterEach(() => void vi.useRealTimers());

const optionsOf = (argument: string) => parseListArgument(argument).options;

function entry(name: string, facts: Partial<FileFacts> = {}): Entry {
  const time = new Date(NOW - DAY);
  const own: FileFacts = {
    ...{name, kind: 'file', size: 1, mode: 0o644, unique: name, links: 1},
    ...{modified: time, changed: time, accessed: time},
    ...facts,
  };
  return {name, facts: own};
}

describe('the argument of LIST', () => {
  test.each([
    ['', {}, ''],
    ['a b', {}, 'a b'],
    ['-a', {hidden: 'all'}, ''],
    ['-A x', {hidden: 'almost all'}, 'x'],
    ['-aA x', {hidden: 'almost all'}, 'x'],
    ['-lR -t  x y ', {recursive: true, sorted: 'time'}, ' x y '],
    ['-1', {form: 'names'}, ''],
    ['-C', {form: 'columns'}, ''],
    ['-C1', {form: 'names'}, ''],
    ['-1C', {form: 'columns'}, ''],
    ['-1l', {form: 'long'}, ''],
    ['-dFLnh', {directory: true, marked: true, followed: true, numeric: true, human: true}, ''],
    ['-Sr', {sorted: 'size', reversed: true}, ''],
    ['-U', {sorted: 'not'}, ''],
    ['-c', {time: 'changed'}, ''],
    ['-u', {time: 'accessed'}, ''],
    ['-zZ x', {}, 'x'],
    ['-\tx', {}, 'x'],
    ['x -a', {}, 'x -a'],
  ])('%j', (argument, changes, path) => {
    const plain = parseListArgument('').options;
    expect(plain).toEqual(withoutOptions('-a').options);
    expect(parseListArgument(argument)).toEqual({options: {...plain, ...changes}, path});
  });

  test('that is a name that looks like options is that name', () => {
    expect(withoutOptions('-a')).toEqual({options: optionsOf(''), path: '-a'});
  });
});

/** As measured on ProFTPD 1.3.8. */
describe('columns', () => {
  const names = (count: number, longest: number) =>
    Array.from({length: count}, (_, n) => 'abc'.padEnd(n === 4 ? longest : 3, 'x'));
  test.each([
    [1, 3, ['abc']],
    [8, 3, [`${'abc\t'.repeat(7)}abc`]],
    [9, 7, [`${'abc\t'.repeat(4)}abcxxxx\t${'abc\t'.repeat(3)}abc`]],
    [10, 3, Array(2).fill(`${'abc\t'.repeat(4)}abc`)],
    [13, 8, ['abc\t\tabcxxxxx\tabc\t\tabc', ...Array(3).fill('abc\t\tabc\t\tabc')]],
    [5, 16, ['abc\t\t\tabc\t\t\tabcxxxxxxxxxxxxx', 'abc\t\t\tabc']],
    [5, 100, [...Array(4).fill('abc'), 'abc'.padEnd(100, 'x')]],
    [0, 0, []],
  ])('%i names of at most %i characters', (count, longest, lines) => {
    expect(inColumns(names(count, longest))).toEqual(lines);
  });
});

describe('what is shown', () => {
  test.each([
    ['x', [false, false, false]],
    ['.x', [true, false, false]],
    ['.', [true, true, false]],
    ['..', [true, true, false]],
    ['...', [true, false, false]],
  ])('%j is hidden without option, with -A, with -a: %j', (name, hidden) => {
    expect(['', '-A', '-a'].map((option) => isHidden(name, optionsOf(option)))).toEqual(hidden);
    expect(['', '-A', '-a'].map((option) => isShown(entry(`dir/${name}`), optionsOf(option)))).toEqual(
      hidden.map((is) => !is),
    );
  });

  test.each([
    ['file', true, true],
    ['directory', true, true],
    ['link', true, true],
    ['fifo', true, false],
    ['socket', true, false],
    ['device', true, false],
  ] as const)('a %s is in long form: %s, by name alone: %s', (kind, long, short) => {
    expect(isShown(entry('x', {kind}), optionsOf(''))).toBe(long);
    expect(isShown(entry('x', {kind}), optionsOf('-1'))).toBe(short);
  });

  test.each(['.', '..'])('no link to %s, which would have a client go round', (target) => {
    expect(isShown(entry('x', {kind: 'link', target}), optionsOf('-a'))).toBe(false);
  });
});

describe('the order', () => {
  const at = (name: string, size: number, modified: number, changed: number): Entry =>
    entry(name, {
      size,
      modified: new Date(NOW + modified),
      changed: new Date(NOW + changed),
      accessed: new Date(NOW - changed),
    });
  const entries = [at('b', 1, 0, 5000), at('c', 3, 2000, 1000), at('a', 3, 1000, 3000), at('d', 1, 900, 0)];

  test.each([
    ['', 'abcd'],
    ['-r', 'abcd'],
    ['-S', 'acbd'],
    ['-Sr', 'bdac'],
    ['-t', 'cabd'],
    ['-tr', 'bdac'],
    ['-tc', 'bacd'],
    ['-tu', 'dcab'],
    ['-U', 'bcad'],
    ['-Ur', 'bcad'],
  ])('of %j is %s', (option, names) => {
    const {length} = entries;
    expect(
      sorted(entries, optionsOf(option))
        .map(({name}) => name)
        .join(''),
    ).toBe(names);
    expect(entries).toHaveLength(length);
  });
});

describe('a line', () => {
  const line = (
    name: string,
    facts: Partial<FileFacts> = {},
    option = '',
    behind?: Partial<FileFacts>,
  ): string =>
    lineOf(
      {...entry(name, facts), ...(behind ? {behind: entry(name, behind).facts} : {})},
      optionsOf(option),
    );
  const LINE = '-rw-r--r--   1 ftp      ftp             1 Jun 29 00:00 x';

  test('has mode, links, owner, size, time and name', () => {
    expect(line('x')).toBe(LINE);
    expect(line('x', {links: 12, size: 123_456_789, kind: 'directory', mode: 0o750})).toBe(
      'drwxr-x---  12 ftp      ftp      123456789 Jun 29 00:00 x',
    );
    expect(line('x', {}, '-n')).toBe('-rw-r--r--   1 14       50              1 Jun 29 00:00 x');
    expect(line('x', {kind: 'link', mode: 0o777, target: '../y'})).toBe(
      'lrwxrwxrwx   1 ftp      ftp             1 Jun 29 00:00 x -> ../y',
    );
  });

  test.each([
    ['file', '-'],
    ['directory', 'd'],
    ['link', 'l'],
    ['fifo', 'p'],
    ['socket', 's'],
    ['device', 'c'],
  ] as const)('of a %s begins with %s', (kind, letter) => {
    expect(line('x', {kind})[0]).toBe(letter);
  });

  test.each([
    [0o000, '---------'],
    [0o777, 'rwxrwxrwx'],
    [0o124, '--x-w-r--'],
    [0o4755, 'rwsr-xr-x'],
    [0o4644, 'rwSr--r--'],
    [0o2755, 'rwxr-sr-x'],
    [0o2644, 'rw-r-Sr--'],
    [0o1777, 'rwxrwxrwt'],
    [0o1776, 'rwxrwxrwT'],
  ])('of mode %o has %s', (mode, letters) => {
    expect(line('x', {mode}).slice(1, 10)).toBe(letters);
  });

  test.each([
    [0, '0'],
    [1023, '1023'],
    [1024, '1.0k'],
    [1_572_864, '1.5M'],
    [3 * 1024 ** 3, '3.0G'],
    [5 * 1024 ** 4, '5.0T'],
    [2048 * 1024 ** 4, '2048.0T'],
  ])('of %d bytes says %s to people', (size, text) => {
    expect(line('x', {size}, '-h').split(/ +/)[4]).toBe(text);
    expect(line('x', {size}).split(/ +/)[4]).toBe(String(size));
  });

  test.each([
    [NOW - 1, 'Jun 29 23:59'],
    [NOW - 180 * DAY + 1, 'Jan  1 00:00'],
    [NOW - 180 * DAY, 'Jan  1  2026'],
    [NOW + 180 * DAY, 'Dec 27  2026'],
    [NOW + 180 * DAY - 60_000, 'Dec 26 23:59'],
    [0, 'Jan  1  1970'],
  ])('of %d has the time or, long ago or ahead, the year', (time, text) => {
    const other = {modified: new Date(7), changed: new Date(7), accessed: new Date(7)};
    for (const [option, fact] of [
      ['', 'modified'],
      ['-c', 'changed'],
      ['-u', 'accessed'],
    ] as const) {
      expect(line('x', {...other, [fact]: new Date(time)}, option)).toContain(` ${text} x`);
    }
  });

  test.each([
    [{kind: 'directory'}, '/', '/'],
    [{kind: 'file', mode: 0o644}, '', ''],
    [{kind: 'file', mode: 0o645}, '*', '*'],
    [{kind: 'file', mode: 0o654}, '*', '*'],
    [{kind: 'file', mode: 0o744}, '*', '*'],
    [{kind: 'fifo', mode: 0o777}, '', ''],
    [{kind: 'link', mode: 0o777}, '@', ''],
  ] as const)('of %j has the mark %j by name alone, and %j in long form', (facts, short, long) => {
    expect(line('x', facts, '-1F')).toBe(`x${short}`);
    expect(line('x', facts, '-1')).toBe('x');
    expect(line('x', facts, '-F').endsWith(` x${long}`)).toBe(true);
  });

  test('of a link has the mark of what it leads to', () => {
    const target = {kind: 'link', target: 'y', mode: 0o777} as const;
    expect(line('x', target, '-F', {kind: 'directory'}).endsWith('x -> y/')).toBe(true);
    expect(line('x', target, '-F', {mode: 0o755}).endsWith('x -> y*')).toBe(true);
    expect(line('x', target, '-F').endsWith('x -> y')).toBe(true);
  });
});
