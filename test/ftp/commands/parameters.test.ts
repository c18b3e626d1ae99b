import {describe, expect, test} from 'vitest';
import {MemoryTree} from '../../../src/lib/ftp/tree/memoryTree.ts';
import {startMock} from '../../helpers/mock.ts';

/** One command after the other, each with its answer's first line. */
async function dialogue(lines: readonly (readonly [string, string])[]): Promise<void> {
  const {login} = await startMock();
  const session = await login();
  const answers: [string, string][] = [];
  for (const [command] of lines) answers.push([command, (await session.command(command))[0]!]);
  expect(answers).toEqual(lines);
}

describe('parameters of a transfer', () => {
  test('TYPE', () =>
    dialogue([
      ['TYPE I', '200 Type set to I'],
      ['TYPE a', '200 Type set to a'],
      ['TYPE A N', '200 Type set to A'],
      ['TYPE L 8', '200 Type set to L'],
      ['TYPE L 7', '200 Type set to L'],
      ['TYPE L 9', "504 TYPE not implemented for 'L' parameter"],
      ['TYPE L', "504 TYPE not implemented for 'L' parameter"],
      ['TYPE E', "504 TYPE not implemented for 'E' parameter"],
      ['TYPE A N x', "500 'TYPE A N x' not understood"],
    ]));

  test('TYPE is the type from then on', async () => {
    const {login} = await startMock();
    const session = await login();
    const typeNow = async () => (await session.command('STAT'))[3];
    const seen = [];
    for (const type of ['I', 'A', 'L 8', 'L 7', 'i']) {
      await session.command(`TYPE ${type}`);
      seen.push(/TYPE: (\w+)/.exec((await typeNow())!)![1]);
    }
    expect(seen).toEqual(['BINARY', 'ASCII', 'BINARY', 'ASCII', 'BINARY']);
  });

  test('MODE and STRU', () =>
    dialogue([
      ['MODE S', '200 Mode set to S'],
      ['MODE s', '200 Mode set to S'],
      ['MODE B', "504 'MODE B' unsupported transfer mode"],
      ['MODE C', "504 'MODE C' unsupported transfer mode"],
      ['MODE X', "501 'MODE X' unrecognized transfer mode"],
      ['MODE S S', "501 'MODE S S' not understood"],
      ['STRU F', '200 Structure set to F'],
      ['STRU R', "504 'STRU R' unsupported structure type"],
      ['STRU P', "504 'STRU P' unsupported structure type"],
      ['STRU X', "501 'STRU X' unrecognized structure type"],
      ['STRU F F', "501 'STRU F F' not understood"],
    ]));

  test('ALLO', () =>
    dialogue([
      ['ALLO 10', '200 ALLO command successful'],
      ['ALLO -1', '200 ALLO command successful'],
      ['ALLO 10 R 5', '200 ALLO command successful'],
      ['ALLO 10 r 5', '200 ALLO command successful'],
      ['ALLO ten', '504 ten: Invalid ALLO argument'],
      ['ALLO 10x', '504 10x: Invalid ALLO argument'],
      ['ALLO 10 R', "504 'ALLO 10 R' not understood"],
      ['ALLO 10 X 5', "504 'ALLO 10 X 5' not understood"],
      ['ALLO 10 R 5 6', "504 'ALLO 10 R 5 6' not understood"],
    ]));

  test('REST and RANG, in ASCII and otherwise', () =>
    dialogue([
      ['REST 0', '350 Restarting at 0. Send STORE or RETRIEVE to initiate transfer'],
      ['REST 1', '501 REST: Resuming transfers not allowed in ASCII mode'],
      ['RANG 0 1', '551 RANG: Transfer ranges not allowed in ASCII mode'],
      ['TYPE I', '200 Type set to I'],
      ['REST 1', '350 Restarting at 1. Send STORE or RETRIEVE to initiate transfer'],
      ['REST +7', '350 Restarting at 7. Send STORE or RETRIEVE to initiate transfer'],
      ['REST -1', '501 REST requires a value greater than or equal to 0'],
      ['REST 1x', '501 REST requires a value greater than or equal to 0'],
      ['REST 99999999999999999', '501 REST requires a value greater than or equal to 0'],
      ['REST 1 2', "500 'REST 1 2' not understood"],
      ['RANG 0 0', '350 Transferring byte range of 1 byte starting from 0'],
      ['RANG 2 5', '350 Transferring byte range of 4 bytes starting from 2'],
      ['RANG 1 0', '350 Reset byte transfer range'],
      ['RANG 5 2', '501 RANG start must be less than end'],
      ['RANG 2 0', '501 RANG start must be less than end'],
      ['RANG 2', "500 'RANG 2' not understood"],
      ['RANG 2 5 6', "500 'RANG 2 5 6' not understood"],
      ['RANG x 5', "500 'RANG x 5' not understood"],
    ]));
});

describe('ports', () => {
  test('PORT is for a port of the client above 1023, and nothing else', () =>
    dialogue([
      ['PORT 127,0,0,1,4,0', '200 PORT command successful'],
      ['PORT 127,0,0,1,255,255', '200 PORT command successful'],
      ['PORT 127,0,0,1,3,255', '500 Illegal PORT command'],
      ['PORT 127,0,0,2,4,0', '500 Illegal PORT command'],
      ['PORT 127,0,0,1,0,0', '501 Illegal PORT command'],
      ['PORT 127,0,0,1,256,0', '501 Illegal PORT command'],
      ['PORT 127,0,0,1,4', '501 Illegal PORT command'],
      ['PORT 127,0,0,1,4,0,1', '501 Illegal PORT command'],
      ['PORT x127,0,0,1,4,0', '501 Illegal PORT command'],
      ['PORT 127,0,0,1,4,0x', '501 Illegal PORT command'],
    ]));

  test('EPRT, too, with any delimiter', () =>
    dialogue([
      ['EPRT |1|127.0.0.1|1024|', '200 EPRT command successful'],
      ['EPRT !1!127.0.0.1!65535!', '200 EPRT command successful'],
      ['EPRT |1|127.0.0.1|1023|', '500 Illegal EPRT command'],
      ['EPRT |1|127.0.0.1|65536|', '500 Illegal EPRT command'],
      ['EPRT |1|127.0.0.2|1024|', '500 Illegal EPRT command'],
      ['EPRT |1|127.0.0.1|x1024|', '501 Illegal EPRT command'],
      ['EPRT |1|127.0.0.1|1024x|', '501 Illegal EPRT command'],
      ['EPRT |1|127.0.0.1|', '501 Illegal EPRT command'],
      ['EPRT |1|localhost|1024|', '501 Illegal EPRT command'],
      ['EPRT |2|::1|1024|', '522 Network protocol not supported, use (1)'],
      ['EPRT ||||', '522 Network protocol not supported, use (1)'],
    ]));

  test('EPSV names the protocol that the client came by; after EPSV ALL there is no other way', () =>
    dialogue([
      ['EPSV x', '501 EPSV: unknown network protocol'],
      ['EPSV 1x', '501 EPSV: unknown network protocol'],
      ['EPSV 2', '522 Network protocol not supported, use (1)'],
      ['EPSV all', '200 EPSV ALL command successful'],
      ['PASV', '500 Illegal PASV command, EPSV ALL in effect'],
      ['PORT 127,0,0,1,4,0', '500 Illegal PORT command, EPSV ALL in effect'],
      ['EPRT |1|127.0.0.1|1024|', '500 Illegal EPRT command, EPSV ALL in effect'],
    ]));
});

describe('what a file is', () => {
  async function modeAfter(before: number, command: string): Promise<[string, string]> {
    const tree = new MemoryTree();
    tree.addFile('/a b', '');
    await tree.changeMode('/a b', before);
    const {login} = await startMock({tree});
    const [answer] = await (await login()).command(command);
    return [answer!, (await tree.facts('/a b')).mode.toString(8)];
  }

  const OK = '200 SITE CHMOD command successful';

  test.each([
    [0o644, '600', OK, '600'],
    [0o644, '0777', OK, '777'],
    [0o644, 'u+x', OK, '744'],
    [0o644, 'go-r', OK, '600'],
    [0o600, '+r', OK, '644'],
    [0o600, 'a+wx', OK, '733'],
    [0o777, 'g=r', OK, '40'],
    [0o777, '=rw', OK, '666'],
    [0o644, '1777', '550 a b: Operation not permitted', '644'],
    [0o755, 'u+s', '550 a b: Operation not permitted', '755'],
    [0o755, 'g+s', '550 a b: Operation not permitted', '755'],
    [0o755, '+t', '550 a b: Operation not permitted', '755'],
    [0o755, 'o+s', OK, '755'],
    [0o644, '8', "550 '8': invalid mode", '644'],
    [0o644, '64x', "550 '64x': invalid mode", '644'],
    [0o644, 'u+', "550 'u+': invalid mode", '644'],
    [0o644, 'u+x,g+x', "550 'u+x,g+x': invalid mode", '644'],
  ])('%o, SITE CHMOD %s: %s', async (before, change, answer, after) => {
    expect(await modeAfter(before, `SITE CHMOD ${change} a  b`)).toEqual([answer, after]);
  });

  test('SITE says what it does not know', () =>
    dialogue([
      ['SITE nosuch x', "500 'SITE nosuch' not understood"],
      ['SITE CHMOD', "500-'SITE CHMOD' not understood"],
      ['SITE CHMOD 644', "500-'SITE CHMOD 644' not understood"],
      ['SITE HELP nosuch', "502 Unknown command 'SITE HELP nosuch'"],
      ['SITE HELP chmod', "214-The following SITE commands are recognized (* =>'s unimplemented)"],
    ]));

  const MODIFIED = '20200229235959';

  test.each([
    [`MFMT ${MODIFIED} /f`, `213 Modify=${MODIFIED}; /f`, MODIFIED],
    [`MFMT ${MODIFIED}.123 /f`, `213 Modify=${MODIFIED}; /f`, MODIFIED],
    ['MFMT 20210229000000 /f', '501 /f: Invalid argument', null],
    ['MFMT 20200229246000 /f', '501 /f: Invalid argument', null],
    ['MFMT 20200229006000 /f', '501 /f: Invalid argument', null],
    ['MFMT 19691231235959 /f', '501 /f: Invalid argument', null],
    ['MFMT 2020022923595 /f', '501 2020022923595: Invalid argument', null],
    ['MFMT 202002292359599 /f', '501 202002292359599: Invalid argument', null],
    [`MFMT ${MODIFIED}`, '501 Invalid number of parameters', null],
    [`MFF modify=${MODIFIED}; /f`, `213 modify=${MODIFIED}; /f`, MODIFIED],
    [`MFF Modify=${MODIFIED};UNIX.mode=600; /f`, `213 Modify=${MODIFIED};UNIX.mode=600; /f`, MODIFIED],
    [`MFF modify=${MODIFIED} /f`, `550 modify=${MODIFIED}: Invalid argument`, null],
    [`MFF modify=${MODIFIED};size=1; /f`, "504 Cannot modify fact 'size=1'", null],
    [`MFF modify=${MODIFIED};unix.mode=9; /f`, '501 /f: Invalid argument', null],
    ['MFF modify=x; /f', '501 x: Invalid argument', null],
    ['MFF modify=20210229000000; /f', '501 /f: Invalid argument', null],
    [`MFF modify=${MODIFIED};`, '501 Invalid number of parameters', null],
    [`MFF modify=${MODIFIED}; /nosuch`, '550 /nosuch: No such file or directory', null],
  ])('%s: %s', async (command, answer, modified) => {
    const tree = new MemoryTree();
    tree.addFile('/f', '');
    await tree.setModified('/f', new Date(0));
    const {login} = await startMock({tree});
    expect(await (await login()).command(command)).toEqual([answer]);
    const facts = await tree.facts('/f');
    const time = facts.modified.toISOString().replace(/\D/g, '').slice(0, 14);
    expect(time).toBe(modified ?? '19700101000000');
    expect(facts.mode.toString(8)).toBe(command.includes('=600') ? '600' : '644');
  });
});
