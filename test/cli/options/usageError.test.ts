import {afterEach, describe, expect, test} from 'vitest';
import {didYouMean} from '../../../src/lib/cli/options/usageError.ts';
import {speak} from '../../helpers/behaviours.ts';
import {runFtpdctl} from '../../helpers/program.ts';
import {type ScriptedServer, startScriptedServer} from '../../helpers/scriptedServer.ts';

const WORDS = ['kick', 'ban', 'msg', 'status', 'serve'];

describe('the nearest known word', () => {
  test.each([
    ['kik', 'kick'],
    ['KICK', 'kick'],
    ['mgs', 'msg'],
    ['stauts', 'status'],
    ['srve', 'serve'],
    ['bann', 'ban'],
    ['smg', 'msg'],
    ['--satus', 'status'],
  ])('%s: %s', (word, meant) => expect(didYouMean(word, WORDS, '-')).toBe(`did you mean "${meant}"?`));

  // The last ones: half of it another word, or another beginning.
  test.each(['', 'x', 'foo', 'bus', 'frobnicate', 'sv', 'man', 'van', 'us'])('%j: none', (word) =>
    expect(didYouMean(word, WORDS, '-')).toBe('-'));
});

describe('a command line that lacks something or has too much, by running the program', () => {
  test.each([
    [['completion'], 'missing required shell (bash, zsh or fish)'],
    [['acl', 'check'], 'missing required action (for example msg, kick or lsctrl)'],
    [['who', 'dave'], 'who: unexpected word "dave" (ftpdctl who --user NAME, --host NAME or --class NAME)'],
    [['who', '--user'], '--user needs a value (see ftpdctl who --help)'],
    [['mock', 'a'], 'unexpected words: a (see ftpdctl mock --help)'],
    [
      ['msg', '--via', 'foo', 'all', 'hi'],
      '--via: "foo" is not one of auto, controls, direct (see ftpdctl msg --help)',
    ],
    [
      ['serve', '--check', '--print-config'],
      '--check and --print-config exclude each other (see ftpdctl serve --help)',
    ],
    [['acl', 'list', '--proftpd', '1.3.8'], '--proftpd needs --config (see ftpdctl acl list --help)'],
    [['completion', 'tcsh'], 'there is no completion script for tcsh (there is one for bash, zsh and fish)'],
    [['completion', 'bsh'], 'there is no completion script for bsh (did you mean "bash"?)'],
    [
      ['msg', '--dry-run', '--wait', 'all', 'hi'],
      'msg: --dry-run sends nothing that --wait could wait for (leave one of them out)',
    ],
    [
      ['kick', 'all'],
      'kick: unknown kind of session "all" (nothing ends all at once; ftpdctl who lists them)',
    ],
    [['kick', 'usr', 'bob'], 'kick: unknown kind of session "usr" (did you mean "user"?)'],
    [
      ['kick', 'user'],
      'kick user: missing required user name (ftpdctl kick user|host|class [-n COUNT] NAME..., or ftpdctl kick session ID)',
    ],
    [
      ['msg', '--wait', '30', 'all', 'hi'],
      'msg: unknown audience "30" (seconds to wait stand in one word: --wait=30)',
    ],
  ])('%j', async (args, line) => {
    const run = await runFtpdctl(args);
    expect(run).toEqual({status: 3, signal: null, stdout: '', stderr: `ftpdctl: ${line}\n`});
  });
});

/** A word, and what it is answered with before any server is looked for. */
const SLIPS: readonly (readonly [word: string, hint: string])[] = [
  ['sevre', 'serve'],
  ['kik', 'kick'],
  ['mgs', 'msg'],
  ['STATUS', 'status'],
  ['shutdwon', 'shutdown'],
  ['message', 'msg'],
  ['sessions', 'who'],
  ['complete', 'completion'],
  ['version', '--version'],
  ['stop', 'shutdown'],
  ['acls', 'acl'],
];

describe('a slip of the keyboard, by running the program', () => {
  let server: ScriptedServer | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  test.each(SLIPS)('%s: no server is looked for', async (word, meant) => {
    server = await startScriptedServer(speak('binary', {status: 0, responses: ['done']}));
    const run = await runFtpdctl(['-v', '-s', server.socket, word, 'x']);
    const hint = `did you mean "${meant}"? "ftpdctl request ${word}" sends it all the same`;
    expect(run).toMatchObject({
      status: 3,
      stdout: '',
      stderr: `ftpdctl: "${word}" is neither a command nor an action known here (${hint})\n`,
    });
    expect(server.connections).toEqual([]);
  });

  test.each(['dump', 'frobnicate', 'redis', 'x'])('%s may be an action, and is sent', async (word) => {
    server = await startScriptedServer(speak('binary', {status: 0, responses: ['done']}));
    await runFtpdctl(['-s', server.socket, word]);
    expect(server.executed).toEqual([{action: word, args: []}]);
  });

  test.each([
    ...['config', 'debug', 'dns', 'down', 'get', 'insctrl', 'receipt', 'rmctrl', 'scoreboard', 'trace', 'up'],
  ])('%s without words is not sent, but by request', async (action) => {
    server = await startScriptedServer(speak('binary', {status: -1, responses: ['wrong']}));
    const run = await runFtpdctl(['-v', '-s', server.socket, action]);
    expect(run).toMatchObject({status: 3, stdout: ''});
    expect(run.stderr).toMatch(
      new RegExp(`^ftpdctl: ${action}: missing required parameters \\(ftpdctl ${action} `),
    );
    expect(server.connections).toEqual([]);
    await runFtpdctl(['-s', server.socket, 'request', action]);
    expect(server.executed).toEqual([{action, args: []}]);
  });

  test.each(['help', 'lsctrl', 'lsmod', 'ban', 'delay'])('%s without words is sent', async (action) => {
    server = await startScriptedServer(speak('binary', {status: 0, responses: ['done']}));
    await runFtpdctl(['-s', server.socket, action]);
    expect(server.executed).toEqual([{action, args: []}]);
  });

  test.each([
    ['msg all hi', /without the quotes: ftpdctl msg all hi\)$/m],
    [' ', /missing required action/],
    ['', /missing required action/],
    ['-', /"-" is no action's name/],
    ['/run/proftpd.sock', /is no action's name/],
  ])('%j is no action', async (word, line) => {
    const {status, stderr} = await runFtpdctl([word]);
    expect(status).toBe(3);
    expect(stderr).toMatch(line);
  });
});

describe('what was probably meant, by running the program', () => {
  let server: ScriptedServer | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  test.each([
    ['an option before the command', ['--tiemout', '3', 'status'], '--timeout'],
    ["a command's option", ['msg', '--translitrate', 'all', 'hi'], '--transliterate'],
    ['a command of two words', ['acl', 'chek', 'msg'], 'acl check'],
    ['help', ['msg', '--hlep'], '--help'],
    ['an audience', ['msg', 'usr', 'dave', 'hi'], 'user'],
  ])('%s', async (_name, args, meant) => {
    const {status, stdout, stderr} = await runFtpdctl(args);
    expect({status, stdout}).toEqual({status: 3, stdout: ''});
    expect(stderr).toMatch(/^ftpdctl: [^\n]+\n$/);
    expect(stderr).toContain(`did you mean "${meant}"?`);
  });

  const answering = async (dialect: 'binary' | 'json', status: number, line: string) => {
    server = await startScriptedServer(speak(dialect, {status, responses: [line]}));
    return ['-s', server.socket];
  };
  const UNSUPPORTED = 'unsupported action requested';

  test.each([
    ['kik', 'did you mean "kick"?'],
    ['stats', 'did you mean "status"?'],
    ['mgs', 'did you mean "msg"?'],
    ['frobnicate', '"ftpdctl help" lists what this server can do'],
    ['ban', '"ftpdctl help" lists what this server can do'],
    ['dump', '"ftpdctl help" lists what this server can do'],
  ])('an action the server does not know: %s', async (action, hint) => {
    const run = await runFtpdctl([
      ...(await answering('binary', -1, UNSUPPORTED)),
      'request',
      action,
      'user',
      'x',
    ]);
    expect(run).toEqual({
      status: 7,
      signal: null,
      stdout: `ftpdctl: ${UNSUPPORTED}\n`,
      stderr: `ftpdctl: ${hint}\n`,
    });
  });

  test('who, at the socket of a ProFTPD that is none of this machine', async () => {
    const run = await runFtpdctl([...(await answering('binary', -1, UNSUPPORTED)), 'who']);
    expect(run.status).toBe(7);
    // Which ProFTPDs run here meanwhile is other tests' doing.
    expect(run.stderr).toMatch(/^ftpdctl: [^\n]*ProFTPD[^\n]* \([^\n]+\)\n$/);
  });

  test('a message to all where nobody is connected', async () => {
    const server = await answering('binary', 0, 'error sending message: Success');
    const run = await runFtpdctl([...server, 'msg', 'all', 'hi']);
    expect(run.status).toBe(0);
    expect(run.stderr).toBe('ftpdctl: nobody is connected: no message was sent\n');
  });

  test.each([
    ['msg', ['msg', 'all', 'hi'], 'MessageControlsACLs'],
    ['kick', ['kick', 'user', 'dave'], 'AdminControlsACLs'],
    ['lsctrl', ['lsctrl'], ' ControlsACLs '],
    ['an unknown module', ['frobnicate'], "the ACLs of the action's module"],
  ])('denied by an ACL: %s', async (_name, args, directive) => {
    const run = await runFtpdctl([...(await answering('json', -1, 'access denied')), ...args]);
    expect(run).toMatchObject({status: 2, stdout: 'ftpdctl: access denied\n'});
    expect(run.stderr).toMatch(/^ftpdctl: ControlsSocketACL and [^\n]+\n$/);
    expect(run.stderr).toContain(directive);
  });

  test('--json: the hint is a key of the object', async () => {
    const run = await runFtpdctl(['--json', ...(await answering('json', -7, UNSUPPORTED)), 'request', 'kik']);
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({exitStatus: 7, hint: 'did you mean "kick"?'});
  });
});
