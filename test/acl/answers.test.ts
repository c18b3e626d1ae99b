import {describe, expect, test} from 'vitest';
import {checkAnswer, listAnswer, subjectOf} from '../../src/lib/acl/answers.ts';
import {type NameDirectory, Names} from '../../src/lib/acl/names.ts';
import {FtpdctlError} from '../../src/lib/errors.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {controlOf, FILE, measuredNames} from './callers.ts';

const OPEN = 'ControlsSocketACL allow user *';
const SELF = {uid: 65101, gid: 65201};

const directory: NameDirectory = {
  ...measuredNames,
  user: (name) => (name === 'oc_u2' ? {uid: 65102, gid: 65202} : undefined),
  userOf: (uid) => (uid === SELF.uid ? {name: 'oc_u1', gid: 65201} : undefined),
  groupName: (gid) => ({65201: 'oc_g1', 65202: 'oc_g2'})[gid],
};
const names = new Names(directory);

describe('who is asked about', () => {
  test.each([
    ['whoever asks', {}, {...SELF, user: 'oc_u1', group: 'oc_g1'}],
    [
      'a user, with their primary group',
      {user: 'oc_u2'},
      {uid: 65102, gid: 65202, user: 'oc_u2', group: 'oc_g2'},
    ],
    [
      'a user in a group',
      {user: 'oc_u2', group: 'oc_g1'},
      {uid: 65102, gid: 65201, user: 'oc_u2', group: 'oc_g1'},
    ],
    ['whoever asks, in a group', {group: 'oc_g2'}, {uid: 65101, gid: 65202, user: 'oc_u1', group: 'oc_g2'}],
  ])('%s', (_, named, expected) => {
    expect(subjectOf(names, SELF, named)).toEqual(expected);
  });

  test.each([
    [{user: 'nosuch'}, 'no such user: nosuch'],
    [{group: 'nosuch'}, 'no such group: nosuch'],
  ])('not %j', (named, message) => {
    const ask = () => subjectOf(names, SELF, named);
    expect(ask).toThrow(FtpdctlError);
    expect(ask).toThrow(expect.objectContaining({code: 'NO_SUCH_NAME', message, exitStatus: 4}));
  });
});

const subject = subjectOf(names, SELF, {});

/** The lines of an answer, without the directory of the file. */
const lines = (conf: readonly string[], action: string, options?: Parameters<typeof checkAnswer>[3]) =>
  checkAnswer(controlOf(conf), action, subject, options).lines.map((line) => line.replaceAll(FILE, 'p.conf'));

describe('an answer', () => {
  test('allowed, with the line that decided', () => {
    const conf = [OPEN, 'MessageControlsACLs msg allow user oc_u1'];
    const why = `allowed: ${FILE}:2 (${conf[1]}) allows user oc_u1 (uid 65101)`;
    expect(checkAnswer(controlOf(conf), 'msg', subject)).toEqual({
      lines: [`msg by oc_u1/oc_g1 is ${why}`],
      details: {
        action: 'msg',
        user: 'oc_u1',
        group: 'oc_g1',
        allowed: true,
        why,
        decidedBy: {file: FILE, line: 2, text: conf[1]},
        notes: [],
      },
    });
  });

  test('denied for want of a line, of which there is none to name', () => {
    const why = 'denied: no AdminControlsACLs is set for kick, so no one passes';
    expect(checkAnswer(controlOf([OPEN]), 'kick', subject)).toEqual({
      lines: [`kick by oc_u1/oc_g1 is ${why}`],
      details: {action: 'kick', user: 'oc_u1', group: 'oc_g1', allowed: false, why, notes: []},
    });
  });

  test('where nobody can say', () => {
    expect(lines([OPEN], 'nosuch')).toEqual([
      "nosuch by oc_u1/oc_g1: cannot say: no ACL directive known here covers action 'nosuch'",
    ]);
  });

  test("of an action that another's ACL decides on", () => {
    expect(lines([OPEN, 'AdminControlsACLs all allow user *'], 'who', {permission: 'get'})).toEqual([
      'who (decided as get is) by oc_u1/oc_g1 is allowed: p.conf:2 (AdminControlsACLs all allow user *) allows every user',
    ]);
  });

  test('for a caller: neither the line nor what is odd about it', () => {
    const conf = [OPEN, 'MessageControlsACLs msg allow user oc_u1,nosuch'];
    const why = 'allowed: MessageControlsACLs allows user oc_u1 (uid 65101)';
    expect(checkAnswer(controlOf(conf), 'msg', subject, {reader: 'caller'})).toEqual({
      lines: [`msg by oc_u1/oc_g1 is ${why}`],
      details: {action: 'msg', user: 'oc_u1', group: 'oc_g1', allowed: true, why},
    });
  });
});

describe('under an answer, what is odd about the lines concerned, and about no others', () => {
  const notes = (conf: readonly string[], action: string) => lines(conf, action).slice(1);
  const ODD = [
    'ControlsSocketACL allow user *,s1',
    'MessageControlsACLs msg allow user *,m1',
    'MessageControlsACLs msg deny group oc_g1,m2',
    'AdminControlsACLs kick allow user *,a1',
    'DelayControlsACLs info allow user *,d1',
    'DelayControlsACLs reset deny group *,d2',
  ];

  test.each<[string, readonly string[]]>([
    [
      'msg',
      ['1: no such user: s1', '2: no such user: m1', '3: no such group: m2', "3: 'MessageControlsACLs"],
    ],
    ['kick', ['1: no such user: s1', '4: no such user: a1']],
    ['delay', ['1: no such user: s1', '5: no such user: d1', '6: no such group: d2']],
    ['delay info', ['1: no such user: s1', '5: no such user: d1']],
    ['nosuch', ['1: no such user: s1']],
    ['status', ['1: no such user: s1']],
  ])('%s', (action, expected) => {
    const said = notes(ODD, action).map((note) => note.split(/,| msg/)[0]);
    expect(said).toEqual(expected.map((each) => `note: p.conf:${each}`));
  });

  test('and a directive that is not there, or the engine that is off', () => {
    const access = controlOf([ODD[1]!, ODD[3]!], {version: parseVersion('1.3.8')});
    expect(checkAnswer(access, 'kick', subject).details.notes).toEqual([
      `${FILE}:2: no such user: a1, dropped`,
      'no ControlsSocketACL is set, so everybody may connect (ProFTPD from 1.3.9c and 1.3.10rc3 on lets no one in)',
    ]);
    expect(notes([OPEN, 'ControlsEngine off'], 'msg')).toEqual([
      'note: p.conf:2: ControlsEngine is off: there is no controls socket, so no one may run anything',
    ]);
  });
});

test('the list: who may do what, the lines in force, and everything that is odd', () => {
  const conf = [OPEN, 'MessageControlsACLs msg allow user oc_u1,nosuch'];
  const {lines, details} = listAnswer(controlOf(conf));
  expect(lines[0]).toBe('connect: everybody');
  expect(lines).toContain('msg: user oc_u1');
  expect(lines.at(-1)).toBe(`note: ${FILE}:2: no such user: nosuch, dropped`);
  expect(details.findings).toEqual([`${FILE}:2: no such user: nosuch, dropped`]);
  expect(details.actions.filter(({rules}) => rules.length > 0)).toEqual([
    {action: 'connect', who: 'everybody', rules: [{file: FILE, line: 1, text: conf[0]}]},
    {action: 'msg', who: 'user oc_u1', rules: [{file: FILE, line: 2, text: conf[1]}]},
  ]);
  expect(lines.length).toBe(details.actions.length + 1);
});
