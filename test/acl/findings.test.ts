import {describe, expect, test} from 'vitest';
import {findings} from '../../src/lib/acl/findings.ts';
import {listAccess} from '../../src/lib/acl/passing.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {controlOf, FILE, measuredNames} from './callers.ts';

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
        "2 allows-nobody: 'MessageControlsACLs msg allow user unknown' allows no one: it names no user there is",
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
    ['MessageControlsACLs msg allow user ",oc_u1,, oc_u2"', []],
    ['MessageControlsACLs msg allow user oc_u1,7up', ['2 unknown-name: no such user: 7up, dropped']],
    [
      'MessageControlsACLs msg allow group oc_g1 oc_g2 oc_g3',
      [
        '2 surplus-words: surplus words ignored: oc_g2 oc_g3 (write the names with commas and without spaces, or in quotes)',
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
      "3 denies-nobody: 'AdminControlsACLs all deny group oc_g1' denies no one: " +
        "'AdminControlsACLs all allow user *' (p.conf:2) lets everybody in",
    ]);
    expect(
      found('MessageControlsACLs msg allow user oc_u1', 'MessageControlsACLs msg deny group ""').at(-1),
    ).toBe(
      "2 no-effect: 'MessageControlsACLs msg allow user oc_u1' has no effect: " +
        `'MessageControlsACLs msg deny group ""' (p.conf:3) lets everybody in`,
    );
  });

  test.each<[string, string, string | undefined]>([
    [
      'allow user *',
      'allow group oc_g1',
      "3 no-effect: 'MessageControlsACLs msg allow group oc_g1' has no effect",
    ],
    [
      'allow user oc_u1',
      'allow group *',
      "2 no-effect: 'MessageControlsACLs msg allow user oc_u1' has no effect",
    ],
    [
      'deny user oc_u1',
      'allow group *',
      "2 denies-nobody: 'MessageControlsACLs msg deny user oc_u1' denies no one",
    ],
    ['allow user *', 'allow group *', "3 no-effect: 'MessageControlsACLs msg allow group *' has no effect"],
    ['allow user oc_u1', 'allow group oc_g1', undefined],
    ['allow user oc_u1', 'deny group oc_g1', undefined],
    ['deny user oc_u1', 'allow group oc_g1', undefined],
    ['deny user *', 'deny group oc_g1', undefined],
    ['deny user oc_u1', 'deny group *', undefined],
  ])('%s beside %s: %s', (user, group, expected) => {
    const all = found(`MessageControlsACLs msg ${user}`, `MessageControlsACLs msg ${group}`);
    expect(all.map((each) => each.split(': ').slice(0, 2).join(': '))).toEqual(
      expected === undefined ? [] : [expected],
    );
  });

  test('each kind is replaced for itself', () => {
    expect(
      found('MessageControlsACLs msg allow user oc_u1', 'MessageControlsACLs msg allow group oc_g1'),
    ).toEqual([]);
    expect(
      found('AdminControlsACLs status,kick allow user oc_u1', 'AdminControlsACLs status allow user oc_u2'),
    ).toEqual([]);
  });

  test('what replaces a group list is a group list, although a user list is there, too', () => {
    expect(
      found(
        'MessageControlsACLs msg allow user oc_u1',
        'MessageControlsACLs msg allow group oc_g1',
        'MessageControlsACLs msg allow group oc_g2',
      ),
    ).toEqual([
      "3 replaced: 'MessageControlsACLs msg allow group oc_g1' has no effect: " +
        "'MessageControlsACLs msg allow group oc_g2' (p.conf:4) replaces it",
    ]);
  });

  test.each([
    ['all allow user *', 'kick allow group oc_g1', 'status allow group oc_g2'],
    ['all allow group *', 'kick allow user oc_u1', 'status allow user oc_u2'],
  ])('every pair is judged for itself: %s beside %s and %s', (...rules) => {
    const odd = found(...rules.map((rule) => `AdminControlsACLs ${rule}`));
    expect(odd.map((each) => each.split(':')[0]).sort()).toEqual(['3 no-effect', '4 no-effect']);
  });

  test('two denials deny only who is in both', () => {
    expect(
      found('MessageControlsACLs msg deny user oc_u1', 'MessageControlsACLs msg deny group oc_g1'),
    ).toEqual([
      "3 denies-only-both: 'MessageControlsACLs msg deny user oc_u1' and 'MessageControlsACLs msg deny group oc_g1' " +
        'deny only who is in both lists: either lets the others in',
    ]);
  });

  test('the engine that is off is said, and the socket that is not there is not', () => {
    const off = findings(controlOf(['ControlsEngine off']));
    expect(off).toEqual([
      {
        code: 'engine-off',
        at: {file: FILE, line: 1},
        message: 'ControlsEngine is off: there is no controls socket, so no one may run anything',
      },
    ]);
    const again = [OPEN, 'ControlsSocketACL allow group oc_g1', 'ControlsEngine off'];
    expect(findings(controlOf(again)).map(({code}) => code)).toEqual(['engine-off']);
  });

  test('a socket that is open to everybody in old versions is said', () => {
    expect(findings(controlOf([], {version: parseVersion('1.3.8')}))).toEqual([
      {
        code: 'socket-open',
        at: null,
        message:
          'no ControlsSocketACL is set, so everybody may connect (ProFTPD from 1.3.9c and 1.3.10rc3 on lets no one in)',
      },
    ]);
  });

  test('a socket nobody may connect to is said', () => {
    expect(findings(controlOf([]))).toEqual([
      {
        code: 'socket-shut',
        at: null,
        message:
          'no ControlsSocketACL is set, so no one may connect (ProFTPD up to 1.3.9b and 1.3.10rc2 lets everybody in)',
      },
    ]);
  });
});

describe('who may do what', () => {
  const who = (...lines: string[]) =>
    listAccess(controlOf([OPEN, ...lines])).find(({action}) => action === 'msg')!.who;

  test.each<[readonly string[], string]>([
    [[], 'no one'],
    [['allow user *'], 'everybody'],
    [['deny group *'], 'no one'],
    [['allow user oc_u1,oc_u2,unknown'], 'user oc_u1, oc_u2'],
    [['allow user oc_u1', 'allow group oc_g2'], 'user oc_u1 or group oc_g2'],
    [['deny user oc_u1'], 'everybody but user oc_u1'],
    [['deny user oc_u1', 'allow group oc_g1'], 'group oc_g1 or everybody but user oc_u1'],
    [['deny user oc_u1', 'deny group oc_g1'], 'everybody but user oc_u1 with primary group oc_g1'],
    [['deny user unknown', 'deny group oc_g1'], 'everybody'],
    [['allow user *', 'deny group oc_g1'], 'everybody'],
    [['deny user *', 'deny group oc_g1'], 'everybody but group oc_g1'],
    [['allow user unknown', 'allow group *'], 'everybody'],
    [['deny user oc_u1', 'allow group *'], 'everybody'],
    [['allow group oc_g1,oc_g2', 'deny user *'], 'group oc_g1, oc_g2'],
    [['allow user *', 'allow group *'], 'everybody'],
    [['allow user oc_u1', 'deny group oc_g1'], 'user oc_u1 or everybody but group oc_g1'],
  ])('%j: %s', (rules, expected) => {
    expect(who(...rules.map((rule) => `MessageControlsACLs msg ${rule}`))).toBe(expected);
  });

  test.each<[string, readonly string[], string]>([
    ['allow user oc_u1', ['allow user *'], 'user oc_u1'],
    ['allow user oc_u1', ['allow user oc_u2'], 'no one'],
    ['allow user oc_u1,oc_u2', ['allow user oc_u2,oc_u3'], 'user oc_u2'],
    ['allow user oc_u1', ['allow group *'], 'user oc_u1'],
    ['allow user oc_u1', ['allow group oc_g1'], 'user oc_u1 with primary group oc_g1'],
    ['allow group oc_g1', ['allow group oc_g1,oc_g2'], 'group oc_g1'],
    ['allow group oc_g1', ['allow user oc_u1'], 'user oc_u1 with primary group oc_g1'],
    ['allow group oc_g1', ['allow group oc_g1', 'allow user oc_u1'], 'group oc_g1'],
    ['deny user oc_u1', ['allow user *'], 'everybody but user oc_u1'],
    ['deny user oc_u1', ['allow user oc_u1,oc_u2'], 'user oc_u2'],
    ['deny user oc_u1', ['deny user oc_u2'], 'everybody but user oc_u1, oc_u2'],
    ['deny user oc_u1', ['deny user oc_u1'], 'everybody but user oc_u1'],
    ['deny user oc_u1', ['allow user oc_u1'], 'no one'],
    ['deny user oc_u1', ['allow group oc_g1'], 'group oc_g1 but user oc_u1'],
    ['deny user oc_u1', ['deny group oc_g1'], 'everybody but user oc_u1 and group oc_g1'],
    ['deny group oc_g1', ['allow user oc_u1'], 'user oc_u1 with a primary group other than oc_g1'],
    [
      'deny user oc_u3',
      ['deny user oc_u1', 'allow group oc_g1'],
      'group oc_g1 but user oc_u3 or everybody but user oc_u3, oc_u1',
    ],
    [
      'deny user oc_u3',
      ['deny user oc_u1', 'deny group oc_g1'],
      'everybody but user oc_u3, oc_u1 or everybody but user oc_u3 and group oc_g1',
    ],
    [
      'deny group oc_g2',
      ['deny user oc_u1', 'deny group oc_g1'],
      'everybody but user oc_u1 and group oc_g2 or everybody but group oc_g2, oc_g1',
    ],
    ['deny user *', ['allow user *'], 'no one'],
    ['allow user root', ['allow user toor'], 'user root'],
  ])('through a socket that says %s and an action that says %j: %s', (socket, rules, expected) => {
    const names = {...measuredNames, uid: (name: string) => (name === 'toor' ? 0 : measuredNames.uid(name))};
    const lines = [`ControlsSocketACL ${socket}`, ...rules.map((rule) => `MessageControlsACLs msg ${rule}`)];
    const control = controlOf(lines, {names});
    expect(listAccess(control).find(({action}) => action === 'msg')!.who).toBe(expected);
  });

  test('help is as open as the socket; with the engine off everything is shut', () => {
    const rows = (...lines: string[]) =>
      listAccess(controlOf(lines))
        .filter(({action}) => action === 'connect' || action === 'help' || action === 'msg')
        .map(({who}) => who);
    const msg = 'MessageControlsACLs msg allow user *';
    expect(rows('ControlsSocketACL allow user oc_u1', msg)).toEqual([
      'user oc_u1',
      'user oc_u1',
      'user oc_u1',
    ]);
    expect(rows('ControlsSocketACL allow user oc_u1', msg, 'ControlsEngine off')).toEqual([
      'no one',
      'no one',
      'no one',
    ]);
    const old = listAccess(controlOf([msg], {version: parseVersion('1.3.8')}));
    expect(old.filter(({who}) => who === 'everybody').map(({action}) => action)).toEqual([
      'connect',
      'help',
      'msg',
    ]);
  });

  test("another module's actions once a line of its directive is there", () => {
    const list = listAccess(
      controlOf([OPEN, 'ModuleControlsACLs lsmod allow user *', 'DelayControlsACLs "" allow user *']),
    );
    const shown = list.map(({action, who}) => `${action}: ${who}`);
    expect(shown.filter((row) => /mod: |delay|ban/.test(row))).toEqual([
      'delay info: no one',
      'delay reset: no one',
      'insmod: no one',
      'lsmod: everybody',
      'rmmod: no one',
    ]);
  });

  test('the socket first, then every action by its name, each with its directive and the lines in force', () => {
    const list = listAccess(
      controlOf([OPEN, 'ControlsACLs all allow user root', 'ControlsACLs lsctrl allow group oc_g1']),
    );
    expect(list.map(({action}) => action).join(' ')).toBe(
      'connect config debug dns down get help insctrl kick lsctrl msg restart rmctrl scoreboard shutdown status trace up',
    );
    const lines = (name: string) => list.find(({action}) => action === name)!.rules.map(({at}) => at.line);
    expect(['connect', 'lsctrl', 'help', 'kick'].map(lines)).toEqual([[1], [2, 3], [], []]);
  });

  test('the actions of the modules that are always there need no line to be listed', () => {
    expect(listAccess(controlOf([])).map(({action, rules}) => `${action}${rules.join()}`)).toEqual(
      'connect config debug dns down get help insctrl kick lsctrl msg restart rmctrl scoreboard shutdown status trace up'.split(
        ' ',
      ),
    );
  });
});
