import {afterEach, expect, test, vi} from 'vitest';
import {HostResolver} from '../../src/lib/server/hostResolver.ts';

const USER = 1000;

afterEach(() => vi.useRealTimers());

test('all addresses of a name; an address stands for itself', async () => {
  const hosts = new HostResolver(async () => [{address: '192.0.2.1'}, {address: '2001:db8::1'}]);
  expect(await hosts.resolve('example.net', USER)).toEqual({
    kind: 'found',
    addresses: ['192.0.2.1', '2001:db8::1'],
  });
  expect(await hosts.resolve('::1', USER)).toEqual({kind: 'found', addresses: ['::1']});
});

test('the system knows localhost, and short addresses', async () => {
  const hosts = new HostResolver();
  for (const name of ['localhost', '127.1']) {
    const found = await hosts.resolve(name, USER);
    expect(found).toMatchObject({kind: 'found', addresses: expect.arrayContaining(['127.0.0.1'])});
  }
});

test('a name without an address', async () => {
  const hosts = new HostResolver(async () => {
    throw new Error('ENOTFOUND');
  });
  const unknown = {kind: 'unknown', why: 'No such file or directory'};
  expect(await hosts.resolve('nosuch.invalid', USER)).toEqual(unknown);
  const asked = vi.fn(async () => [{address: '192.0.2.1'}]);
  expect(await new HostResolver(asked).resolve('', USER)).toEqual(unknown);
  expect(asked).not.toHaveBeenCalled();
  expect(await new HostResolver(async () => []).resolve('empty.invalid', USER)).toEqual(unknown);
});

test('a name server that does not answer occupies two threads at most, and nobody waits for it for ever', async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  const hosts = new HostResolver((name) => {
    asked.push(name);
    return new Promise(() => {});
  });
  const answers = ['a', 'b', 'c'].map((name, user) => hosts.resolve(name, user));
  await vi.advanceTimersByTimeAsync(5000);
  expect(await Promise.all(answers)).toEqual(Array(3).fill({kind: 'unknown', why: 'Connection timed out'}));
  expect(asked).toEqual(['a', 'b']);
  expect(await hosts.resolve('127.0.0.1', USER)).toMatchObject({kind: 'found'});
});

test('one user has one of them, and the other is for whoever else asks', () => {
  const asked: string[] = [];
  const hosts = new HostResolver((name) => {
    asked.push(name);
    return new Promise(() => {});
  });
  for (const name of ['a', 'b', 'c']) void hosts.resolve(name, USER);
  void hosts.resolve('mine', USER + 1);
  expect(asked).toEqual(['a', 'mine']);
});

test('a list that is longer than may wait is not looked up to its end', async () => {
  vi.useFakeTimers();
  const hosts = new HostResolver(() => new Promise(() => {}));
  const answers = Array.from({length: 1026}, (_, index) => hosts.resolve(`n${index}`, USER));
  expect(await answers[1025]).toEqual({kind: 'unknown', why: 'Resource temporarily unavailable'});
  await vi.advanceTimersByTimeAsync(5000);
  expect(await answers[1024]).toEqual({kind: 'unknown', why: 'Connection timed out'});
});

test('a look-up that is over makes room for the next', async () => {
  const ends: (() => void)[] = [];
  const hosts = new HostResolver(
    () => new Promise((resolve) => ends.push(() => resolve([{address: '192.0.2.1'}]))),
  );
  const answers = ['a', 'b', 'c', 'd'].map((name, user) => hosts.resolve(name, user));
  expect(ends).toHaveLength(2);
  for (let index = 0; index < 4; index++) {
    ends[index]!();
    await answers[index];
  }
  expect(ends).toHaveLength(4);
});

test('a name that nobody waits for any more is not looked up', async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  const ends: (() => void)[] = [];
  const hosts = new HostResolver((name) => {
    asked.push(name);
    return new Promise((resolve) => ends.push(() => resolve([{address: '192.0.2.1'}])));
  });
  const late = ['a', 'b', 'c', 'd'].map((name, user) => hosts.resolve(name, user));
  await vi.advanceTimersByTimeAsync(5000);
  await Promise.all(late);
  const next = hosts.resolve('e', USER);
  for (const end of ends.splice(0)) end();
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(['a', 'b', 'e']);
  ends[0]!();
  expect(await next).toMatchObject({kind: 'found'});
});
