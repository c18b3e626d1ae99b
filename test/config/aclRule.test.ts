import {expect, test} from 'vitest';
import {
  actionAcl,
  actionsUnder,
  directiveOf,
  KNOWN_ACTIONS,
  subactionsOf,
} from '../../src/lib/config/aclRule.ts';

test.each([
  ['msg', 'MessageControlsACLs', []],
  ['insctrl', 'ControlsACLs', []],
  ['status', 'AdminControlsACLs', []],
  ['delay', undefined, ['delay info', 'delay reset']],
  ['delay reset', 'DelayControlsACLs', []],
  ['dynmasq', undefined, ['dynmasq refresh']],
  ['tls sesscache', 'TLSControlsACLs', []],
  ['shaper info', 'ShaperControlsACLs', []],
  ['info', undefined, []],
  ['help', undefined, []],
])('what decides on %s', (action, directive, subactions) => {
  expect(directiveOf(action)).toBe(directive);
  expect(subactionsOf(action)).toEqual(subactions);
});

test.each([
  ['DelayControlsACLs', 'reset', ['delay reset']],
  ['DelayControlsACLs', 'reset,ALL', ['delay info', 'delay reset']],
  ['BanControlsACLs', 'permit,ban', ['ban', 'permit']],
  ['ControlsACLs', 'help', []],
  ['ControlsACLs', '', []],
  ['AdminControlsACLs', 'all', actionsUnder('AdminControlsACLs')],
] as const)('%s %s sets the ACLs of %j', (directive, actions, expected) => {
  expect(actionAcl(directive, [actions, 'allow', 'user', '*']).actions).toEqual(expected);
});

test('the actions that are known are those one sends, each once, by their names', () => {
  expect(KNOWN_ACTIONS.join(' ')).toBe(
    'ban config debug delay dns down dynmasq get help insctrl insmod kick lsctrl lsmod msg permit receipt restart ' +
      'rmctrl rmmod scoreboard shaper shutdown statcache status tls trace up',
  );
});
