import {expect, test} from 'vitest';
import {nearestConnected} from '../../../src/lib/cli/message/send.ts';
import type {Ask} from '../../../src/lib/cli/options/ask.ts';
import type {Daemon, Session} from '../../../src/lib/daemon/daemon.ts';
import {STATUS} from '../../../src/lib/protocol/message.ts';

const LONG = 'w'.repeat(31);
const sessions = ['dave', LONG, null].map((user) => ({
  ...{id: '812-tp0nvq', user, host: 'client.example', address: '192.0.2.7', class: 'staff'},
})) as Session[];

const asking =
  (daemon: Partial<Daemon>): Ask =>
  (work) =>
    work(daemon as Daemon);
const ask = asking({sessions: async () => ({kind: 'sessions', sessions, omitted: 0})});

test.each([
  [['user', 'dvae'], 'dave'],
  [['user', 'bob', 'Dave'], 'dave'],
  [['user', 'dave', 'bob'], undefined],
  // ProFTPD knows as much of a long name as its scoreboard has room for.
  [['user', `${LONG}${'x'.repeat(9)}`], LONG],
  [['host', '192.0.2.77'], '192.0.2.7'],
  [['class', 'stuff'], 'staff'],
  [['session', '812-tp0nvp'], '812-tp0nvq'],
  [['all'], undefined],
])('%j: %s was probably meant', async (audience, name) => {
  const hint = await nearestConnected(audience, {verdict: STATUS.SUBJECT_NOT_FOUND}, ask);
  expect(hint).toBe(name === undefined ? undefined : `did you mean "${name}"?`);
});

test('asks nobody when somebody was found, and lives without an answer', async () => {
  let asked = 0;
  const counting = asking({
    sessions: async () => {
      asked += 1;
      return {kind: 'sessions', sessions, omitted: 0};
    },
  });
  expect(await nearestConnected(['user', 'dvae'], {verdict: STATUS.OK}, counting)).toBeUndefined();
  expect(asked).toBe(0);
  const away = asking({sessions: () => Promise.reject(new Error('away'))});
  const none = asking({sessions: async () => ({kind: 'unsupported', reason: 'no'})});
  for (const each of [away, none]) {
    const hint = await nearestConnected(['user', 'dvae'], {verdict: STATUS.SUBJECT_NOT_FOUND}, each);
    expect(hint).toBeUndefined();
  }
});
