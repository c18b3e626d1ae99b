import {expect, test} from 'vitest';
import {type NameDirectory, Names} from '../../src/lib/acl/names.ts';

function directory(users: Record<number, string>, looks: number[] = []): NameDirectory {
  return {
    uid: () => undefined,
    gid: () => undefined,
    user: () => undefined,
    userOf(uid) {
      looks.push(uid);
      const name = users[uid];
      return name === undefined ? undefined : {name, gid: 0};
    },
    groupName(gid) {
      if (gid === 13) throw new Error('the directory server is away');
      return gid === 5 ? 'users' : undefined;
    },
  };
}

test('names where there are some, else numbers', () => {
  const names = new Names(directory({7: 'dave'}));
  expect(names.client({uid: 7, gid: 5})).toBe('dave/users');
  expect(names.client({uid: 8, gid: 6})).toBe('8/6');
  expect(names.client({uid: 7, gid: 13})).toBe('dave/13');
});

test('as many as 1024 callers are remembered, and no more, whatever gids they come with', () => {
  const looks: number[] = [];
  const names = new Names(directory({7: 'dave'}, looks));
  const callers = Array.from({length: 1024}, (_, gid) => ({uid: 7, gid: gid + 100}));
  const ask = (some: readonly {uid: number; gid: number}[]) => {
    for (const caller of some) names.client(caller);
    return looks.splice(0).length;
  };
  expect(ask(callers)).toBe(1024);
  expect(ask(callers)).toBe(0);
  expect(ask([{uid: 7, gid: 5}])).toBe(1);
  expect(ask(callers.slice(0, 3))).toBe(3);
});

test('each is looked up once, until names may have changed', () => {
  const looks: number[] = [];
  const users: Record<number, string> = {7: 'dave'};
  const names = new Names(directory(users, looks));
  for (let i = 0; i < 3; i++) names.client({uid: 7, gid: 5});
  expect(looks).toEqual([7]);
  users[7] = 'david';
  names.forget();
  expect(names.client({uid: 7, gid: 5})).toBe('david/users');
});
