import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {type Commands, Completer} from '../../src/lib/cli/completion.ts';
import {KNOWN_ACTIONS} from '../../src/lib/config/aclRule.ts';
import {CHECKOUT} from '../helpers/checkout.ts';
import {runFtpdctl} from '../helpers/program.ts';

const manifest = JSON.parse(readFileSync(join(CHECKOUT, 'oclif.manifest.json'), 'utf8'));
const commands = manifest.commands as Commands;
const LIVE = {
  user: ['alice', 'dave'],
  host: ['192.0.2.7', 'work'],
  class: ['staff'],
  session: ['812-tp0nvq'],
};

/** What completes the line, whose last word is being typed; and the sockets that were asked. */
async function completeLine(line: string): Promise<{values: readonly string[] | 'files'; asked: unknown[]}> {
  const asked: unknown[] = [];
  const completer = new Completer(
    commands,
    async (socket) => {
      asked.push(socket);
      return LIVE;
    },
    async () => KNOWN_ACTIONS,
    () => ['berlin', 'paris'],
  );
  const completion = await completer.complete(line.split(' ').slice(1));
  return {values: completion === 'files' ? completion : completion.map(({value}) => value), asked};
}

describe('the first word', () => {
  test('is one of our commands or a known control action, each once', async () => {
    const {values} = await completeLine('ftpdctl ');
    const ours = Object.keys(commands).filter((id) => !commands[id]!.hidden);
    expect(new Set(values)).toEqual(new Set([...ours.map((id) => id.split(':')[0]), ...KNOWN_ACTIONS]));
    expect(values).toHaveLength(new Set(values).size);
  });

  test.each([
    ['ftpdctl ms', ['msg']],
    ['ftpdctl -s /x ki', ['kick']],
    ['ftpdctl --socket=/x -q ki', ['kick']],
    ['ftpdctl __c', []],
    ['ftpdctl nosuch', []],
    ['ftpdctl --so', ['--socket']],
    ['ftpdctl --ver', ['--verbose', '--version']],
  ])('%s', async (line, values) => expect((await completeLine(line)).values).toEqual(values));
});

describe('other machines', () => {
  test.each([
    ['ftpdctl -H ', ['@berlin', '@paris']],
    ['ftpdctl -H @p', ['@paris']],
    ['ftpdctl -H ftp01,@p', ['ftp01,@paris']],
    ['ftpdctl --hosts=ftp01,@p', ['--hosts=ftp01,@paris']],
    ['ftpdctl -H @paris -x ', ['@berlin', '@paris']],
    ['ftpdctl --hosts-file ', 'files'],
    ['ftpdctl -H @paris ms', ['msg']],
    ['ftpdctl -H @paris msg user ', []],
    ['ftpdctl --hosts-file f kick session ', []],
  ])('%s: nobody is asked', async (line, values) => {
    expect(await completeLine(line)).toEqual({values, asked: []});
  });
});

describe('the words after it', () => {
  test.each([
    ['ftpdctl acl ', ['check', 'list']],
    ['ftpdctl acl check ms', ['msg']],
    ['ftpdctl completion ', ['bash', 'zsh', 'fish']],
    ['ftpdctl status ', ['all']],
    ['ftpdctl msg ', ['user', 'host', 'class', 'session', 'all']],
    ['ftpdctl msg u', ['user']],
    ['ftpdctl msg all ', []],
    ['ftpdctl msg --wait al', ['all']],
    ['ftpdctl msg --wait=3 al', ['all']],
    ['ftpdctl msg --wait=', []],
    ['ftpdctl msg all hi user ', []],
    ['ftpdctl msg --trans', ['--transliterate']],
    ['ftpdctl msg all --trans', []],
    ['ftpdctl kick ', ['user', 'host', 'class', 'session']],
    ['ftpdctl request ki', ['kick']],
    ['ftpdctl request kick c', ['class']],
    ['ftpdctl frobnicate ', []],
    ['ftpdctl toString ', []],
    ['ftpdctl constructor prototype ', []],
  ])('%s: from nobody but ourselves', async (line, values) =>
    expect(await completeLine(line)).toEqual({values, asked: []}));

  test.each([
    ['ftpdctl msg user ', LIVE.user],
    ['ftpdctl msg user d', ['dave']],
    ['ftpdctl msg --transliterate host w', ['work']],
    ['ftpdctl kick class ', LIVE.class],
    ['ftpdctl request msg host ', LIVE.host],
    ['ftpdctl who --user ', LIVE.user],
    ['ftpdctl who --class=', ['--class=staff']],
  ])('%s: from the server', async (line, values) =>
    expect(await completeLine(line)).toEqual({values, asked: [undefined]}));

  test.each([
    '-s /x',
    '--socket /x',
    '--socket=/x',
    '-s/x',
    '-q -s /x',
  ])('%s: from that server', async (options) => {
    expect((await completeLine(`ftpdctl ${options} msg user `)).asked).toEqual(['/x']);
  });
});

test.each([
  '-s ',
  '-s /tm',
  '--socket ',
  '--socket=/t',
  'serve --config ',
  'mock --root=',
  'acl check msg --config ',
])('ftpdctl %s: a file', async (line) =>
  expect((await completeLine(`ftpdctl ${line}`)).values).toBe('files'));

test.each(['--timeout ', 'msg all --config='])('ftpdctl %s: nothing', async (line) =>
  expect((await completeLine(`ftpdctl ${line}`)).values).toEqual([]));

describe('what the scripts run', () => {
  test('prints a value and its description a line', async () => {
    const {status, stdout, stderr} = await runFtpdctl(['__complete', '--', 'statu']);
    expect({status, stdout, stderr}).toEqual({
      status: 0,
      stdout: `status\t${commands['status']!.summary}\n`,
      stderr: '',
    });
  });

  test('takes options for words, help among them', async () => {
    expect((await runFtpdctl(['__complete', '--', '--hel'])).stdout).toBe('--help\tshow help\n');
    expect((await runFtpdctl(['__complete', '--', '--help', ''])).stdout).toContain('msg\t');
  });

  test('says so where a file is wanted', async () => {
    expect((await runFtpdctl(['__complete', '--', '-s', ''])).stdout).toBe(':files\n');
  });

  test('prints nothing without a server', async () => {
    const words = ['-s', '/tmp/nosuch.sock', 'msg', 'user', ''];
    expect(await runFtpdctl(['__complete', '--', ...words])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('ftpdctl completion', () => {
  test.each(['bash', 'zsh', 'fish'])('%s prints the script', async (shell) => {
    const script = readFileSync(join(CHECKOUT, 'completions', `ftpdctl.${shell}`), 'utf8');
    expect(await runFtpdctl(['completion', shell])).toMatchObject({status: 0, stdout: script, stderr: ''});
    const {stdout} = await runFtpdctl(['--json', 'completion', shell]);
    expect(JSON.parse(stdout)).toEqual({shell, script, exitStatus: 0});
  });

  test.each([[['completion']], [['completion', 'csh']]])('%j is a usage error', async (args) => {
    const {status, stdout, stderr} = await runFtpdctl(args);
    expect({status, stdout}).toEqual({status: 3, stdout: ''});
    expect(stderr).toMatch(/^ftpdctl: [^\n]*bash[^\n]*\n$/);
  });
});
