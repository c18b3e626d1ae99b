import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {speak} from '../../helpers/behaviours.ts';
import {OPEN, startControlsServer} from '../../helpers/controlsServer.ts';
import {runFtpdctl} from '../../helpers/program.ts';
import {type ScriptedServer, startScriptedServer} from '../../helpers/scriptedServer.ts';

/** Messages that come from a file or from standard input, by running the program. */
let directory: string;
let server: ScriptedServer | undefined;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ftpdctl-text-'));
});
afterAll(() => rm(directory, {recursive: true, force: true}));
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const file = (name: string) => join(directory, name);

async function fileOf(content: string | Uint8Array): Promise<string> {
  await writeFile(file('notice'), content);
  return file('notice');
}

/** A ProFTPD that takes everything. */
async function proftpd(): Promise<ScriptedServer> {
  server = await startScriptedServer(speak('binary', {status: 0, responses: ['message sent']}));
  return server;
}

describe('what a file and standard input come to', () => {
  test.each([
    ['a line', 'going down', 'going down'],
    ['a line with its end', 'going down\n', 'going down'],
    ['a line with many ends', 'going down\r\n\n\n', 'going down'],
    ['a byte order mark', '\ufeffgoing down\n', 'going down'],
    ['words like options', '--wait -v\n', '--wait -v'],
    ['a lone dash', '-\n', '-'],
  ])('%s', async (_name, content, message) => {
    const {socket} = await proftpd();
    await fileOf(content);
    for (const [args, input] of [
      [['-F', file('notice'), 'all'], ''],
      [[`--file=${file('notice')}`, 'all'], ''],
      [['all', '-'], content],
      [['-F', '-', 'all'], content],
      [['all', '-F', file('notice')], ''],
    ] as const) {
      const {status, stderr} = await runFtpdctl(['-s', socket, 'msg', ...args], {input});
      expect({status, stderr}).toEqual({status: 0, stderr: ''});
    }
    expect(server!.executed.map(({args}) => args)).toEqual(Array(5).fill(['all', message]));
  });

  test('an option among other words is a word', async () => {
    const {socket} = await proftpd();
    await runFtpdctl(['-s', socket, 'msg', 'all', '-F', 'is', 'faster']);
    expect(server!.executed.map(({args}) => args)).toEqual([['all', '-F is faster']]);
  });

  test('a dash among other words is a word', async () => {
    const {socket} = await proftpd();
    await runFtpdctl(['-s', socket, 'msg', 'all', '-', 'now'], {input: 'never read'});
    expect(server!.executed.map(({args}) => args)).toEqual([['all', '- now']]);
  });
});

describe('what is refused: one line that says why, and nothing is sent', () => {
  test.each<[string, () => Promise<string[]>, RegExp, string?]>([
    ['a file that is not there', async () => ['-F', file('none'), 'all'], /none: no such file/],
    ['a directory', async () => ['-F', directory, 'all'], /is a directory|illegal operation/],
    ['an empty file', async () => ['-F', await fileOf('\n\n'), 'all'], /holds no message/],
    ['no standard input', async () => ['all', '-'], /standard input holds no message/],
    [
      'what is no UTF-8',
      async () => ['-F', await fileOf(Buffer.from('gr\xfc\xdfe', 'latin1')), 'all'],
      /UTF-8/,
    ],
    ['a NUL', async () => ['-F', await fileOf('a\0b'), 'all'], /U\+0000/],
    ['a tab', async () => ['all', '-'], /U\+0009/, 'a\tb'],
    ['an endless file', async () => ['-F', '/dev/zero', 'all'], /more than 65536 bytes/],
    ['a long file', async () => ['-F', await fileOf('x '.repeat(40_000)), 'all'], /more than 65536 bytes/],
    ['long input', async () => ['all', '-'], /more than 65536 bytes/, 'x '.repeat(40_000)],
    ['words besides', async () => ['-F', await fileOf('hi'), 'all', 'hi'], /given twice/],
    [
      'several lines',
      async () => ['-F', await fileOf('one\ntwo'), 'all'],
      /several lines, and .*--join-lines/,
    ],
    ['no audience', async () => ['-F', await fileOf('hi')], /missing required parameters/],
    ['no name', async () => ['-F', await fileOf('hi'), 'user'], /missing required user name/],
  ])('%s', async (_name, args, why, input = '') => {
    const {socket} = await proftpd();
    const run = await runFtpdctl(['-s', socket, 'msg', ...(await args())], {input});
    expect({status: run.status, stdout: run.stdout}).toEqual({status: 3, stdout: ''});
    expect(run.stderr).toMatch(why);
    expect(run.stderr).toMatch(/^ftpdctl: [^\n]+\n$/);
    expect(server!.executed.filter(({action}) => action === 'msg')).toEqual([]);
  });

  test('a file one may not read', async () => {
    const {socket} = await proftpd();
    await mkdir(file('closed'), {mode: 0o700});
    await writeFile(file('closed/notice'), 'hi');
    const {status, stderr} = await runFtpdctl(['-s', socket, 'msg', '-F', file('closed/notice'), 'all'], {
      ...(process.getuid?.() === 0 ? {uid: 65534} : {}),
    });
    expect({status, stderr}).toEqual({
      status: 3,
      stderr: `ftpdctl: cannot read ${file('closed/notice')}: permission denied\n`,
    });
  });
});

describe('--join-lines', () => {
  test('makes one line of several for a ProFTPD, with one space between them', async () => {
    const {socket} = await proftpd();
    const input = '  going down  \n\n at 18:00\r\nfor an hour\n';
    await runFtpdctl(['-s', socket, 'msg', '--join-lines', 'all', '-'], {input});
    const sent = server!.executed.filter(({action}) => action === 'msg');
    expect(sent.map(({args}) => args)).toEqual([['all', 'going down at 18:00 for an hour']]);
  });

  test('leaves them as they are for ftpdctl serve, which shows several', async () => {
    const running = await startControlsServer(OPEN);
    try {
      const {stdout} = await runFtpdctl(['-s', running.socket, '--json', 'msg', '--join-lines', 'all', '-'], {
        input: 'one\ntwo\n',
      });
      expect(JSON.parse(stdout)).toMatchObject({args: ['all', 'one\ntwo']});
    } finally {
      await running.stop();
    }
  });
});
