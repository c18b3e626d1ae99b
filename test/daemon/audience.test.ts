import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {kickTargetsAmong, kickWords, meant} from '../../src/lib/daemon/audience.ts';
import type {Session} from '../../src/lib/daemon/daemon.ts';

const oracle = JSON.parse(readFileSync(new URL('../oracle/scoreboard.json', import.meta.url), 'utf8'));

/** What ProFTPD said to messages for a session whose names are longer than its scoreboard has room for. */
type LongNames = Record<string, Record<string, string | number> & {sce_user: string; sce_class: string}>;

const cases = Object.entries<LongNames>(oracle.long_names).flatMap(([version, names]) =>
  Object.entries(names).flatMap(([login, told]) => {
    const {sce_user: user, sce_class: className} = told;
    return [
      {version, audience: ['user', login], told: told['msg user <full name>'], user, class: className},
      {version, audience: ['user', user], told: told['msg user <first 31 bytes>'], user, class: className},
      {
        version,
        audience: ['class', 'k'.repeat(40)],
        told: told['msg class <full 40>'],
        user,
        class: className,
      },
      {version, audience: ['class', className], told: told['msg class <first 31>'], user, class: className},
    ].filter(({told}) => told !== undefined);
  }),
);

const session = (id: string, user: string | null, more: Partial<Session> = {}) =>
  ({id, pid: 1, user, host: '10.0.0.1', address: '10.0.0.1', class: null, ...more}) as Session;

test.each(cases)('$version, $audience: $told', async ({audience, told, user, class: className}) => {
  const found = await meant(audience, [session('one', user, {class: className})]);
  expect(found).toHaveLength(told === 'ftpdctl: message sent' ? 1 : 0);
});

test.each([
  [['bob'], ['bob'], Number.POSITIVE_INFINITY],
  [['-n', '2', 'bob', 'alice'], ['bob', 'alice'], 2],
  [['bob', '-n', '1'], ['bob'], 1],
  [['-n', '0', 'bob'], ['bob'], Number.POSITIVE_INFINITY],
  [['-n'], [], Number.POSITIVE_INFINITY],
])('the words of kick %j: %j, %d of each', (words, names, limit) => {
  expect(kickWords(words)).toEqual({names, limit});
});

const sessions = [
  session('1-a', 'bob'),
  session('2-b', 'alice'),
  session('3-c', 'bob'),
  session('4-d', null),
];

test.each([
  [
    ['user', 'bob'],
    ['1-a', '3-c'],
  ],
  [
    ['user', '-n', '1', 'bob', 'alice'],
    ['1-a', '2-b'],
  ],
  [
    ['user', 'bob', 'bob'],
    ['1-a', '3-c'],
  ],
  [['session', '2-b'], ['2-b']],
  [['class', 'staff'], []],
  [['user', '(none)'], ['4-d']],
])('kick %j would end %j', async (words, ids) => {
  const result = await kickTargetsAmong({kind: 'sessions', sessions, omitted: 0}, words);
  expect(result).toMatchObject({kind: 'answered', recipients: ids.length, sessions: ids.map((id) => ({id}))});
});
