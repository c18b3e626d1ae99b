import {describe, expect, test} from 'vitest';
import {JOIN_RULES, mayJoin} from '../../src/lib/reply/commands.ts';

/** Written down a second time, on purpose: a command changes sides only where somebody means it to. */
const JOIN = words(
  'ABOR ACCT APPE CDUP CWD DELE HELP LIST MLSD NLST NOOP PASS QUIT REIN RETR RMD RNFR RNTO SITE ' +
    'SMNT STAT STOR USER XCUP XCWD XRMD',
);
const NEVER = words(
  'ADAT ALLO AUTH AVBL CCC CLNT CONF CPSV CSID ENC EPRT EPSV FEAT HASH HOST LANG LPRT LPSV MDTM ' +
    'MFCT MFF MFMT MIC MKD MLST MODE OPTS PASV PBSZ PORT PRET PROT PWD RANG REST SIZE SPSV STAT+path ' +
    'STOU STRU SYST TYPE XCRC XMD5 XMKD XPWD XSHA1 XSHA256',
);

function words(text: string): string[] {
  return text.split(' ').map((word) => word.replace('+', ' '));
}

const FINAL = [200, 211, 299, 400, 221, 226, 230, 250, 257, 421, 425, 426, 450, 500, 501, 550, 552, 599];
const NOT_FINAL = [100, 110, 125, 150, 199, 300, 331, 332, 350, 399, 600];

describe('the table', () => {
  test('has each command once, on its side, with a reason and a source', () => {
    expect(JOIN_RULES.filter(({joins}) => joins).map(({command}) => command)).toEqual(JOIN);
    expect(JOIN_RULES.filter(({joins}) => !joins).map(({command}) => command)).toEqual(NEVER);
    for (const {why, rfc} of JOIN_RULES)
      expect([why, rfc]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)]);
  });

  test.each(JOIN)('a message joins every final reply of %s, and no other', (command) => {
    expect(FINAL.filter((code) => !mayJoin(command, '', code))).toEqual([]);
    expect(NOT_FINAL.filter((code) => mayJoin(command, '', code))).toEqual([]);
  });

  test.each(NEVER)('no reply of %s, not even an error', (command) => {
    const [verb = '', argument = ''] = command.split(' ');
    expect([...FINAL, ...NOT_FINAL].filter((code) => mayJoin(verb, argument, code))).toEqual([]);
  });
});

test.each([
  ['an unknown command', 'XYZZY', '', 500, true],
  ['a line without a command', '', '', 500, false],
  ['a 530, which lftp searches for reasons to try again', 'LIST', '', 530, false],
  ['a 530 to the password', 'PASS', 'x', 530, false],
  ['STAT of the session', 'STAT', '', 211, true],
  ['STAT of a file, a listing', 'STAT', '-al x', 213, false],
  ['any other command with an argument', 'CWD', 'path', 250, true],
] as const)('%s', (_name, verb, argument, code, joins) => {
  expect(mayJoin(verb, argument, code)).toBe(joins);
});
