import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import Msg from '../../../src/commands/msg.ts';
import Who from '../../../src/commands/who.ts';
import {fleetCommand} from '../../../src/lib/cli/fleet/command.ts';
import {parseCommandLine} from '../../../src/lib/cli/options/argv.ts';
import {globalFlags} from '../../../src/lib/cli/options/flags.ts';

const directory = mkdtempSync('/tmp/fleet-command-');
const file = join(directory, 'text');
writeFileSync(file, 'one\ntwo\n');
afterAll(() => rmSync(directory, {recursive: true}));

/** A line, its words separated by spaces, as it would be given to other machines. */
const command = (id: string, line: string) => {
  const flags = {...globalFlags, ...(id === 'msg' ? Msg.flags : id === 'who' ? Who.flags : {})};
  return fleetCommand(id, parseCommandLine(line.split(' ')), flags);
};

describe('the words that our own client is given there', () => {
  test.each([
    ['msg', '-H a msg all hi there', ['--timeout=27', 'msg', 'all', 'hi there']],
    [
      'msg',
      '-H a -s /x -v msg --wait=5 user dave hi -F x',
      ['--socket=/x', '--verbose', '--timeout=27', 'msg', '--wait=5', 'user', 'dave', 'hi -F x'],
    ],
    ['msg', `-H a msg -F ${file} all`, ['--timeout=27', 'msg', 'all', 'one\ntwo']],
    [
      'msg',
      `-H a msg --transliterate --file=${file} --wait all`,
      ['--timeout=27', 'msg', '--transliterate', '--wait=60', 'all', 'one\ntwo'],
    ],
    ['msg', `-H a msg all -F ${file}`, ['--timeout=27', 'msg', 'all', 'one\ntwo']],
    ['request', '-H a --fanout 3 --sudo -x b ban user -n 1', ['--timeout=27', 'ban', 'user', '-n', '1']],
    ['who', '-H a -q --json who --user dave', ['--timeout=27', 'who', '--user', 'dave']],
    ['drain', '-H a drain --in 1h', ['--timeout=27', 'drain', '--detach', '--in', '1h']],
    ['drain', '-H a --yes drain --now', ['--yes', '--timeout=27', 'drain', '--detach', '--now']],
    // As a value it is no option, and what begins there must not hang on a connection.
    [
      'drain',
      '-H a drain --now --message --show',
      ['--timeout=27', 'drain', '--detach', '--now', '--message', '--show'],
    ],
    ['acl:check', '-H a --timeout 1 acl check msg', ['--timeout=0.9', 'acl', 'check', 'msg']],
  ])('%s: %s', async (id, line, words) => {
    expect((await command(id, line)).words).toEqual(words);
  });
});

test.each([
  ['msg', '-H a msg all hi', ['all', 'hi']],
  ['kick', '-H a kick user bob', ['user', 'bob']],
  ['request', '-H a ban user bob', ['--', 'ban', 'user', 'bob']],
  ['request', '-H a request ban user', ['ban', 'user']],
  ['__allServers', '-H a -s /x up all', ['--socket=/x', '--', 'up', 'all']],
])('a command that is run here for a stock client is given the same as ever: %s %s', async (id, line, argv) => {
  expect((await command(id, line)).argv).toEqual(argv);
});

test.each([
  ['msg', '-H a msg all hi', {timeout: 30_000, fanout: 32}],
  ['msg', '-H a --timeout 5 msg --wait=20 all hi', {timeout: 25_000}],
  ['msg', '-H a msg --wait all hi', {timeout: 90_000}],
  ['request', '-H a --fanout=1 lsctrl', {fanout: 1}],
  ['who', '-H a who --user dave --class=staff', {filter: {user: 'dave', class: 'staff'}}],
])('%s: %s', async (id, line, expected) => {
  expect(await command(id, line)).toMatchObject(expected);
});

test('a drain that begins can be shown first; one that does not need not be', async () => {
  const preview = async (line: string) => (await command('drain', line)).preview;
  expect(await preview('-H a -q drain --now')).toEqual([
    '--timeout=27',
    'drain',
    '--dry-run',
    '--detach',
    '--now',
  ]);
  for (const option of ['--show', '--cancel', '--dry-run'])
    expect(await preview(`-H a drain ${option}`)).toBeUndefined();
});

test.each([
  ['who', '-H a who dave'],
  ['who', '-H a who --watch=3'],
  ['serve', '-H a serve'],
  ['msg', '-H a msg all'],
  ['msg', '-H a msg -F'],
  ['msg', `-H a msg -F ${file} all hi`],
  ['request', '-H a --fanout=0 lsctrl'],
  ['request', '-H a --fanout=1025 lsctrl'],
  ['request', '-H a --timeout=x lsctrl'],
])('%s: %s is refused', async (id, line) => {
  await expect(command(id, line)).rejects.toMatchObject({exitStatus: 3});
});
