import {describe, expect, test} from 'vitest';
import {mayConnect, mayRun} from '../../src/lib/acl/evaluate.ts';
import {explain} from '../../src/lib/acl/explain.ts';
import type {NameService} from '../../src/lib/acl/names.ts';
import {resolveAcls} from '../../src/lib/acl/resolve.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {memorySource} from '../config/memorySource.ts';
import {controlOf, FILE} from './callers.ts';

const OPEN = 'ControlsSocketACL allow user *';
const U1 = {uid: 65101, gid: 65201};
const U2 = {uid: 65102, gid: 65202};

const said = (lines: readonly string[], action: string, caller = U1) =>
  explain(controlOf(lines), action, caller).sentence.replaceAll(FILE, 'p.conf');

describe('the sentence names the line that decided, and why', () => {
  test.each<[string, readonly string[], string, string]>([
    [
      'everybody',
      ['MessageControlsACLs msg allow user *'],
      'msg',
      'allowed: p.conf:2 (MessageControlsACLs msg allow user *) allows every user',
    ],
    [
      'by name',
      ['MessageControlsACLs msg allow user oc_u1'],
      'msg',
      'allowed: p.conf:2 (MessageControlsACLs msg allow user oc_u1) allows user oc_u1 (uid 65101)',
    ],
    [
      'by group',
      ['ControlsACLs all allow group oc_g1'],
      'lsctrl',
      'allowed: p.conf:2 (ControlsACLs all allow group oc_g1) allows group oc_g1 (primary gid 65201)',
    ],
    [
      'not named',
      ['MessageControlsACLs msg allow user oc_u2'],
      'msg',
      'denied: p.conf:2 (MessageControlsACLs msg allow user oc_u2) does not name uid 65101',
    ],
    [
      'denied by name',
      ['MessageControlsACLs msg deny user oc_u1'],
      'msg',
      'denied: p.conf:2 (MessageControlsACLs msg deny user oc_u1) denies user oc_u1 (uid 65101)',
    ],
    [
      'denied with everybody',
      ['MessageControlsACLs msg deny group *'],
      'msg',
      'denied: p.conf:2 (MessageControlsACLs msg deny group *) denies every group',
    ],
    [
      'by not being denied',
      ['MessageControlsACLs msg deny user oc_u2'],
      'msg',
      'allowed: p.conf:2 (MessageControlsACLs msg deny user oc_u2) denies others only, so uid 65101 passes',
    ],
    [
      'by either list',
      ['MessageControlsACLs msg deny user oc_u1', 'MessageControlsACLs msg allow group oc_g1'],
      'msg',
      'allowed: p.conf:3 (MessageControlsACLs msg allow group oc_g1) allows group oc_g1 (primary gid 65201)',
    ],
    [
      'by neither list',
      ['MessageControlsACLs msg deny user oc_u1', 'MessageControlsACLs msg allow group oc_g2'],
      'msg',
      'denied: p.conf:2 (MessageControlsACLs msg deny user oc_u1) denies user oc_u1 (uid 65101); ' +
        'p.conf:3 (MessageControlsACLs msg allow group oc_g2) does not name primary gid 65201',
    ],
    ['no directive', [], 'status', 'denied: no AdminControlsACLs is set for status, so no one passes'],
    [
      'help',
      [],
      'help',
      'allowed: help is open to whoever may connect, and p.conf:1 (ControlsSocketACL allow user *) allows every user',
    ],
    ['an action nobody has', [], 'nosuch', "cannot say: no ACL directive known here covers action 'nosuch'"],
    ['another module', [], 'ban', 'denied: no BanControlsACLs is set for ban, so no one passes'],
    [
      'one thing of several',
      ['DelayControlsACLs info allow user oc_u1'],
      'delay info',
      'allowed: p.conf:2 (DelayControlsACLs info allow user oc_u1) allows user oc_u1 (uid 65101)',
    ],
    [
      'several things, all allowed',
      ['ShaperControlsACLs all allow user *'],
      'shaper',
      'allowed: p.conf:2 (ShaperControlsACLs all allow user *) allows every user',
    ],
    [
      'several things, not all allowed',
      ['DelayControlsACLs reset allow user oc_u1'],
      'delay',
      'cannot say: it depends on what is asked: delay info is denied, delay reset is allowed',
    ],
    [
      'the engine off',
      ['MessageControlsACLs msg allow user *', 'ControlsEngine off'],
      'msg',
      'denied: may not connect: ControlsEngine is off (p.conf:3), so there is no socket to connect to',
    ],
    [
      'the engine off, and connecting',
      ['ControlsEngine off'],
      'connect',
      'denied: ControlsEngine is off (p.conf:2), so there is no socket to connect to',
    ],
    [
      'the second name of a list',
      ['MessageControlsACLs msg allow user oc_u2,oc_u1'],
      'msg',
      'allowed: p.conf:2 (MessageControlsACLs msg allow user oc_u2,oc_u1) allows user oc_u1 (uid 65101)',
    ],
    [
      'the second name of a group list',
      ['MessageControlsACLs msg deny group oc_g2,oc_g1'],
      'msg',
      'denied: p.conf:2 (MessageControlsACLs msg deny group oc_g2,oc_g1) denies group oc_g1 (primary gid 65201)',
    ],
  ])('%s', (_, lines, action, expected) => {
    expect(said([OPEN, ...lines], action)).toBe(expected);
  });

  test('the socket comes before the action', () => {
    const lines = ['ControlsSocketACL allow user oc_u2', 'MessageControlsACLs msg allow user *'];
    expect(said(lines, 'msg')).toBe(
      'denied: may not connect: p.conf:1 (ControlsSocketACL allow user oc_u2) does not name uid 65101',
    );
    expect(said(lines.slice(1), 'msg')).toBe(
      'denied: may not connect: no ControlsSocketACL is set, so no one passes',
    );
    expect(said(lines.slice(1), 'help')).toBe(
      'denied: may not connect: no ControlsSocketACL is set, so no one passes',
    );
  });
});

test('the structure says the same', () => {
  const lines = [
    OPEN,
    'MessageControlsACLs msg deny user oc_u1',
    'MessageControlsACLs msg allow group oc_g2',
  ];
  const {allowed, decidedBy} = explain(controlOf(lines), 'msg', U2);
  expect([allowed, decidedBy?.at.line]).toEqual([true, 2]);
});

describe('a caller is told the verdict and what concerns themselves, and no more', () => {
  const secret = [
    'ControlsSocketACL deny user oc_u3',
    'MessageControlsACLs msg allow user oc_u2,oc_u1',
    'MessageControlsACLs msg allow group oc_g2',
    'AdminControlsACLs all deny user oc_u2',
    'ControlsACLs all allow group *',
  ];
  test.each<[string, number, number, string]>([
    ['msg', 65101, 65201, 'allowed: MessageControlsACLs allows user oc_u1 (uid 65101)'],
    ['msg', 65104, 65202, 'allowed: MessageControlsACLs allows group oc_g2 (primary gid 65202)'],
    [
      'msg',
      65104,
      65104,
      'denied: MessageControlsACLs does not name uid 65104; MessageControlsACLs does not name primary gid 65104',
    ],
    ['kick', 65101, 65201, 'allowed: AdminControlsACLs denies others only, so uid 65101 passes'],
    ['kick', 65102, 65202, 'denied: AdminControlsACLs denies user oc_u2 (uid 65102)'],
    ['lsctrl', 65101, 65201, 'allowed: ControlsACLs allows every group'],
    ['msg', 65103, 65201, 'denied: may not connect: ControlsSocketACL denies user oc_u3 (uid 65103)'],
    [
      'help',
      65101,
      65201,
      'allowed: help is open to whoever may connect, and ControlsSocketACL denies others only, so uid 65101 passes',
    ],
    ['ban', 65101, 65201, 'denied: no BanControlsACLs is set for ban, so no one passes'],
  ])('%s, uid %i, gid %i', (action, uid, gid, expected) => {
    expect(explain(controlOf(secret), action, {uid, gid}, 'caller').sentence).toBe(expected);
  });

  test('not even where the engine is turned off', () => {
    expect(explain(controlOf(['ControlsEngine off']), 'msg', U1, 'caller').sentence).toBe(
      'denied: may not connect: ControlsEngine is off, so there is no socket to connect to',
    );
  });
});

describe('without a ControlsSocketACL the version decides', () => {
  test.each([
    ['1.3.8', true],
    ['1.3.9b', true],
    ['1.3.9c', false],
    ['1.3.10rc2', true],
    ['1.3.10rc3', false],
  ])('%s lets everybody in: %j', (text, open) => {
    const control = controlOf(['MessageControlsACLs msg allow user oc_u1'], {version: parseVersion(text)});
    expect(mayConnect(control, U2)).toBe(open);
    expect([mayRun(control, 'msg', U1), mayRun(control, 'msg', U2)]).toEqual([open, false]);
    expect(mayRun(control, 'help', U2)).toBe(open);
    expect(explain(control, 'connect', U2).sentence).toBe(
      `${open ? 'allowed' : 'denied'}: no ControlsSocketACL is set, so ${open ? 'everybody' : 'no one'} passes in ProFTPD ${text}`,
    );
  });

  test('with one, the version does not matter', () => {
    const control = controlOf(['ControlsSocketACL allow user oc_u2'], {version: parseVersion('1.3.8')});
    expect([mayConnect(control, U1), mayConnect(control, U2)]).toEqual([false, true]);
  });
});

test('with ControlsEngine off nobody is allowed anything', () => {
  const control = controlOf([OPEN, 'MessageControlsACLs all allow user *', 'ControlsEngine off']);
  expect(['msg', 'help', 'nosuch'].map((action) => mayRun(control, action, U1))).toEqual([
    false,
    false,
    false,
  ]);
  expect(mayConnect(control, U1)).toBe(false);
  expect(explain(control, 'nosuch', U1).allowed).toBe(false);
});

test('quotes within a list count once more (measured on 1.3.8)', () => {
  const verdicts = [
    String.raw`"\"oc_u1\",oc_u2"`,
    String.raw`"\"oc_u2\",oc_u1"`,
    String.raw`"\"oc_u1,oc_u2\""`,
    String.raw`"\"oc_u1 oc_u2\""`,
  ].map((list) =>
    [U1, U2].map((caller) =>
      mayRun(controlOf([OPEN, `MessageControlsACLs msg allow user ${list}`]), 'msg', caller),
    ),
  );
  expect(verdicts).toEqual([
    [true, true],
    [true, true],
    [true, false],
    [false, false],
  ]);
});

test('an action nobody has is denied, and help needs the socket only', () => {
  expect(mayRun(controlOf([OPEN]), 'nosuch', U1)).toBe(false);
  expect(explain(controlOf([OPEN]), 'nosuch', U1)).toMatchObject({allowed: null, decidedBy: null});
  expect(mayRun(controlOf([OPEN]), 'help', U1)).toBe(true);
  expect(mayConnect(controlOf([]), U1)).toBe(false);
  expect(mayRun(controlOf([]), 'help', U1)).toBe(false);
});

test('`*` counts wherever it stands (measured on 1.3.8)', () => {
  const verdicts = [
    'allow user oc_u2,*',
    'allow user nosuch,*',
    'allow user "* "',
    'deny user oc_u2,*',
    'allow user **',
  ].map((rule) => mayRun(controlOf([OPEN, `MessageControlsACLs msg ${rule}`]), 'msg', U1));
  expect(verdicts).toEqual([true, true, true, false, false]);
});

test('names are looked up anew with every resolve', () => {
  const lines = `${OPEN}\nMessageControlsACLs msg allow user late`;
  const {acls} = loadSettings(memorySource({[FILE]: lines}), FILE).settings;
  const nobody: NameService = {uid: () => undefined, gid: () => undefined};
  const later: NameService = {uid: (name) => (name === 'late' ? U1.uid : undefined), gid: () => undefined};
  expect(mayRun(resolveAcls(acls, nobody), 'msg', U1)).toBe(false);
  expect(mayRun(resolveAcls(acls, later), 'msg', U1)).toBe(true);
});
