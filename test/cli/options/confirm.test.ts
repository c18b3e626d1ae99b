import {afterEach, describe, expect, test} from 'vitest';
import {speak} from '../../helpers/behaviours.ts';
import {runFtpdctl} from '../../helpers/program.ts';
import {type ScriptedServer, startScriptedServer} from '../../helpers/scriptedServer.ts';
import {openTerminal, type Terminal, type TerminalOptions} from '../../helpers/terminal.ts';

let server: ScriptedServer;
afterEach(async () => {
  await server.stop();
});

async function start(): Promise<void> {
  server = await startScriptedServer(speak('binary', {status: 0, responses: ['done']}));
}

async function at(args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
  await start();
  return openTerminal(['-s', server.socket, ...args], options);
}

const ENDINGS = [
  ['shutdown', 'Shut the server down'],
  ['restart', 'Restart the server'],
  ['rmctrl all', 'Close the controls socket'],
  ['down all', 'Take every server down'],
] as const;

describe('at a terminal, before what ends a server', () => {
  test.each([40, 80, 120])('%i columns: Enter is no', async (columns) => {
    const person = await at(['shutdown', 'graceful', '60'], {columns});
    await person.see(/Shut the server down/);
    await person.see(/\(y\/N\)/);
    await person.press('Enter');
    const {status, screen} = await person.ended();
    expect(status).toBe(1);
    expect(screen).toContain('ftpdctl: nothing was sent');
    expect(server.executed).toEqual([]);
  });

  test.each(ENDINGS)('%s: y sends it', async (line, question) => {
    const person = await at(line.split(' '));
    await person.see(question);
    await person.type('y');
    await person.press('Enter');
    expect((await person.ended()).status).toBe(0);
    expect(server.executed).toHaveLength(1);
  });

  test.each([
    ['request', ['request', 'shutdown']],
    ['-q and a word that means nothing', ['-q', 'shutdown', 'now']],
    ['--json', ['--json', 'shutdown']],
  ])('%s: Ctrl-C leaves', async (_name, args) => {
    const person = await at(args);
    await person.see('Shut the server down');
    await person.press('C-c');
    expect((await person.ended()).status).toBe(130);
    expect(server.executed).toEqual([]);
  });

  test('where lines can only be added', async () => {
    const person = await at(['shutdown'], {env: {TERM: 'dumb'}, columns: 40});
    await person.see('Shut the server down');
    await person.type('no');
    await person.press('Enter');
    expect((await person.ended()).status).toBe(1);
    expect(server.executed).toEqual([]);
  });

  test.each([[['--yes', 'shutdown']], [['rmctrl', 'kick']]])('%j is sent unasked', async (args) => {
    const person = await at(args);
    expect((await person.ended()).status).toBe(0);
    expect(server.executed).toHaveLength(1);
  });
});

test.each(ENDINGS)('without a terminal nobody is asked: %s', async (line) => {
  await start();
  const {status, stderr} = await runFtpdctl(['-s', server.socket, ...line.split(' ')]);
  expect({status, stderr}).toEqual({status: 0, stderr: ''});
  expect(server.executed).toHaveLength(1);
});

test('--yes after the action is not sent to it', async () => {
  await start();
  const {status, stderr} = await runFtpdctl(['-s', server.socket, 'shutdown', '--yes']);
  expect(status).toBe(3);
  expect(stderr).toBe('ftpdctl: --yes stands before the action (ftpdctl --yes shutdown)\n');
  expect(server.executed).toEqual([]);
});
