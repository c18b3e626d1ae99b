import {describe, expect, test} from 'vitest';
import {parseCommandLine, splitAtFirstWord} from '../../../src/lib/cli/options/argv.ts';
import {UsageError} from '../../../src/lib/cli/options/usageError.ts';
import {oracle} from '../../helpers/oracle.ts';

describe('options stand before the action', () => {
  const cases: [string, Partial<ReturnType<typeof parseCommandLine>>][] = [
    ['', {action: undefined, words: [], options: []}],
    ['msg user dave hi', {action: 'msg', words: ['user', 'dave', 'hi'], options: []}],
    ['-s /x msg all -v', {action: 'msg', words: ['all', '-v'], options: ['--socket=/x']}],
    ['-s/x help', {action: 'help', options: ['--socket=/x']}],
    ['-s /x -v -s /y help', {options: ['--socket=/y', '--verbose']}],
    ['-qv --json help', {action: 'help', options: ['--quiet', '--verbose', '--json'], json: true}],
    ['-qs /x help', {options: ['--quiet', '--socket=/x']}],
    ['--socket=/x --timeout 3 help', {options: ['--socket=/x', '--timeout=3']}],
    ['-H a -Hb,c --hosts=d msg all -H e', {options: ['--hosts=a,b,c,d'], words: ['all', '-H', 'e']}],
    ['-x a -xb --exclude c help', {options: ['--exclude=a,b,c']}],
    ['--hosts-file a --hosts-file b help', {options: ['--hosts-file=b']}],
    ['-- -odd word', {action: '-odd', words: ['word']}],
    ['kick user -n 5 bob', {action: 'kick', words: ['user', '-n', '5', 'bob']}],
    ['-h', {help: true, action: undefined}],
    ['--version', {version: true}],
    ['help', {action: 'help', help: false}],
    ['-', {action: '-'}],
  ];
  test.each(cases)('%j', (line, expected) => {
    expect(parseCommandLine(line.split(' ').filter(Boolean))).toMatchObject(expected);
  });

  test.each([
    '-z',
    '-x',
    '--foo',
    '-s',
    '--timeout',
    '--json=1',
    '-vz help',
  ])('%j is a usage error', (line) => {
    expect(() => parseCommandLine(line.split(' '))).toThrow(UsageError);
  });
});

describe("a command's own options end at its first word", () => {
  const flags = {file: {type: 'option', char: 'F'}, quiet: {type: 'boolean', char: 'q'}};
  const cases: [string, string, string][] = [
    ['user dave --passive', '', 'user dave --passive'],
    ['-q all -q', '-q', 'all -q'],
    ['-F x all', '-F x', 'all'],
    ['-Fx all', '-Fx', 'all'],
    ['--file x all -F y', '--file x', 'all -F y'],
    ['--file=x all', '--file=x', 'all'],
    ['-- -q', '', '-q'],
    ['all -- -q', '', 'all -- -q'],
    ['all the words and all of them', '', 'all the words and all of them'],
    ['-', '', '-'],
  ];
  test.each(cases)('%j', (line, options, words) => {
    const list = (text: string) => text.split(' ').filter(Boolean);
    expect(splitAtFirstWord(list(line), flags)).toEqual({options: list(options), words: list(words)});
  });

  test.each([
    ['--wait all hi', '--wait=60', 'all hi'],
    ['--wait=5 all hi', '--wait=5', 'all hi'],
    ['--wait= all hi', '--wait=', 'all hi'],
    ['--wait -q all --wait', '--wait=60 -q', 'all --wait'],
    ['--wait 5 all', '--wait=60', '5 all'],
  ])('a value that may be left out follows "=" only: %j', (line, options, words) => {
    const wait = {wait: {type: 'option', bare: '60'}};
    const list = (text: string) => text.split(' ');
    expect(splitAtFirstWord(list(line), {...flags, ...wait})).toEqual({
      options: list(options),
      words: list(words),
    });
  });
});

/** Where our command line is another one than the stock client's, and why. */
const OTHERWISE: Record<string, string> = {
  opt_h: 'help',
  opt_unknown: '-x is an option of ours: it leaves hosts out',
  opt_unknown_long: 'the stock client complains and goes on; a slip must not send anything',
  opt_s_missing_value: 'a usage error, too, said in one line',
};

describe('what the stock client of 1.3.10 makes of its words', () => {
  const {client_options: options} = oracle<{
    client_options: Record<string, Record<string, {argv: readonly string[]; request_hex?: string}>>;
  }>('wire');
  test.each(Object.entries(options['1.3.10rc5']!))('%s', (name, {argv, request_hex: hex}) => {
    const words = argv.map((word) => word.replace('{sock}', '/d/ctrls'));
    if (name in OTHERWISE) {
      if (name === 'opt_h') expect(parseCommandLine(words)).toMatchObject({help: true});
      else if (name === 'opt_unknown') expect(parseCommandLine(words).options).toContain('--exclude=-s');
      else expect(() => parseCommandLine(words)).toThrow(UsageError);
      return;
    }
    const parsed = parseCommandLine(words);
    // The socket is judged when it is connected to; without an action there is nothing to send.
    if (hex === undefined) return expect(parsed.action).toBe(argv.at(-1) === 'help' ? 'help' : undefined);
    const {action, args} = JSON.parse(Buffer.from(hex, 'hex').subarray(4).toString());
    expect(parsed).toMatchObject({action, words: args});
    expect(parsed.options).toContain('--socket=/d/ctrls');
  });
});
