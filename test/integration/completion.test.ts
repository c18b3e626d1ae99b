import {chmodSync, existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {SessionIdentity} from '../../src/lib/audience.ts';
import type {Mailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {hang} from '../helpers/behaviours.ts';
import {CHECKOUT} from '../helpers/checkout.ts';
import {OPEN, type RunningServer, startControlsServer} from '../helpers/controlsServer.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';
import {startScriptedServer} from '../helpers/scriptedServer.ts';

const BASH_COMPLETION = '/usr/share/bash-completion/bash_completion';

const NOBODY: SessionIdentity = {
  pid: process.pid,
  user: null,
  address: '192.0.2.7',
  host: '192.0.2.7',
  class: null,
  server: '127.0.0.1#2121',
  engine: true,
};
const SESSIONS: readonly Partial<SessionIdentity>[] = [
  {user: 'dave', host: 'work.example', class: 'staff'},
  {user: 'mad hatter', host: '2001:db8::7', address: '2001:db8::7'},
  {user: 'o$car"s', class: 'guests'},
];

let server: RunningServer;
let mailbox: Mailbox;
let home: string;

beforeAll(async () => {
  server = await startControlsServer(OPEN);
  mailbox = openMailbox({queuePath: server.queue});
  for (const one of SESSIONS) mailbox.register({...NOBODY, ...one});
  home = makeOwnHome();
  // Once asked, it is known that `ftpdctl serve` answers there.
  const known = async () => {
    const {stdout} = await runFtpdctl(['--json', '-s', server.socket, 'who'], {home});
    return JSON.parse(stdout).sessions.length;
  };
  while ((await known()) < SESSIONS.length);
  makeProgram();
});
afterAll(async () => {
  await mailbox?.close();
  await server?.stop();
  removeOwnHome(home);
});

/** A `ftpdctl` for the shells: it completes as ours does; whatever else it is given it prints, word by word. */
function makeProgram(): void {
  mkdirSync(join(home, 'bin'));
  const program = join(home, 'bin', 'ftpdctl');
  const script = [
    '#!/bin/sh',
    `[ "$1" = __complete ] && exec ${process.execPath} ${CHECKOUT}/bin/run.js "$@"`,
    "printf 'ARGV'",
    'printf \' <%s>\' "$@"',
    'echo',
  ];
  writeFileSync(program, `${script.join('\n')}\n`);
  chmodSync(program, 0o755);
}

/** Type lines into a shell at a terminal, `\t` for the Tab key; the words of each as the program got them. */
async function type(shell: readonly string[], lines: readonly string[]): Promise<string[]> {
  const {PATH, ...env} = cleanEnvironment(home);
  const run = await runProcess('script', ['-qec', shell.join(' '), '/dev/null'], {
    cwd: home,
    env: {
      ...env,
      PATH: `${home}/bin:${PATH}`,
      TERM: 'vt100',
      INPUTRC: '/dev/null',
      FTPDCTL_SOCKET: server.socket,
    },
    input: [...lines, 'exit', ''].join('\n'),
  });
  return [...run.stdout.matchAll(/ARGV (<.*>)/g)].map(([, words]) => words!);
}

test.each([
  ['request'],
  ['acl', 'check'],
  [],
])('after %j come the actions that the server has', async (...words) => {
  const offered = async (socket: string) => {
    const {stdout} = await runFtpdctl(['__complete', '--', '-s', socket, ...words, ''], {home});
    return stdout.split('\n').map((line) => line.split('\t')[0]);
  };
  const ofServe = await offered(server.socket);
  expect(ofServe).toEqual(expect.arrayContaining(['kick', 'shutdown', 'receipt']));
  expect(ofServe).not.toContain('ban');
  expect(await offered('/nonexistent/socket')).toContain('ban');
});

/** What is typed, and the words that come of it. */
const LINES: readonly (readonly [string, string])[] = [
  ['ftpdctl statu\t', '<status>'],
  ['ftpdctl acl ch\tms\t', '<acl> <check> <msg>'],
  ['ftpdctl msg --translit\tall hi', '<msg> <--transliterate> <all> <hi>'],
  ['ftpdctl completion fi\t', '<completion> <fish>'],
  ['ftpdctl kick cl\tgu\t', '<kick> <class> <guests>'],
  ['ftpdctl msg us\tda\thello', '<msg> <user> <dave> <hello>'],
  ['ftpdctl msg user mad\thi', '<msg> <user> <mad hatter> <hi>'],
  ['ftpdctl msg user o\thi', '<msg> <user> <o$car"s> <hi>'],
  ['ftpdctl msg host work\thi', '<msg> <host> <work.example> <hi>'],
  ['ftpdctl msg user nosuch\thi', '<msg> <user> <nosuchhi>'],
  ['ftpdctl msg all bi\tfiles', '<msg> <all> <bifiles>'],
  ['ftpdctl serve --config bi\tftp\t', '<serve> <--config> <bin/ftpdctl>'],
];

/** What bash takes apart by itself, at `=` and `:`. */
const BROKEN_LINES: readonly (readonly [string, string])[] = [
  ['ftpdctl msg host 2001\thi', '<msg> <host> <2001:db8::7> <hi>'],
  ['ftpdctl msg host 2001:db\thi', '<msg> <host> <2001:db8::7> <hi>'],
  ['ftpdctl who --user=da\t', '<who> <--user=dave>'],
  ['ftpdctl serve --config=bin/ft\t', '<serve> <--config=bin/ftpdctl>'],
];

const script = (shell: string) => `${process.execPath} ${CHECKOUT}/bin/run.js completion ${shell}`;

async function expectWords(
  shell: readonly string[],
  lines: readonly (readonly [string, string])[],
): Promise<void> {
  const typed = lines.map(([line]) => line);
  expect(await type(shell, typed)).toEqual(lines.map(([, words]) => words));
}

describeWithPeer(whyNoProgram('bash'), 'completion in bash', () => {
  const start = (lines: readonly string[]) => {
    writeFileSync(join(home, 'bashrc'), lines.join('\n'));
    return ['bash', '--noprofile', '--rcfile', join(home, 'bashrc'), '-i'];
  };

  test('with bash-completion', {skip: !existsSync(BASH_COMPLETION) && !process.env['CI']}, async () => {
    const shell = start([`source ${BASH_COMPLETION}`, `eval "$(${script('bash')})"`]);
    await expectWords(shell, [...LINES, ...BROKEN_LINES]);
  });

  test('without', async () => expectWords(start([`eval "$(${script('bash')})"`]), LINES));
});

describeWithPeer(whyNoProgram('zsh'), 'completion in zsh', () => {
  test.each([
    ['evaluated', (code: string) => ['autoload -Uz compinit', 'compinit -u -D', code]],
    [
      'as a function of fpath',
      () => [
        `${script('zsh')} > $HOME/_ftpdctl`,
        'fpath=($HOME $fpath)',
        'autoload -Uz compinit',
        'compinit -u -D',
      ],
    ],
  ])('%s', async (_name, rc) => {
    writeFileSync(join(home, '.zshrc'), rc(`eval "$(${script('zsh')})"`).join('\n'));
    await expectWords(['zsh', '-i'], [...LINES, ...BROKEN_LINES]);
  });
});

describeWithPeer(whyNoProgram('fish'), 'completion in fish', () => {
  test('typed', async () => {
    mkdirSync(join(home, '.config', 'fish'), {recursive: true});
    // Where they are, fish does not set out to make completions from man pages.
    mkdirSync(join(home, '.local', 'share', 'fish', 'generated_completions'), {recursive: true});
    writeFileSync(join(home, '.config', 'fish', 'config.fish'), `${script('fish')} | source\n`);
    await expectWords(['fish', '-i'], [...LINES, ...BROKEN_LINES]);
  });

  const completions = async (line: string) => {
    const {PATH, ...env} = cleanEnvironment(home);
    const asked = ['-c', `${script('fish')} | source; complete -C "${line}"`];
    return (await runProcess('fish', asked, {env: {...env, PATH: `${home}/bin:${PATH}`}})).stdout;
  };

  test('asked, with descriptions', async () => {
    expect(await completions('ftpdctl statu')).toMatch(/^status\tSay which/);
  });

  test('before a letter of the word is typed', async () => {
    expect((await completions('ftpdctl completion ')).trim().split(/\s+/).sort()).toEqual([
      'bash',
      'fish',
      'zsh',
    ]);
  });
});

describe('whom completion asks', () => {
  const words = (socket: string) => ['__complete', '--', '-s', socket, 'msg', 'user', ''];

  test('nobody at a socket where a ProFTPD may answer', async () => {
    const other = await startScriptedServer(hang);
    try {
      expect(await runFtpdctl(words(other.socket))).toMatchObject({status: 0, stdout: '', stderr: ''});
      expect(other.connections).toHaveLength(0);
    } finally {
      await other.stop();
    }
  });

  test("one's own ftpdctl serve, and not for long", async () => {
    const directory = join(home, 'ftpdctl');
    mkdirSync(directory, {mode: 0o700});
    const own = await startScriptedServer(hang, {socket: join(directory, 'ftpdctl.sock')});
    try {
      const env = {XDG_RUNTIME_DIR: home};
      expect(await runFtpdctl(words(own.socket), {env})).toMatchObject({status: 0, stdout: '', stderr: ''});
      expect(own.connections.length).toBeGreaterThan(0);
    } finally {
      await own.stop();
    }
  });

  test('a serve that has answered before', async () => {
    const {stdout} = await runFtpdctl(words(server.socket), {home});
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
      'dave',
      'mad hatter',
      'o$car"s',
      '',
    ]);
  });
});
