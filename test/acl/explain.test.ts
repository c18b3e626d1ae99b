import {describe, expect, test} from 'vitest';
import {mayConnect, mayRun} from '../../src/lib/acl/evaluate.ts';
import {explain} from '../../src/lib/acl/explain.ts';
import type {NameService} from '../../src/lib/acl/names.ts';
import {resolveAcls} from '../../src/lib/acl/resolve.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
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
    ['no directive', [], 'status', 'denied: no AdminControlsACLs is set for status, so nobody passes'],
    [
      'help',
      [],
      'help',
      'allowed: help is open to whoever may connect, and p.conf:1 (ControlsSocketACL allow user *) allows every user',
    ],
    ['an action nobody has', [], 'ban', "denied: no directive has an action 'ban' in its charge"],
  ])('%s', (_, lines, action, expected) => {
    expect(said([OPEN, ...lines], action)).toBe(expected);
  });

  test('the socket comes before the action', () => {
    const lines = ['ControlsSocketACL allow user oc_u2', 'MessageControlsACLs msg allow user *'];
    expect(said(lines, 'msg')).toBe(
      'denied: may not connect: p.conf:1 (ControlsSocketACL allow user oc_u2) does not name uid 65101',
    );
    expect(said(lines.slice(1), 'msg')).toBe(
      'denied: may not connect: no ControlsSocketACL is set, so nobody passes',
    );
    expect(said(lines.slice(1), 'help')).toBe(
      'denied: may not connect: no ControlsSocketACL is set, so nobody passes',
    );
  });
});

test('the structure says the same', () => {
  const lines = [
    OPEN,
    'MessageControlsACLs msg deny user oc_u1',
    'MessageControlsACLs msg allow group oc_g2',
  ];
  const {allowed, stage, decidedBy, answers} = explain(controlOf(lines), 'msg', U2);
  expect([allowed, stage, decidedBy?.at.line]).toEqual([true, 'action', 2]);
  expect(answers.map(({kind, passes, because}) => [kind, passes, because])).toEqual([
    ['user', true, 'not-listed'],
    ['group', true, 'listed'],
  ]);
});

test('an action nobody has is denied, and help needs the socket only', () => {
  expect(mayRun(controlOf([OPEN]), 'ban', U1)).toBe(false);
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
