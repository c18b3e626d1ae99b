import {buffer} from 'node:stream/consumers';
import {describe, expect, test} from 'vitest';
import {MemoryTree} from '../../../src/lib/ftp/tree/memoryTree.ts';
import {fetchData, storeData} from '../../helpers/data.ts';
import type {FtpSession} from '../../helpers/ftpSession.ts';
import {startMock} from '../../helpers/mock.ts';

interface Started {
  readonly session: FtpSession;
  contentOf(path: string): Promise<string>;
}

/** Logged in, with TYPE I, where `/f` has ten digits. */
async function start(type = 'I'): Promise<Started> {
  const tree = new MemoryTree();
  tree.addFile('/f', '0123456789');
  tree.addDirectory('/d');
  const {login} = await startMock({tree});
  const session = await login();
  await session.command(`TYPE ${type}`);
  const contentOf = async (path: string) => (await buffer(await tree.read(path, 0))).toString();
  return {session, contentOf};
}

describe('a part of a file', () => {
  test.each([
    ['REST 4', '456789'],
    ['REST 10', ''],
    ['RANG 2 4', '234'],
    ['RANG 0 0', '0'],
    ['RANG 8 99', '89'],
    ['RANG 10 12', ''],
  ])('%s and RETR fetch %j; the next RETR fetches all', async (range, content) => {
    const {session} = await start();
    expect((await session.command(range))[0]).toMatch(/^350 /);
    expect((await fetchData(session, 'RETR f')).content).toBe(content);
    expect((await fetchData(session, 'RETR f')).content).toBe('0123456789');
  });

  test.each(['REST', 'RANG'])('beyond the end there is none: %s', async (kind) => {
    const {session, contentOf} = await start();
    for (const command of ['RETR', 'STOR']) {
      await session.command(kind === 'REST' ? 'REST 11' : 'RANG 11 12');
      expect(await session.command(`${command} f`)).toEqual([`554 ${kind}: invalid f argument`]);
    }
    expect(await contentOf('/f')).toBe('0123456789');
  });

  test.each([
    ['REST 4', 'STOR', '150 Opening BINARY mode data connection for f', '0123xy'],
    ['REST 4', 'APPE', '150 Opening BINARY mode data connection for f', '0123xy'],
    ['REST 0', 'STOR', '150 Opening BINARY mode data connection for f', 'xy'],
    ['REST 0', 'APPE', '150 Opening BINARY mode data connection for f', '0123456789xy'],
    ['RANG 4 5', 'STOR', '150 Opening BINARY mode data connection for f (2 bytes)', '0123xy'],
  ])('%s and %s: what is there before it stays', async (range, command, opening, content) => {
    const {session, contentOf} = await start();
    await session.command(range);
    expect(await storeData(session, `${command} f`, 'xy')).toEqual([opening, '226 Transfer complete']);
    expect((await contentOf('/f')).slice(0, content.length)).toBe(content);
  });

  test.each([
    ['RANG 4 5', 'APPE f', '550 APPE incompatible with RANG'],
    ['RANG 0 5', 'STOU', '550 STOU incompatible with RANG'],
    ['REST 1', 'STOU', '550 STOU incompatible with REST'],
  ])('%s and %s do not go together, and the next goes as ever', async (range, command, answer) => {
    const {session, contentOf} = await start();
    await session.command(range);
    expect(await session.command(command)).toEqual([answer]);
    await storeData(session, 'APPE f', 'x');
    expect(await contentOf('/f')).toBe('0123456789x');
  });

  test('that was asked for a transfer that failed is forgotten with it', async () => {
    const {session} = await start();
    await session.command('REST 4');
    expect(await session.command('RETR nosuch')).toEqual(['550 nosuch: No such file or directory']);
    expect((await fetchData(session, 'RETR f')).content).toBe('0123456789');
  });
});

/** As measured on ProFTPD 1.3.8: the commands, and what the RETR behind them fetches of ten digits. */
describe('REST is for the next transfer alone, failed or not, and for no other command', () => {
  const [ALL, REST] = ['0123456789', '456789'];
  test.each<[string, string, ...string[]]>([
    [REST, 'REST 4'],
    [ALL, 'REST 4', '>RETR f'],
    [ALL, 'REST 4', 'RETR nosuch'],
    [ALL, 'REST 4', 'RETR'],
    [ALL, 'REST 40', 'RETR f'],
    [ALL, 'REST 4', 'STOR d/no/x'],
    [ALL, 'REST 4', 'STOR new'],
    [ALL, 'REST 4', 'APPE new'],
    [ALL, 'REST 4', 'STOU'],
    ['23456789', 'REST 4', 'REST 2'],
    [REST, 'REST 4', 'REST x'],
    [REST, 'REST 4', 'REST'],
    [REST, 'REST 4', 'NOOP'],
    [REST, 'REST 4', 'XYZZY'],
    [REST, 'REST 4', 'PWD', 'SIZE f', 'CWD /', 'TYPE I'],
    [REST, 'REST 4', '>LIST'],
    [REST, 'REST 4', '>NLST'],
    [REST, 'REST 4', '>MLSD'],
    [REST, 'REST 4', 'DELE nosuch'],
    [REST, 'REST 4', 'RNFR f', 'RNTO f'],
    [REST, 'REST 4', 'MKD dd', 'RMD dd'],
    [REST, 'REST 4', 'USER dave', 'PASS x'],
    [REST, 'REST 4', 'PORT 127,0,0,1,1,1'],
    [REST, 'REST 4', 'FEAT', 'SYST', 'STAT', 'STAT f', 'ABOR'],
    [REST, 'REST 4', 'OPTS UTF8 on', 'SITE CHMOD 644 f', 'MDTM f', 'MLST f', 'MFMT 20200101000000 f'],
    [REST, 'REST 4', 'ALLO 3', 'ACCT x', 'SMNT x', 'MODE S', 'STRU F'],
    ['123', 'REST 4', 'RANG 1 3'],
    [REST, 'RANG 1 3', 'REST 4'],
    ['123', 'RANG 1 3', 'NOOP', '>LIST'],
    [ALL, 'RANG 1 3', 'RETR nosuch'],
    [ALL, 'RANG 1 3', 'APPE new'],
    [ALL, 'RANG 1 3', 'STOR new'],
  ])('%s is what is fetched after %j %j %j', async (content, ...commands) => {
    const {session} = await start();
    for (const command of commands) {
      if (command.startsWith('>')) await fetchData(session, command.slice(1));
      else await session.command(command);
    }
    expect((await fetchData(session, 'RETR f')).content).toBe(content);
    expect((await fetchData(session, 'RETR f')).content).toBe(ALL);
  });
});

test('a file with control characters in its name is fetched by its octets, not by what is listed', async () => {
  const tree = new MemoryTree();
  tree.addFile('/a\u001b[31m\rred\t', 'red');
  const session = await (await startMock({tree})).login();
  const {content} = await fetchData(session, 'NLST');
  expect(content).toBe('a\\x1b[31m\rred\t\r\n');
  expect((await fetchData(session, `RETR ${content.slice(0, -2)}`)).content).toBe('');
  expect((await fetchData(session, 'RETR a\u001b[31m\rred\t')).content).toBe('red');
});

describe('the octets of a transfer', () => {
  test.each([
    ['A', 'one\r\ntwo\r\n', 'one\ntwo\n'],
    ['I', 'one\r\ntwo\r\n', 'one\r\ntwo\r\n'],
  ])('of TYPE %s are stored, appended and fetched', async (type, wire, stored) => {
    const {session, contentOf} = await start(type);
    for (const command of ['STOR new', 'APPE new']) await storeData(session, command, wire);
    expect(await contentOf('/new')).toBe(stored + stored);
    expect((await fetchData(session, 'RETR new')).content).toBe(wire + wire);
  });

  test('are counted by STAT', async () => {
    const {session} = await start();
    expect((await session.command('STAT')).join()).not.toContain('Total bytes');
    await fetchData(session, 'RETR f');
    await storeData(session, 'STOR new', 'xyz');
    expect(await session.command('STAT')).toContain(' Total bytes transferred for session: 13');
  });
});

test.each([
  ['RETR', "500 'RETR' not understood"],
  ['STOR', "500 'STOR' not understood"],
  ['APPE', "500 'APPE' not understood"],
  ['RETR d', '550 d: Not a regular file'],
  ['STOR d', '550 d: Not a regular file'],
  ['STOR no/f', '550 no/f: No such file or directory'],
  ['RETR nosuch', '550 nosuch: No such file or directory'],
])('%s: %s', async (command, answer) => {
  const {session} = await start();
  expect(await session.command(command)).toEqual([answer]);
});

describe('OPTS UTF8', () => {
  test.each([
    ['OPTS UTF8 OFF', /^200 /, '? u'],
    ['OPTS UTF8 ON', /^200 /, '☃ ü'],
    ['OPTS UTF8 perhaps', /^501 OPTS UTF8 perhaps not understood/, '☃ ü'],
  ])('%s', async (command, answer, text) => {
    const {login, mailbox} = await startMock();
    const session = await login();
    expect((await session.command(command))[0]).toMatch(answer);
    mailbox.last.deliver('☃ ü');
    expect((await session.command('NOOP')).at(-1)).toBe(`200 ${text}`);
  });
});

test('FEAT names what there is', async () => {
  const {session} = await start();
  expect(await session.command('FEAT')).toEqual([
    '211-Features:',
    ' CLNT',
    ' EPRT',
    ' EPSV',
    ' MDTM',
    ' MFF modify;UNIX.mode;',
    ' MFMT',
    ' MLST modify*;perm*;size*;type*;unique*;UNIX.mode*;',
    ' RANG STREAM',
    ' REST STREAM',
    ' SIZE',
    ' TVFS',
    ' UTF8',
    '211 End',
  ]);
});
