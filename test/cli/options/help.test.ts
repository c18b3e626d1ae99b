import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {actionHelp} from '../../../src/lib/cli/options/actions.ts';
import {KNOWN_ACTIONS} from '../../../src/lib/config/aclRule.ts';
import {CHECKOUT} from '../../helpers/checkout.ts';
import {runProcess} from '../../helpers/process.ts';
import {cleanEnvironment, runFtpdctl} from '../../helpers/program.ts';

interface Manifest {
  readonly commands: Readonly<
    Record<
      string,
      {readonly hidden?: boolean; readonly flags: Readonly<Record<string, {helpGroup?: string}>>}
    >
  >;
}

const {commands} = JSON.parse(readFileSync(join(CHECKOUT, 'oclif.manifest.json'), 'utf8')) as Manifest;
const shown = Object.keys(commands).filter((id) => !commands[id]!.hidden);
const COLUMNS = 80;
const ROWS = 24;
const ESCAPE = '\u001b';

async function help(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const run = await runFtpdctl([...words, '--help'], {env});
  expect(run).toMatchObject({status: 0, stderr: ''});
  return run.stdout;
}

describe('the help fits a screen and leads with examples', () => {
  test.each([[[]], ...shown.map((id) => [id.split(':')])])('ftpdctl %j', async (words) => {
    const lines = (await help(words)).trimEnd().split('\n');
    expect(lines.length).toBeLessThan(ROWS);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(COLUMNS);
    const headings = lines.filter((line) => /^[A-Z]{4}/.test(line));
    expect(headings[0]).toBe('EXAMPLES');
  });

  test("the program's lists every command, and every option that stands before one", async () => {
    const text = await help([]);
    expect(shown).toContain('msg');
    for (const id of shown) expect(text).toMatch(new RegExp(`^ {2}${id.split(':')[0]} `, 'm'));
    const [anyCommand] = Object.values(commands);
    const before = Object.entries(anyCommand!.flags).filter(([, {helpGroup}]) => helpGroup === 'GLOBAL');
    expect(before.map(([name]) => name)).toContain('timeout');
    for (const [name] of before) expect(text).toContain(`--${name}`);
    expect(text).toContain('sent to the server as a control action');
  });

  test.each(shown)('the help of %s lists all its own options, and no others', async (id) => {
    const text = await help(id.split(':'));
    const options = Object.entries(commands[id]!.flags);
    expect(options).not.toEqual([]);
    for (const [name, {helpGroup}] of options) {
      const option = new RegExp(`^  (-\\w, |    )?--${name}(?![\\w-])`, 'm');
      // What chooses other machines stands before every command, and is explained with the one that lists them.
      if (helpGroup === 'GLOBAL' || (helpGroup === 'FLEET' && id !== 'hosts'))
        expect(text).not.toMatch(option);
      else expect(text).toMatch(option);
    }
  });

  test('-h and --help, before the command and after it', async () => {
    const expected = await help(['msg']);
    expect((await runFtpdctl(['-h', 'msg'])).stdout).toBe(expected);
    expect((await runFtpdctl(['--help', 'msg'])).stdout).toBe(expected);
    expect((await runFtpdctl(['msg', '-h'])).stdout).toBe(expected);
  });
});

describe('the help of a control action is ours, and never sent', () => {
  /** Actions that are commands of ours have a help of their own. */
  const OURS = new Map(['kick', 'msg', 'status'].map((name) => [name, 'help']));
  // A socket that nobody listens at: what is sent fails.
  const nowhere = ['-s', '/nonexistent/ctrls'];

  test.each(KNOWN_ACTIONS)('something is known of %s', (action) => {
    const {usage} = actionHelp(OURS.get(action) ?? action, []);
    for (const line of usage) expect(line.split(' ')[0]).toBe(OURS.get(action) ?? action);
  });

  test.each(['ban', 'delay', 'shutdown'])('%s', async (action) => {
    const expected = await help([...nowhere, action]);
    expect(expected).toContain(`ftpdctl ${action}`);
    const lines = expected.trimEnd().split('\n');
    expect(lines.length).toBeLessThan(ROWS);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(COLUMNS);
  });

  test.each([
    [['shutdown', '-h']],
    [['-h', 'shutdown']],
    [['help', 'shutdown']],
    [['help', 'shutdown', 'graceful']],
  ])('%j as shutdown --help', async (args) => {
    const {status, stdout} = await runFtpdctl([...nowhere, ...args]);
    expect({status, stdout}).toEqual({status: 0, stdout: await help(['shutdown'])});
  });

  test.each([
    [['help', 'msg'], ['msg']],
    [['help', 'acl'], ['acl']],
    [
      ['help', 'acl', 'check'],
      ['acl', 'check'],
    ],
  ])('%j is our own', async (args, topic) => {
    expect((await runFtpdctl(args)).stdout).toBe(await help(topic));
  });

  test.each([
    [['shutdown', '--help', 'x']],
    [['shutdown', 'x', '--help']],
    [['request', 'shutdown', '--help']],
    [['-v', 'help']],
  ])('%j is sent', async (args) => {
    expect(await runFtpdctl([...nowhere, ...args])).toMatchObject({status: 1, stdout: ''});
  });
});

test.each([
  [['frobnicate', '--help'], 'nothing is known here of an action "frobnicate"'],
  [['frobnicate', '--help'], '"ftpdctl help" asks the server'],
  [['frobnicate', '--help'], '"ftpdctl request frobnicate --help" sends it'],
  [['--help', 'stauts'], 'did you mean "status"?'],
  [['help', 'stauts'], 'did you mean "status"?'],
  [['help', 'acl', 'lits'], 'did you mean "acl list"?'],
])('%j: nothing is known of it', async (args, hint) => {
  const {status, stdout, stderr} = await runFtpdctl(args);
  expect({status, stdout}).toEqual({status: 3, stdout: ''});
  expect(stderr).toContain(hint);
});

describe('the terminal has its say', () => {
  test('COLUMNS=40 narrows every line', async () => {
    for (const words of [[], ['msg']]) {
      const lines = (await help(words, {COLUMNS: '40'})).split('\n');
      expect(lines.filter((line) => line.length > 40)).toEqual([]);
    }
  });

  test('no colour in a pipe, colour with FORCE_COLOR, none with NO_COLOR or TERM=dumb', async () => {
    expect(await help([])).not.toContain(ESCAPE);
    expect(await help([], {FORCE_COLOR: '1'})).toContain(ESCAPE);
    expect(await help([], {NO_COLOR: '1', TERM: 'xterm-256color'})).not.toContain(ESCAPE);
  });

  const onTerminal = async (env: NodeJS.ProcessEnv, setup = 'true') => {
    const program = join(CHECKOUT, 'bin', 'run.js');
    const line = `${setup}; exec ${process.execPath} ${program} --help`;
    const run = await runProcess('script', ['-qec', line, '/dev/null'], {
      env: {...cleanEnvironment('/tmp'), ...env},
    });
    return run.stdout.replaceAll('\r\n', '\n');
  };

  test.each([
    ['xterm-256color', {TERM: 'xterm-256color'}, true],
    ['NO_COLOR', {TERM: 'xterm-256color', NO_COLOR: '1'}, false],
    ['dumb', {TERM: 'dumb'}, false],
  ])('on a terminal: %s', async (_name, env, coloured) => {
    expect((await onTerminal(env)).includes(ESCAPE)).toBe(coloured);
  });

  test('on a narrow terminal', async () => {
    const text = await onTerminal({TERM: 'dumb'}, 'stty cols 44 rows 24');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(44);
  });
});
