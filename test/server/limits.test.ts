import {beforeEach, describe, expect, test} from 'vitest';
import {ConcurrencyLimit} from '../../src/lib/server/request/limits.ts';

/** A job that ends when it is told to. */
function job(log: string[], name: string) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    end: async () => {
      end();
      await new Promise((resolve) => setImmediate(resolve));
    },
    run: () => {
      log.push(name);
      return ended;
    },
  };
}

test('so many at a time, the others in their order, and no more than may wait', async () => {
  const log: string[] = [];
  const limit = new ConcurrencyLimit({running: 2, waiting: 2, waitingOfOneUser: 2});
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => job(log, name)) as [
    ReturnType<typeof job>,
    ...ReturnType<typeof job>[],
  ];
  expect([a, b!, c!, d!, e!].map(({run}, user) => limit.run(user, run))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
  expect(log).toEqual(['a', 'b']);
  await b!.end();
  expect(log).toEqual(['a', 'b', 'c']);
  await a.end();
  expect(log).toEqual(['a', 'b', 'c', 'd']);
});

test('a job that is done at once keeps no place', () => {
  const log: number[] = [];
  const limit = new ConcurrencyLimit({running: 1, waiting: 0, waitingOfOneUser: 0});
  for (const number of [1, 2, 3]) {
    const run = () => {
      log.push(number);
      return undefined;
    };
    expect(limit.run(0, run)).toBe(true);
  }
  expect(log).toEqual([1, 2, 3]);
});

test('more places are used at once', () => {
  const log: string[] = [];
  const limit = new ConcurrencyLimit({running: 1, waiting: 5, waitingOfOneUser: 5});
  for (const [user, name] of ['a', 'b', 'c'].entries()) limit.run(user, job(log, name).run);
  limit.resize(3);
  expect(log).toEqual(['a', 'b', 'c']);
});

test('idle when nothing runs or waits', async () => {
  const limit = new ConcurrencyLimit({running: 1, waiting: 5, waitingOfOneUser: 5});
  await limit.idle();
  const log: string[] = [];
  const [a, b] = [job(log, 'a'), job(log, 'b')];
  limit.run(0, a.run);
  limit.run(0, b.run);
  let idle = false;
  const waiting = limit.idle().then(() => {
    idle = true;
  });
  await a.end();
  expect(idle).toBe(false);
  await b.end();
  await waiting;
  expect(log).toEqual(['a', 'b']);
});

describe('the users', () => {
  const [ANN, BOB, EVE] = [1, 2, 3];
  let log: string[];
  let limit: ConcurrencyLimit;
  const run = (uid: number, name: string) => {
    const made = job(log, name);
    expect(limit.run(uid, made.run)).toBe(true);
    return made;
  };
  beforeEach(() => {
    log = [];
    limit = new ConcurrencyLimit({running: 3, waiting: 6, waitingOfOneUser: 4});
  });

  test('one never has all places, and nobody else waits for that one', async () => {
    const [first] = ['a', 'b', 'c', 'd'].map((name) => run(EVE, name));
    expect(log).toEqual(['a', 'b']);
    run(ANN, 'ann');
    expect(log).toEqual(['a', 'b', 'ann']);
    await first!.end();
    expect(log).toEqual(['a', 'b', 'ann', 'c']);
  });

  test('have their turns, however much one of them wants', async () => {
    limit.resize(1);
    const running = run(EVE, 'e0');
    const jobs = ['e1', 'e2', 'e3'].map((name) => run(EVE, name));
    const ann = run(ANN, 'ann');
    run(BOB, 'bob');
    await running.end();
    await jobs[0]!.end();
    await ann.end();
    expect(log).toEqual(['e0', 'e1', 'ann', 'bob']);
  });

  test('may have so many waiting, each and together', () => {
    limit.resize(1);
    run(EVE, 'e0');
    for (const name of ['e1', 'e2', 'e3', 'e4']) run(EVE, name);
    expect(limit.run(EVE, job(log, 'e5').run)).toBe(false);
    run(ANN, 'ann');
    run(BOB, 'bob');
    expect(limit.run(ANN, job(log, 'ann 2').run)).toBe(false);
  });
});

test('a job that only waits gives its place back, once, and is not done yet', async () => {
  const log: string[] = [];
  const limit = new ConcurrencyLimit({running: 1, waiting: 5, waitingOfOneUser: 5});
  const a = job(log, 'a');
  limit.run(1, (release) => {
    release();
    release();
    return a.run();
  });
  const [b, c] = [job(log, 'b'), job(log, 'c')];
  limit.run(2, b.run);
  limit.run(3, c.run);
  expect(log).toEqual(['a', 'b']);
  let idle = false;
  const waiting = limit.idle().then(() => {
    idle = true;
  });
  await b.end();
  expect(log).toEqual(['a', 'b', 'c']);
  await c.end();
  expect(idle).toBe(false);
  await a.end();
  await waiting;
});
