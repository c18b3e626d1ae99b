import {describe, expect, test} from 'vitest';
import {findings} from '../../src/lib/acl/findings.ts';
import {listAccess} from '../../src/lib/acl/list.ts';
import {controlOf, FILE} from './callers.ts';

const OPEN = 'ControlsSocketACL allow user *';

const found = (...lines: string[]) =>
  findings(controlOf([OPEN, ...lines])).map(
    ({code, at, message}) => `${at?.line ?? '-'} ${code}: ${message.replaceAll(FILE, 'p.conf')}`,
  );

describe('what is odd about a rule', () => {
  test.each<[string, readonly string[]]>([
    ['MessageControlsACLs msg allow user oc_u1', []],
    ['MessageControlsACLs msg deny user oc_u1', []],
    ['MessageControlsACLs msg allow group *', []],
    ['MessageControlsACLs msg deny user *', []],
    [
      'MessageControlsACLs msg deny user unknown',
      [
        '2 unknown-name: no such user: unknown, dropped',
        "2 lets-everybody-in: 'MessageControlsACLs msg deny user unknown' lets everybody in: it names no user there is",
      ],
    ],
    [
      'MessageControlsACLs msg deny group ""',
      [
        `2 lets-everybody-in: 'MessageControlsACLs msg deny group ""' lets everybody in: it names no group there is`,
      ],
    ],
    [
      'MessageControlsACLs msg allow user unknown',
      [
        '2 unknown-name: no such user: unknown, dropped',
        "2 allows-nobody: 'MessageControlsACLs msg allow user unknown' allows nobody: it names no user there is",
      ],
    ],
    ['MessageControlsACLs msg allow user oc_u1,oc_g1', ['2 unknown-name: no such user: oc_g1, dropped']],
    [
      'MessageControlsACLs msg allow user oc_u1,65102',
      ['2 unknown-name: no such user: 65102 (lists know no numeric ids), dropped'],
    ],
    [
      'MessageControlsACLs msg allow group oc_g1,oc_*',
      ['2 unknown-name: no such group: oc_* (lists know no patterns), dropped'],
    ],
    [
      'MessageControlsACLs msg allow user "*,!oc_u1"',
      ["2 unknown-name: no such user: !oc_u1 (lists know no '!'), dropped"],
    ],
    [
      'MessageControlsACLs msg allow user oc_u1, oc_u2',
      [
        '2 surplus-words: surplus words ignored: oc_u2 (write the names with commas and without spaces, or in quotes)',
      ],
    ],
    [
      'ControlsACLs help deny user *',
      [
        "2 no-effect: 'ControlsACLs help deny user *' has no effect: help has no ACL, and no other action is named",
      ],
    ],
  ])('%s', (line, expected) => {
    expect(found(line)).toEqual(expected);
  });
});

describe('how rules get on with each other', () => {
  test('one that later ones replace has no effect; one they replace in part is nothing odd', () => {
    expect(
      found('MessageControlsACLs msg allow user oc_u1', 'MessageControlsACLs all allow user oc_u2'),
    ).toEqual([
      "2 replaced: 'MessageControlsACLs msg allow user oc_u1' has no effect: " +
        "'MessageControlsACLs all allow user oc_u2' (p.conf:3) replaces it",
    ]);
    expect(found('ControlsACLs all deny user *', 'ControlsACLs lsctrl allow user oc_u1')).toEqual([]);
  });

  test('every ControlsSocketACL replaces the one before, of the other kind too', () => {
    expect(found('ControlsSocketACL allow group oc_g1')).toEqual([
      "1 replaced: 'ControlsSocketACL allow user *' has no effect: 'ControlsSocketACL allow group oc_g1' (p.conf:2) replaces it",
    ]);
  });

  test('a denial beside a list that lets everybody in denies nobody, said once for all its actions', () => {
    expect(found('AdminControlsACLs all allow user *', 'AdminControlsACLs all deny group oc_g1')).toEqual([
      "3 denies-nobody: 'AdminControlsACLs all deny group oc_g1' denies nobody: " +
        "'AdminControlsACLs all allow user *' (p.conf:2) lets everybody in",
    ]);
    expect(
      found('MessageControlsACLs msg allow user oc_u1', 'MessageControlsACLs msg deny group ""').at(-1),
    ).toBe(
      "2 no-effect: 'MessageControlsACLs msg allow user oc_u1' has no effect: " +
        `'MessageControlsACLs msg deny group ""' (p.conf:3) lets everybody in`,
    );
  });

  test('two denials deny only who is in both', () => {
    expect(
      found('MessageControlsACLs msg deny user oc_u1', 'MessageControlsACLs msg deny group oc_g1'),
    ).toEqual([
      "3 denies-only-both: 'MessageControlsACLs msg deny user oc_u1' and 'MessageControlsACLs msg deny group oc_g1' " +
        'deny only who is in both lists: either lets the others in',
    ]);
  });

  test('a socket nobody may connect to is said', () => {
    expect(findings(controlOf([]))).toEqual([
      {
        code: 'socket-shut',
        at: null,
        message:
          'no ControlsSocketACL is set, so nobody may connect (ProFTPD 1.3.8 and older let everybody in)',
      },
    ]);
  });
});

describe('who may do what', () => {
  const who = (...lines: string[]) => listAccess(controlOf(lines)).find(({action}) => action === 'msg')!.who;

  test.each<[readonly string[], string]>([
    [[], 'nobody'],
    [['allow user *'], 'everybody'],
    [['deny group *'], 'nobody'],
    [['allow user oc_u1,oc_u2,unknown'], 'user oc_u1, oc_u2'],
    [['allow user oc_u1', 'allow group oc_g2'], 'user oc_u1 or group oc_g2'],
    [['deny user oc_u1'], 'everybody but user oc_u1'],
    [['deny user oc_u1', 'allow group oc_g1'], 'group oc_g1 or everybody but user oc_u1'],
    [['deny user oc_u1', 'deny group oc_g1'], 'everybody but user oc_u1 with primary group oc_g1'],
    [['deny user unknown', 'deny group oc_g1'], 'everybody'],
    [['allow user *', 'deny group oc_g1'], 'everybody'],
    [['deny user *', 'deny group oc_g1'], 'everybody but group oc_g1'],
  ])('%j: %s', (rules, expected) => {
    expect(who(...rules.map((rule) => `MessageControlsACLs msg ${rule}`))).toBe(expected);
  });

  test('the socket first, then every action by its name, each with its directive and the lines in force', () => {
    const list = listAccess(
      controlOf([OPEN, 'ControlsACLs all allow user root', 'ControlsACLs lsctrl allow group oc_g1']),
    );
    expect(list.map(({action}) => action).join(' ')).toBe(
      ' config debug dns down get help insctrl kick lsctrl msg restart rmctrl scoreboard shutdown status trace up',
    );
    const shown = (name: string | null) => {
      const {directive, rules, users, groups} = list.find(({action}) => action === name)!;
      return [directive, rules.map(({at}) => at.line), users, groups];
    };
    expect(shown(null)).toEqual(['ControlsSocketACL', [1], {kind: 'everybody'}, {kind: 'nobody'}]);
    expect(shown('lsctrl')).toEqual([
      'ControlsACLs',
      [2, 3],
      {kind: 'only', names: ['root']},
      {kind: 'only', names: ['oc_g1']},
    ]);
    expect(shown('help')).toEqual([null, [], {kind: 'everybody'}, {kind: 'everybody'}]);
  });
});
