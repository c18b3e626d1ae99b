import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test, vi} from 'vitest';
import {hang} from '../helpers/behaviours.ts';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {startScriptedServer} from '../helpers/scriptedServer.ts';
import {Servers} from '../helpers/servers.ts';
import {openTerminal, type Terminal, type TerminalOptions} from '../helpers/terminal.ts';

/** Prompt mode as a person meets it: the real program in a real terminal. */
const MENU = 'Which action to send?';
const NOOP = '200-NOOP command successful';

/** The last that was opened. */
let terminal: Terminal;

async function open(args: readonly string[], options?: TerminalOptions): Promise<Terminal> {
  terminal = await openTerminal(args, options);
  return terminal;
}

/** See one thing after the other, each answered with its keys. */
async function converse(
  {see, type, press}: Pick<Terminal, 'see' | 'type' | 'press'>,
  steps: readonly (readonly [expected: string | RegExp, text: string, ...keys: string[]])[],
): Promise<void> {
  for (const [expected, text, ...keys] of steps) {
    await see(expected);
    if (text !== '') await type(text);
    if (text !== '') await see(text);
    if (keys.length > 0) await press(...keys);
  }
}

describeWithPeer(whyNoProgram('tmux'), 'prompt mode with ftpdctl serve and ftpdctl mock', () => {
  let servers: Servers;
  let dave: FtpSession;
  let alice: FtpSession;
  beforeAll(async () => {
    servers = await Servers.start();
    dave = await servers.session('dave');
    alice = await servers.session('alice', '127.0.1.7');
    await vi.waitFor(async () => expect(await servers.who()).toHaveLength(2), {timeout: 10_000});
  });
  afterAll(() => servers?.stop());

  const prompt = (options?: TerminalOptions) => open(['-s', servers.socket], options);

  test('a message of two lines to a user who was searched and picked; and round again', async () => {
    const {press, type, see, ended} = bound(await prompt());
    await see(MENU);
    await press('Enter');
    await see('everybody: 2 sessions');
    await press('Enter');
    await see(/Which user\?[\s\S]*alice[\s\S]*dave/);
    await type('dav');
    await see('1 session from 127.0.0.1');
    expect(await terminal.screen()).not.toContain('alice');
    await press('Enter');
    await see(/Message: \d{5} bytes left/);
    await type('grüße');
    await press('C-j');
    await type('an alle');
    await see('an alle');
    await press('Enter');
    await see(/would be sent to 1 session\n *ID +USER[\s\S]*dave[\s\S]*Send it to user dave\? \(Y\/n\)/);
    await press('Enter');
    const screen = await see(/message sent\nftpdctl: queued for 1 session\n\? Which action/);
    expect(screen).toContain('✔ Which user? dave');
    await vi.waitFor(async () => expect(await dave.command('NOOP')).toEqual([NOOP, ' grüße', '200 an alle']));
    await press('C-d');
    expect((await ended()).status).toBe(0);
  });

  test.each([
    ['host', 'host', /Which host\?[\s\S]*127\.0\.0\.1[\s\S]*127\.0\.1\.7/, '127.0.1.7', 'host 127.0.1.7'],
    ['class', 'class', /Which class\?\s+❯ staff/, '', 'class staff'],
  ])('a message to a %s that is there', async (_name, kind, asks, typed, audience) => {
    const one = bound(await prompt());
    await converse(one, [
      [MENU, '', 'Enter'],
      ['Send to:', ''],
    ]);
    await one.type(kind);
    await one.see(new RegExp(`❯ ${kind}`));
    await one.press('Enter');
    await converse(one, [
      [asks, typed, 'Enter'],
      ['bytes left', 'hello', 'Enter'],
      [`Send it to ${audience}?`, '', 'Enter'],
    ]);
    await one.see('queued for 1 session');
    await vi.waitFor(async () => expect(await alice.command('NOOP')).toEqual([NOOP, '200 hello']));
  });

  test('a message to one session that is there, told by who it is', async () => {
    const {stdout} = await servers.ftpdctl(['--json', 'who', '--user', 'alice']);
    const [{id}] = JSON.parse(stdout).sessions;
    const one = bound(await prompt());
    await converse(one, [
      [MENU, '', 'Enter'],
      ['Send to:', ''],
    ]);
    await one.type('session');
    await one.see(/❯ session/);
    await one.press('Enter');
    await converse(one, [
      [new RegExp(`Which session\\?[\\s\\S]*${id}`), id, 'Enter'],
      ['bytes left', 'hello', 'Enter'],
      [`Send it to session ${id}?`, '', 'Enter'],
    ]);
    await one.see('queued for 1 session');
    await vi.waitFor(async () => expect(await alice.command('NOOP')).toEqual([NOOP, '200 hello']));
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('a paste of several lines is one message, and confirms nothing', async () => {
    const one = bound(await prompt());
    await converse(one, [[MENU, '', 'Enter']]);
    await one.see('Send to:');
    await one.type('all');
    await one.see('❯ all');
    await one.press('Enter');
    await one.see('bytes left');
    await terminal.paste('one\ntwo\n\nthree');
    await one.see(/ {2}one\n {2}two\n\n {2}three/);
    await one.press('Enter');
    await one.see('Send it to all?');
    await one.type('n');
    await one.press('Enter');
    await one.see(/Send it to all\? No\n\? Which action/);
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('backspace goes back into the line before; nothing to say is not sent', async () => {
    const one = bound(await open(['-s', servers.socket, 'msg', '--dry-run', 'all']));
    await one.see('bytes left');
    await one.press('Enter');
    await one.see('write something');
    await one.type('ab');
    await one.see(/ {2}ab$/m);
    await one.press('C-j', 'BSpace', 'BSpace');
    await one.see(/ {2}a$/m);
    await one.type('c');
    await one.see(/ {2}ac$/m);
    await one.press('Enter');
    const {status, screen} = await one.ended();
    expect(status).toBe(0);
    expect(screen).toMatch(/✔ Message: ac\n/);
  });

  test('nobody would get it: nothing is sent', async () => {
    const one = bound(await prompt());
    await converse(one, [
      [MENU, '', 'Enter'],
      ['Send to:', '', 'Enter'],
      ['Which user?', 'zoe', 'Enter'],
      ['bytes left', 'hello', 'Enter'],
    ]);
    await one.see(/no such client connected\n\? Which user\?/);
  });

  test('any action, with its words', async () => {
    const one = bound(await prompt());
    await one.see(MENU);
    await one.type('status');
    await one.see('❯ status');
    await one.press('Enter');
    await one.see(/❯ all\n[\s\S]*status all, or status ADDRESS\[#PORT\]\.\.\./);
    await one.press('Enter');
    await one.see(/ftpdctl: status: .*UP/);
    await one.type('rmctrl');
    await one.see('❯ rmctrl');
    await one.press('Enter');
    await one.see('Words for rmctrl:');
    await one.type('"msg');
    await one.see('❯ "msg');
    await one.press('Enter');
    await one.see('a quote is not closed');
    await one.press('C-u');
    await one.type("'no such'");
    await one.see("❯ 'no such'");
    await one.press('Enter');
    await one.see('Send "rmctrl \'no such\'"?');
    await one.type('y');
    await one.press('Enter');
    await one.see(/ftpdctl: .*no such/);
  });

  test('a name nobody has, then "No": the text is kept; Escape goes back a step', async () => {
    const one = bound(await prompt());
    await converse(one, [
      [`? ${MENU}`, '', 'Enter'],
      ['? Send to:', '', 'Enter'],
      ['? Which user?', 'zoe', 'Enter'],
      ['? Message:', 'first', 'C-j'],
      ['? Message:', 'second', 'Enter'],
      [/no such client connected\n\? Which user\?/, 'dave', 'Enter'],
      [/\? Message: .* left\n {2}first\n {2}second/, '', 'Enter'],
      ['? Send it to user dave?', '', 'Escape'],
      [/\? Message: .* left\n {2}first\n {2}second/, ', third', 'Escape'],
      ['? Which user?', '', 'Escape'],
      ['? Send to:', '', 'Escape'],
      [`? ${MENU}`, '', 'Escape'],
      [`? ${MENU}`, '', 'Enter'],
      ['? Send to:', '', 'Enter'],
      ['? Which user?', 'dave', 'Enter'],
      [/\? Message: .* left\n {2}first\n {2}second, third/, '', 'Enter'],
      ['? Send it to user dave?', 'n', 'Enter'],
      [`? ${MENU}`, '', 'Enter'],
      ['? Send to:', '', 'Enter'],
      ['? Which user?', 'dave', 'Enter'],
      [/\? Message: .* left\n {2}first\n {2}second, third/, '', 'Enter'],
      ['? Send it to user dave?', '', 'Enter'],
      [`? ${MENU}`, '', 'Enter'],
      ['? Send to:', '', 'Enter'],
      ['? Which user?', 'dave', 'Enter'],
    ]);
    expect(await one.see(/Message: \d+ bytes left\s+Enter: done/)).toContain('queued for 1 session');
    expect(await dave.command('NOOP')).toEqual([NOOP, ' first', '200 second, third']);
  });

  test('an action whose words were refused has them again; Escape goes back to them, and to the menu', async () => {
    const one = bound(await prompt());
    await one.see(MENU);
    await one.type('kick');
    await one.see(/❯ kick[\s\S]*kick user\|host\|class NAME\.\.\./);
    await one.press('Enter');
    await converse(one, [
      [/\? Words for kick:[\s\S]*kick user\|host\|class NAME\.\.\./, 'user nobody', 'Enter'],
      ['? Send "kick user nobody"?', '', 'Escape'],
      [/\? Words for kick: user nobody\n/, '1'],
    ]);
    await one.see('❯ user nobody1');
    await one.press('Enter');
    await converse(one, [
      ['? Send "kick user nobody1"?', 'y', 'Enter'],
      [`? ${MENU}`, ''],
    ]);
    await one.type('kick');
    await one.see('❯ kick');
    await one.press('Enter');
    await converse(one, [
      [/\? Words for kick: user nobody1/, '', 'Escape'],
      [`? ${MENU}`, '', 'C-d'],
    ]);
    expect((await one.ended()).status).toBe(0);
  });

  test('where nobody is to be chosen, it says that one may type', async () => {
    const others = await Servers.start();
    try {
      const one = bound(await open(['-s', others.socket, 'msg', 'user']));
      await converse(one, [[/Which user\?\s+nobody is there now: type a name/, 'zoe', 'Enter']]);
      await converse(one, [['? Message:', '', 'Escape']]);
      await one.see('? Which user?');
      // There is no question before.
      await one.press('Escape');
      expect((await one.ended()).status).toBe(1);
    } finally {
      await others.stop();
    }
  });

  test('"leave" leaves', async () => {
    const one = bound(await prompt());
    await one.see(MENU);
    await one.type('leave');
    await one.see('❯ leave');
    await one.press('Enter');
    expect((await one.ended()).status).toBe(0);
  });

  describe.each([
    ['Ctrl-C', 'C-c', 130],
    ['Ctrl-D', 'C-d', 0],
  ])('%s leaves, and nothing stays but what was answered', (_key, key, expected) => {
    const toMenu = [[MENU, '']] as const;
    const toKind = [
      [MENU, '', 'Enter'],
      ['Send to:', ''],
    ] as const;
    const toName = [...toKind.slice(0, 1), ['Send to:', '', 'Enter'], ['Which user?', 'da']] as const;
    const toText = [
      ...toName.slice(0, 2),
      ['Which user?', 'dave', 'Enter'],
      ['bytes left', 'half a mess'],
    ] as const;
    const toConfirmation = [
      ...toText.slice(0, 3),
      ['bytes left', 'hello', 'Enter'],
      ['Send it', ''],
    ] as const;
    test.each([
      ['the menu', toMenu, MENU],
      ['the kind of audience', toKind, 'Send to:'],
      ['a name half typed', toName, 'Which user?'],
      ['a message half typed', toText, 'half a mess'],
      ['the confirmation', toConfirmation, 'Send it'],
    ])('at %s', async (_step, steps, unanswered) => {
      const one = bound(await prompt());
      await converse(one, steps);
      await one.press(key);
      const {status, screen} = await one.ended();
      expect(status).toBe(expected);
      expect(screen).not.toContain(unanswered);
      expect(screen).not.toMatch(/error|at .*:\d+|force closed/i);
      await isSane();
      expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    });

    test('while a server is waited for', async () => {
      const server = await startScriptedServer(hang);
      try {
        const one = bound(await open(['-s', server.socket]));
        await one.see('waiting');
        await one.type('typed too early');
        await one.press(key);
        expect(await one.ended()).toEqual({status: expected, screen: ''});
        await isSane();
      } finally {
        await server.stop();
      }
    });
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('%s leaves the terminal as it was', async (signal, expected) => {
    const one = bound(await prompt());
    await one.see(MENU);
    process.kill(await terminal.pid(), signal);
    expect(await one.ended()).toEqual({status: expected, screen: ''});
    await isSane();
  });

  test('a server that goes away: that is said, and the conversation goes on', async () => {
    const others = await Servers.start();
    try {
      const one = bound(await open(['-s', others.socket]));
      await one.see(MENU);
      await others.kill('serve', 'SIGTERM');
      await one.press('Enter');
      await one.see(/ftpdctl: cannot reach the server .*[\s\S]*\? Which action/);
    } finally {
      await others.stop();
    }
  });

  describe('words that msg misses are asked for', () => {
    test('all of them', async () => {
      const one = bound(await open(['-s', servers.socket, 'msg']));
      await converse(one, [
        ['Send to:', '', 'Enter'],
        ['Which user?', 'dave', 'Enter'],
        ['bytes left', 'one', 'Enter'],
      ]);
      await one.see('queued for 1 session');
      expect((await one.ended()).status).toBe(0);
      await vi.waitFor(async () => expect(await dave.command('NOOP')).toEqual([NOOP, '200 one']));
    });

    test('the name, and the message', async () => {
      const one = bound(await open(['-s', servers.socket, 'msg', 'class']));
      await converse(one, [
        ['Which class?', '', 'Enter'],
        ['bytes left', 'two', 'Enter'],
      ]);
      expect((await one.ended()).status).toBe(0);
      await vi.waitFor(async () => expect(await alice.command('NOOP')).toEqual([NOOP, '200 two']));
    });

    test('the message', async () => {
      const one = bound(await open(['-s', servers.socket, 'msg', 'user', 'dave']));
      await converse(one, [['bytes left', 'three', 'Enter']]);
      expect((await one.ended()).status).toBe(0);
      await vi.waitFor(async () => expect(await dave.command('NOOP')).toEqual([NOOP, '200 three']));
    });

    test('the audience alone, where the message comes from a file', async () => {
      const file = join(servers.directory, 'notice');
      await writeFile(file, 'four\n');
      const one = bound(await open(['-s', servers.socket, 'msg', '-F', file]));
      await converse(one, [
        ['Send to:', '', 'Enter'],
        ['Which user?', 'dave', 'Enter'],
      ]);
      expect((await one.ended()).status).toBe(0);
      await vi.waitFor(async () => expect(await dave.command('NOOP')).toEqual([NOOP, '200 four']));
    });

    test.each([
      ['Ctrl-C', 'C-c', 130],
      ['Ctrl-D', 'C-d', 1],
    ])('%s: nothing is sent', async (_name, key, expected) => {
      for (const [args, expectedText] of [
        [['msg'], 'Send to:'],
        [['msg', 'user'], 'Which user?'],
        [['msg', 'user', 'dave'], 'bytes left'],
      ] as const) {
        const one = bound(await open(['-s', servers.socket, ...args]));
        await one.see(expectedText);
        await one.press(key);
        expect(await one.ended()).toEqual({status: expected, screen: ''});
        await terminal.stop();
      }
      expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
    });

    test.each([
      ['-q', ['-q', 'msg', 'user']],
      ['--json', ['--json', 'msg', 'user']],
      ['-q, and no action', ['-q']],
    ])('not with %s', async (_name, args) => {
      const one = bound(await open(['-s', servers.socket, ...args]));
      const {status, screen} = await one.ended();
      expect(status).toBe(3);
      expect(screen).toMatch(/missing required/);
    });
  });

  describe('what a terminal cannot do', () => {
    test('NO_COLOR: no colours, from the first byte on', async () => {
      const one = bound(await prompt({env: {NO_COLOR: '1'}}));
      await converse(one, [
        [MENU, '', 'Enter'],
        ['Send to:', '', 'C-d'],
      ]);
      await one.ended();
      expect(await terminal.written()).not.toMatch(/\x1b\[[\d;]*[1-9]\d*m/);
    });

    test('with colours otherwise', async () => {
      const one = bound(await prompt());
      await one.see(MENU);
      expect(await terminal.written(/\x1b\[3\dm/)).toContain('\x1b[');
    });

    test.each([
      ['30 columns', 30, 15],
      ['40 columns', 40, 15],
      ['80 columns', 80, 24],
      ['120 columns', 120, 40],
    ])('%s: choices and keys fit, and a list that is longer says so', async (_name, columns, rows) => {
      const one = bound(await prompt({columns, rows}));
      const fits = async (screen: string) => {
        for (const line of screen.split('\n')) expect(line.length).toBeLessThan(columns);
        // Nothing goes on in the middle of a word.
        expect(screen).toMatch(/^↑↓ move • ⏎ choose • esc back$/m);
        expect(await terminal.scrollback()).toBe(0);
      };
      const menu = await one.see(/Which action to send\?[\s\S]*esc back/);
      await fits(menu);
      expect(menu).toMatch(/^\d+ of 14 shown: ↑↓ for more$/m);
      expect(menu.replace(/\s+/g, ' ')).toContain(
        'msg user|host|class|session NAME MESSAGE..., or msg all MESSAGE...',
      );
      await one.press('Enter');
      await fits(await one.see(/Send to:[\s\S]*esc back/));
      await one.press('Enter');
      await fits(await one.see(/Which user\?[\s\S]*esc back/));
      await converse(one, [
        ['Which user?', 'dave', 'Enter'],
        ['bytes left', 'hello, this is', 'Enter'],
        ['Send it to user dave?', '', 'C-c'],
      ]);
      expect((await one.ended()).status).toBe(130);
    });

    test.each([
      [30, 'waiting 1 s'],
      [40, 'waiting 1 s for the server to poll'],
      [80, 'waiting 1 s: the server polls every 10 s or so (ControlsInterval)'],
      [120, 'waiting 1 s: the server looks at its socket every ControlsInterval seconds, by default 10'],
    ])('the waiting line fits %d columns', async (columns, expected) => {
      const server = await startScriptedServer(hang);
      try {
        const one = bound(await open(['-s', server.socket], {columns, rows: 15}));
        const screen = await one.see(/waiting [1-9]\d* s/);
        const line = screen.trim().replace(/waiting \d+/, 'waiting 1');
        expect(line).toBe(expected);
        await one.press('C-c');
        expect(await one.ended()).toEqual({status: 130, screen: ''});
      } finally {
        await server.stop();
      }
    });

    test('TERM=dumb: the same questions in plain lines, not one escape sequence', async () => {
      const one = bound(await prompt({env: {TERM: 'dumb'}}));
      await converse(one, [
        [/\d\) leave\n.*\(number or name\)/, '1', 'Enter'],
        [/4\) session .*\n5\) all .*\nSend to: .*/, 'user', 'Enter'],
        [/2\) dave\ntype to find one, or another name\nWhich user\?.*/, '2', 'Enter'],
        [/Message: \(\d+ bytes, an empty line ends it\)/, 'one', 'Enter'],
        ['...', 'two', 'Enter'],
      ]);
      await one.press('Enter');
      await converse(one, [['Send it to user dave? (Y/n)', '', 'Enter']]);
      await one.see('queued for 1 session');
      await vi.waitFor(async () => expect(await dave.command('NOOP')).toEqual([NOOP, ' one', '200 two']));
      await one.press('C-d');
      expect((await one.ended()).status).toBe(0);
      expect(await terminal.written()).not.toContain('\x1b');
    });

    test('TERM=dumb: Ctrl-C', async () => {
      const one = bound(await prompt({env: {TERM: 'dumb'}}));
      await one.see('(number or name)');
      await one.press('C-c');
      expect((await one.ended()).status).toBe(130);
    });
  });

  test('a bar grows while a message is waited for, and is gone afterwards', async () => {
    const one = bound(await open(['-s', servers.socket, 'msg', '--wait=20', 'all', 'bar']));
    await one.see('[------------------------] shown to 0 of 2 sessions');
    await dave.command('NOOP');
    await one.see('[############------------] shown to 1 of 2 sessions');
    await alice.command('NOOP');
    const {status, screen} = await one.ended();
    expect(status).toBe(0);
    expect(screen).toBe(
      'ftpdctl: message sent\nftpdctl: queued for 2 sessions\nftpdctl: shown to 2 of 2 sessions',
    );
  });
});

describeWithPeer(whyNoProgram('tmux') ?? whyNoProftpd(), 'prompt mode with a real ProFTPD 1.3.8', () => {
  let server: RealProftpd;
  let dave: FtpSession;
  beforeAll(async () => {
    server = await startProftpd({classes: {staff: ['127.0.0.0/8']}});
    dave = await server.session('dave');
  });
  afterAll(() => server?.stop());

  test('the whole conversation: live names; who would get it; one line; ASCII', async () => {
    const one = bound(await open(['-s', server.socket]));
    await converse(one, [
      [/Which action to send\?\s+❯ msg/, '', 'Enter'],
      ['Send to:', '', 'Enter'],
      ['Which user?', 'dave', 'Enter'],
      ['5113 bytes left', 'grüße', 'C-j'],
    ]);
    await one.see('by its socket a ProFTPD takes one line');
    await one.type('an alle');
    await one.see('5099 bytes left');
    await one.press('Enter');
    await one.see('In ASCII, all that a ProFTPD takes by its socket: grusse an alle');
    await one.see(
      /message would be sent to 1 session\nID +USER [\s\S]*dave[\s\S]*\n\? Send it to user dave\?/,
    );
    await one.press('Enter');
    await one.see(/message sent\n\? Which action/);
    expect(await terminal.screen()).not.toContain('queued');
    expect(await dave.command('NOOP')).toEqual([NOOP, '200 grusse an alle']);

    await converse(one, [
      [MENU, '', 'Enter'],
      ['Send to:', '', 'Enter'],
      [/Which user\?\s+❯ dave\n[\s\S]*1 session from/, '', 'C-c'],
    ]);
    expect((await one.ended()).status).toBe(130);
    await isSane();
  });

  test('an action of a module, with its words and a second thought', async () => {
    const alice = await server.session('alice');
    const one = bound(await open(['-s', server.socket]));
    await one.see(MENU);
    await one.type('kick');
    await one.see('❯ kick');
    await one.press('Enter');
    await converse(one, [['Words for kick:', 'user alice', 'Enter']]);
    await one.see('Send "kick user alice"?');
    await one.type('y');
    await one.press('Enter');
    await one.see(/ftpdctl: .*alice/);
    expect(server.alive()).toBe(true);
    await alice.close();
  });

  test('no server at the socket: one line, and 1', async () => {
    const one = bound(await open(['-s', `${server.directory}/none`]));
    const {status, screen} = await one.ended();
    expect(status).toBe(1);
    expect(screen).toMatch(/^ftpdctl: cannot reach the server/);
  });
});

/** The methods of a terminal, as functions. */
function bound(one: Terminal) {
  return {
    see: one.see.bind(one),
    type: one.type.bind(one),
    press: one.press.bind(one),
    ended: one.ended.bind(one),
  };
}

/** The terminal shows its cursor, and what is typed, as it did before. */
async function isSane(): Promise<void> {
  expect(await terminal.hasCursor()).toBe(true);
  await terminal.type('as before');
  await terminal.see('as before');
}
