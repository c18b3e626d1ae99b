import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {Servers} from '../helpers/servers.ts';
import {openTerminal, type TerminalOptions} from '../helpers/terminal.ts';

/** What comes to prompt mode at once: pastes, and keys that a slow line has gathered. */
const KB = 1024;
const LINE = 'The server goes down for maintenance at noon.\n';

/** Text of so many bytes, in lines; it ends with END. */
function textOf(bytes: number, line = LINE): string {
  return `${line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - 4)} END`;
}

describeWithPeer(whyNoProgram('tmux'), 'what comes at once', () => {
  let servers: Servers;
  let dave: FtpSession;
  beforeAll(async () => {
    servers = await Servers.start();
    dave = await servers.session('dave');
    await vi.waitFor(async () => expect(await servers.who()).toHaveLength(1), {timeout: 10_000});
  });
  afterAll(() => servers?.stop());

  const askText = async (options?: TerminalOptions) => {
    const one = await openTerminal(['-s', servers.socket, 'msg', '--dry-run', 'user', 'dave'], options);
    await one.see('bytes left');
    return one;
  };

  test.each([
    ['40 columns', 3 * KB, {columns: 40, rows: 15}, true],
    ['80 columns', 10 * KB, {columns: 80, rows: 24}, true],
    ['120 columns', 10 * KB, {columns: 120, rows: 40}, true],
    ['80 columns, from a terminal that does not mark it', 10 * KB, {columns: 80, rows: 24}, false],
    ['80 columns, in one line', 10 * KB, {columns: 80, rows: 24}, true, 'x'],
    ['80 columns, in a script of wide characters', 3 * KB, {columns: 80, rows: 24}, true, '\u6f22\u5b57'],
  ])('a paste at %s: %d characters, no more drawn than windows full', async (_name, length, size, isMarked, line = LINE) => {
    const one = await askText(size);
    const before = (await one.written(/bytes left/)).length;
    await one.paste(textOf(length, line), isMarked);
    const screen = await one.see(/END$/m);
    expect(screen).toMatch(/… \d+ characters before/);
    expect(screen).toMatch(/\? Message: \d+ bytes left/);
    const drawn = (await one.written(/END/)).length - before;
    // The kernel hands over 4 KB at once: a paste is drawn once, what is not marked once for each.
    const draws = isMarked ? 1 : Math.ceil(length / (4 * KB)) + 2;
    expect(drawn).toBeLessThan(draws * 2 * size.columns * size.rows);
    expect(await one.scrollback()).toBe(0);
    await one.press('Enter');
    const {status} = await one.ended();
    expect(status).toBe(0);
  });

  test('a message that is pasted arrives as it is, but for what would drive a terminal', async () => {
    const one = await openTerminal(['-s', servers.socket, 'msg', 'user', 'dave']);
    await one.see('bytes left');
    await one.paste('one\ttab\ntwo \x1b[31mred\x1b[m\x07\x04\x08\x9b bell\n\ngrüße \u6f22\u5b57 😀');
    await one.see('😀');
    await one.press('Enter');
    expect((await one.ended()).status).toBe(0);
    await vi.waitFor(async () =>
      expect(await dave.command('NOOP')).toEqual([
        '200-NOOP command successful',
        ' one tab',
        ' two red bell',
        ' ',
        '200 grüße \u6f22\u5b57 😀',
      ]),
    );
  });

  test.each([
    ['marked', true],
    ['not marked', false],
  ])('100 KB, %s: refused with words; what was written stays, and nothing is sent', async (_name, isMarked) => {
    const one = await askText({columns: 80, rows: 24});
    await one.type('written');
    await one.see('written');
    const before = (await one.written(/written/)).length;
    await one.paste(textOf(100 * KB), isMarked);
    const refusal = isMarked ? /too long to be inserted: \d+ bytes more than fit/ : /is not inserted/;
    const screen = await one.see(refusal);
    if (isMarked) expect(screen).toMatch(/^ {2}written$/m);
    // Of what is not marked comes what fits, a read at a time.
    const draws = isMarked ? 2 : 100 / 4 + 5;
    expect((await one.written(/inserted/)).length - before).toBeLessThan(draws * 2 * 80 * 24);
    expect(await one.scrollback()).toBe(0);
    await one.press('C-c');
    expect((await one.ended()).status).toBe(130);
  });

  test('more than is ever kept is refused, too, not cut', async () => {
    const one = await askText();
    await one.paste(textOf(300 * KB));
    await one.see('too long to be inserted: more than 262144 characters');
  });

  const toMenu = async () => {
    const one = await openTerminal(['-s', servers.socket]);
    await one.see('Which action to send?');
    return one;
  };
  const toName = async () => {
    const one = await openTerminal(['-s', servers.socket, 'msg', 'user']);
    await one.see('Which user?');
    return one;
  };
  const toConfirmation = async () => {
    const one = await toMenu();
    await one.type('rmctrl');
    await one.see('❯ rmctrl');
    await one.press('Enter');
    await one.see('Words for rmctrl:');
    await one.type('msg');
    await one.see('❯ msg');
    await one.press('Enter');
    await one.see('Send "rmctrl msg"? (y/N)');
    return one;
  };

  test.each([
    ['the menu, behind 100 KB', toMenu, '', true],
    ['a name, behind 100 KB', toName, '', true],
    ['a confirmation, behind 100 KB', toConfirmation, '', true],
    ['a message, behind 100 KB', askText, '', true],
    ['a message, behind 100 KB not marked', askText, '', false],
    ['a message, in half a paste', askText, '\x1b[200~', false],
    ['a message, in half an escape sequence', askText, '\x1b[200~\x1b[', false],
  ])('Ctrl-C leaves at once: at %s', async (_step, to, start, isMarked) => {
    const one = await to();
    await one.paste(start === '\x1b[200~\x1b[' ? start : start + textOf(100 * KB), isMarked);
    await one.press('C-c');
    expect((await one.ended()).status).toBe(130);
    expect(await one.scrollback()).toBeLessThan(20);
  });

  test.each([
    ['the menu', toMenu, 'Which action to send?', 'Down', '❯ acl'],
    ['a name', toName, 'Which user?', 'z', /Which user\? y.*z/],
    ['a confirmation', toConfirmation, 'Send "rmctrl msg"?', 'z', /rmctrl msg"\?.* y.*z/],
  ])('nothing pasted answers %s', async (_step, to, question, key, shown) => {
    const one = await to();
    // Lines, a false end of the paste, what would leave, and what would go back.
    for (const text of ['y\n', 'y\ny\ny\n', 'y\x1b[201~\ny\n', 'y\x04\ny', 'y\x1b\x1b\ny']) {
      await one.paste(text);
    }
    // All of it has been read when the key behind it has.
    await one.press(key);
    expect(await one.see(shown)).toContain(question);
    await one.press('C-c');
    expect((await one.ended()).status).toBe(130);
    expect(await dave.command('NOOP')).toEqual(['200 NOOP command successful']);
  });

  test('lines from a terminal that does not mark them answer nothing, either', async () => {
    const one = await askText();
    await one.paste('one\ntwo\n', false);
    await one.see(/ {2}one\n {2}two/);
    await one.press('Enter');
    expect((await one.ended()).status).toBe(0);
  });

  test('more than an answer can be: that is said, and the question asked again', async () => {
    const one = await toName();
    await one.paste('x'.repeat(3 * KB));
    await one.see(/too long to be inserted: 3072 characters, of which 1024 would fit\n\? Which user\?/);
    await one.type('dave');
    await one.see('Which user? dave');
    await one.press('Enter');
    await one.see('bytes left');
  });

  test('a name and Enter that come in one read are both taken', async () => {
    const one = await toName();
    await one.paste('dav\r', false);
    await one.see(/✔ Which user\? dave\n.*bytes left/);
  });
});
