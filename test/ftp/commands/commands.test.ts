import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import fc from 'fast-check';
import {describe, expect, onTestFinished, test} from 'vitest';
import {VERBS} from '../../../src/lib/ftp/commands/commands.ts';
import {matches} from '../../../src/lib/ftp/commands/pattern.ts';
import {fromNetwork, toNetwork} from '../../../src/lib/ftp/commands/transfer.ts';
import {MemoryTree} from '../../../src/lib/ftp/tree/memoryTree.ts';
import {readOnly} from '../../../src/lib/ftp/tree/tree.ts';
import {JOIN_RULES} from '../../../src/lib/reply/commands.ts';
import {fetchData, openData, storeData} from '../../helpers/data.ts';
import {startMock} from '../../helpers/mock.ts';

test('every command has its rule for messages', () => {
  const ruled = JOIN_RULES.map(({command}) => command);
  expect(VERBS.filter((verb) => !ruled.includes(verb))).toEqual([]);
});

describe('one session', () => {
  test('paths', async () => {
    const {login} = await startMock();
    const session = await login();
    for (const [command, answer] of [
      ['MKD a "b"', '257 "/a ""b""" - Directory successfully created'],
      ['CWD a "b"', '250 CWD command successful'],
      ['PWD', '257 "/a ""b""" is the current directory'],
      ['CDUP', '250 CDUP command successful'],
      ['CDUP', '250 CDUP command successful'],
      ['XPWD', '257 "/" is the current directory'],
      ['RNFR a "b"', '350 File or directory exists, ready for destination name'],
      ['RNTO  space', '250 Rename successful'],
      ['RNTO again', '503 Bad sequence of commands'],
      ['CWD  space', '250 CWD command successful'],
      ['XCUP', '250 XCUP command successful'],
      ['RNFR welcome.txt', '350 File or directory exists, ready for destination name'],
      ['NOOP', '200 NOOP command successful'],
      ['DELE welcome.txt', '501 Bad sequence of commands'],
      ['RNTO pub', '550 pub: Operation not permitted'],
      ['RNTO x', '503 Bad sequence of commands'],
      ['XRMD  space', '250 XRMD command successful'],
      ['RMD pub', '550 pub: Directory not empty'],
      ['CWD welcome.txt', '550 welcome.txt: Not a directory'],
      ['CWD ../../../etc', '550 ../../../etc: No such file or directory'],
      ['SITE CHMOD 600 welcome.txt', '200 SITE CHMOD command successful'],
      ['SITE CHMOD 4755 welcome.txt', '550 welcome.txt: Operation not permitted'],
      ['DELE welcome.txt', '250 DELE command successful'],
    ] as const) {
      expect([command, await session.command(command)]).toEqual([command, [answer]]);
    }
  });

  test('a file goes up, is resumed, appended to, renamed, fetched, sized and removed', async () => {
    const {login} = await startMock();
    const session = await login();
    await session.command('TYPE I');
    expect(await storeData(session, 'STOR incoming/é☃', 'hello ')).toEqual([
      '150 Opening BINARY mode data connection for incoming/é☃',
      '226 Transfer complete',
    ]);
    await session.command('REST 6');
    await storeData(session, 'STOR incoming/é☃', 'wide world');
    await storeData(session, 'APPE incoming/é☃', '!\r\n');
    expect((await fetchData(session, 'RETR incoming/é☃')).content).toBe('hello wide world!\r\n');
    await session.command('REST 6');
    expect((await fetchData(session, 'RETR incoming/é☃')).content).toBe('wide world!\r\n');
    expect((await fetchData(session, 'RETR incoming/é☃')).content).toBe('hello wide world!\r\n');
    expect(await session.command('SIZE incoming/é☃')).toEqual(['213 19']);
    expect((await session.command('MDTM incoming/é☃'))[0]).toMatch(/^213 \d{14}$/);
    await session.command('REST 20');
    expect((await fetchData(session, 'RETR incoming/é☃')).reply[0]).toMatch(/^554 /);
    const [opening] = await storeData(session, 'STOU', 'unique');
    const name = /^150 FILE: (ftp\w+)$/.exec(opening!)![1]!;
    expect((await fetchData(session, `RETR ${name}`)).content).toBe('unique');
  });

  test('listings', async () => {
    const {login} = await startMock();
    const session = await login();
    const {content} = await fetchData(session, 'LIST -al /');
    expect(content.split('\r\n')[0]).toMatch(
      /^drwxr-xr-x {3}2 ftp {6}ftp {10}4096 \w{3} [ \d]\d \d\d:\d\d \.$/,
    );
    expect((await fetchData(session, 'NLST pub')).content).toBe('pub/hello.txt\r\npub/numbers.txt\r\n');
    expect((await fetchData(session, 'NLST pub/n*.txt')).content).toBe('pub/numbers.txt\r\n');
    expect((await fetchData(session, 'NLST *.txt')).content).toBe('welcome.txt\r\n');
    expect((await fetchData(session, 'NLST nothing*')).reply).toEqual(['450 No files found']);
    expect((await fetchData(session, 'MLSD welcome.txt')).reply).toEqual([
      "550 'welcome.txt' is not a directory",
    ]);
    expect(await session.command('OPTS MLST Type;nosuch;SIZE;type;')).toEqual(['200 MLST OPTS type;size;']);
    expect((await fetchData(session, 'MLSD pub')).content.split('\r\n').sort()).toEqual([
      '',
      'size=13;type=file; hello.txt',
      'size=3890;type=file; numbers.txt',
      'type=cdir; .',
      'type=pdir; ..',
    ]);
    expect(await session.command('MLST welcome.txt')).toEqual([
      '250-Start of list for welcome.txt',
      ' size=75;type=file; /welcome.txt',
      '250 End of list',
    ]);
    expect(await session.command('FEAT')).toContain(' MLST modify;perm;size*;type*;unique;UNIX.mode;');
    expect((await session.command('STAT pub')).at(-1)).toBe('212 End of status');
  });

  test.each([
    ['LIST', ' evil\\x0a-rw-r--r-- for\rged\t\\x1b[2J\\x9b'],
    ['NLST', 'evil\\x0a-rw-r--r-- for\rged\t\\x1b[2J\\x9b'],
    ['MLSD', ' evil\\x0a-rw-r--r-- for\rged\t\\x1b[2J\\x9b'],
    ['STAT .', ' evil\\x0a-rw-r--r-- for\rged\t\\x1b[2J\\x9b'],
  ])('%s spells out what a name on disk holds of line ends and terminal control, and leaves TAB and CR', async (command, end) => {
    const tree = new MemoryTree();
    tree.addFile('/evil\n-rw-r--r-- for\rged\t\x1b[2J\x9b', '');
    const {login} = await startMock({tree});
    const session = await login();
    const lines = command.startsWith('STAT')
      ? (await session.command(command)).slice(3, -1)
      : (await fetchData(session, command)).content.split('\r\n').filter((line) => !/type=.dir/.test(line));
    expect(lines.map((line) => line.slice(-end.length))).toEqual(
      command.startsWith('STAT') ? [end] : [end, ''],
    );
  });

  test('LIST -R of a deep tree: each directory once, and meanwhile others are answered', async () => {
    const tree = new MemoryTree();
    const depth = 500;
    for (let level = 1; level <= depth; level++) tree.addDirectory('/d'.repeat(level));
    const {login} = await startMock({tree});
    const [session, other] = [await login(), await login()];
    const listing = fetchData(session, 'LIST -R');
    expect(await other.command('NOOP')).toEqual(['200 NOOP command successful']);
    const headers = (await listing).content.match(/^d.*:$/gm) ?? [];
    expect(headers.map((header) => header.split('/').length)).toEqual(
      Array.from({length: depth}, (_, level) => level + 1),
    );
  });

  test('HELP', async () => {
    const {login} = await startMock();
    const session = await login();
    const help = await session.command('HELP');
    expect(help.join(' ').match(/\b[A-Z]{3,4}\b/g)).toEqual(expect.arrayContaining([...VERBS]));
    expect(await session.command('HELP retr')).toEqual(['214 Syntax: RETR <sp> pathname']);
  });

  test('read-only', async () => {
    const {login} = await startMock({tree: readOnly(MemoryTree.sample())});
    const session = await login();
    expect(await storeData(session, 'STOR x', 'y')).toEqual(['550 x: Read-only file system']);
    expect(await session.command('DELE welcome.txt')).toEqual(['550 welcome.txt: Read-only file system']);
  });

  test('a full tree says so', async () => {
    const {login} = await startMock({tree: new MemoryTree({bytes: 10, entries: 10})});
    const session = await login();
    expect((await storeData(session, 'STOR x', 'x'.repeat(11))).at(-1)).toBe(
      '552 Transfer aborted: No space left on device',
    );
  });

  test('login in the wrong order, or under names that are none', async () => {
    const {connect: open} = await startMock();
    const session = await open();
    for (const [command, answer] of [
      ['RETR x', '530 Please login with USER and PASS'],
      ['PASS x', '503 Login with USER first'],
      ['USER', '500 USER: command requires a parameter'],
      ['USER a\x1bb', '501 Login name with control characters'],
      [`USER ${'x'.repeat(257)}`, '501 Login name too long'],
      ['USER dave', '331 Password required for dave'],
      ['PASS', '230 User dave logged in'],
      ['USER dave', '230 User dave logged in'],
      ['USER alice', '501 Reauthentication not supported'],
    ] as const) {
      expect(await session.command(command)).toEqual([answer]);
    }
  });
});

describe('data connections', () => {
  test.each([
    ['another host', 'PORT 127,0,0,2,200,10', '500 Illegal PORT command'],
    ['a privileged port', 'PORT 127,0,0,1,0,25', '500 Illegal PORT command'],
    ['no address', 'PORT 127,0,0,256,200,10', '501 Illegal PORT command'],
    ['another host', 'EPRT |1|127.0.0.2|51210|', '500 Illegal EPRT command'],
    ['a host by name', 'EPRT |1|localhost|51210|', '501 Illegal EPRT command'],
    ['the host in disguise', 'EPRT |1|::ffff:127.0.0.2|51210|', '500 Illegal EPRT command'],
    ['a port too high', 'EPRT |1|127.0.0.1|99999|', '500 Illegal EPRT command'],
    ['the client itself', 'PORT 127,0,0,1,200,10', '200 PORT command successful'],
    ['the client itself', 'EPRT |1|127.0.0.1|51210|', '200 EPRT command successful'],
    ['the client itself, other delimiter', 'EPRT !1!127.0.0.1!51210!', '200 EPRT command successful'],
  ])('to %s: %s', async (_who, command, answer) => {
    const {login} = await startMock();
    const session = await login();
    expect(await session.command(command)).toEqual([answer]);
  });

  test('a refused PORT leaves no way to the third party', async () => {
    const {login} = await startMock();
    const session = await login();
    let calls = 0;
    const victim = createServer((socket) => {
      calls += 1;
      socket.destroy();
    }).listen(0, '127.0.0.2');
    await once(victim, 'listening');
    onTestFinished(() => void victim.close());
    const {port} = victim.address() as {port: number};
    await session.command(`PORT 127,0,0,2,${port >> 8},${port & 255}`);
    expect(await session.command('LIST')).toEqual([
      '425 Unable to build data connection: Connection refused',
    ]);
    expect(calls).toBe(0);
  });

  test('a passive port is for the client that asked for it, once', async () => {
    const {login} = await startMock();
    const session = await login();
    const [answer] = await session.command('EPSV');
    const port = Number(/\|(\d+)\|/.exec(answer!)![1]);
    const thief = connect({host: '127.0.0.1', port, localAddress: '127.0.0.2'}).on('error', () => {});
    await once(thief.resume(), 'close');
    const own = connect({host: '127.0.0.1', port});
    const content = buffer(own);
    await session.command('NLST pub');
    await session.reply();
    expect((await content).toString()).toBe('pub/hello.txt\r\npub/numbers.txt\r\n');
    const late = connect({host: '127.0.0.1', port});
    await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  test('is for one transfer: the next has to ask for its own', async () => {
    const {login} = await startMock();
    const session = await login();
    await fetchData(session, 'NLST');
    expect(await session.command('NLST')).toEqual([
      '425 Unable to build data connection: Connection refused',
    ]);
  });

  test('after EPSV ALL there is no other way', async () => {
    const {login} = await startMock();
    const session = await login();
    await session.command('EPSV ALL');
    for (const command of ['PASV', 'PORT 127,0,0,1,200,10', 'EPRT |1|127.0.0.1|51210|']) {
      expect((await session.command(command))[0]).toMatch(/^500 Illegal .* EPSV ALL in effect$/);
    }
    expect((await session.command('EPSV'))[0]).toMatch(/^229 /);
  });

  test('a client that hangs up in the middle gets a 426, and its upload is kept', async () => {
    const {login} = await startMock();
    const session = await login();
    const data = await openData(session);
    await session.command('STOR part');
    data.write('half');
    // A reset that comes together with the last octets looks like an end to Node.
    await expect.poll(async () => (await session.command('STAT'))[4]).toContain(' 4 bytes transferred');
    data.resetAndDestroy();
    expect(await session.reply()).toEqual(['426 Transfer aborted. Data connection closed']);
    expect(await session.command('STAT part')).toHaveLength(3);
  });
});

describe('ASCII', () => {
  const through = async (convert: () => ReturnType<typeof toNetwork>, ...pieces: string[]): Promise<string> =>
    (
      await buffer(Readable.from(pieces.map((piece) => Buffer.from(piece, 'latin1'))).pipe(convert()))
    ).toString('latin1');

  test('line ends are CR LF on the wire, and LF in the file, wherever the pieces are cut', async () => {
    const text = fc.string({unit: fc.constantFrom('a', '\r', '\n', '\xff')});
    await fc.assert(
      fc.asyncProperty(fc.array(text, {maxLength: 5}), async (pieces) => {
        const whole = pieces.join('');
        expect(await through(toNetwork, ...pieces)).toBe(whole.replace(/(?<!\r)\n/g, '\r\n'));
        expect(await through(fromNetwork, ...pieces)).toBe(whole.replaceAll('\r\n', '\n'));
      }),
      {numRuns: 200},
    );
  });
});

test.each([
  ['*', 'anything', true],
  ['*.txt', 'a.txt', true],
  ['*.txt', 'a.txt.gz', false],
  ['?.t?t', 'a.txt', true],
  ['?', '', false],
  ['a*b*c', 'aXbYbZc', true],
  ['a*b*c', 'aXbYb', false],
  ['[ab]?', 'bc', true],
  ['[!ab]*', 'bc', false],
  ['[^a-c]*', 'd', true],
  ['[]]', ']', true],
  ['[ab', '[ab', true],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['**', '', true],
  [`${'a*'.repeat(100)}b`, 'a'.repeat(5000), false],
])('%s matches %s: %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected);
});
