import {expect, test} from 'vitest';
import {ConcurrencyLimit} from '../../src/lib/server/request/concurrencyLimit.ts';

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
  const slots = new ConcurrencyLimit(2, 2);
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => job(log, name)) as [
    ReturnType<typeof job>,
    ...ReturnType<typeof job>[],
  ];
  expect([a, b!, c!, d!, e!].map(({run}) => slots.run(run))).toEqual([true, true, true, true, false]);
  expect(log).toEqual(['a', 'b']);
  await b!.end();
  expect(log).toEqual(['a', 'b', 'c']);
  await a.end();
  expect(log).toEqual(['a', 'b', 'c', 'd']);
});

test('a job that is done at once keeps no slot', () => {
  const log: number[] = [];
  const slots = new ConcurrencyLimit(1, 0);
  for (const number of [1, 2, 3]) {
    const run = () => {
      log.push(number);
      return undefined;
    };
    expect(slots.run(run)).toBe(true);
  }
  expect(log).toEqual([1, 2, 3]);
});

test('more slots are used at once', () => {
  const log: string[] = [];
  const slots = new ConcurrencyLimit(1, 5);
  for (const name of ['a', 'b', 'c']) slots.run(job(log, name).run);
  slots.resize(3);
  expect(log).toEqual(['a', 'b', 'c']);
});

test('idle when nothing runs or waits', async () => {
  const slots = new ConcurrencyLimit(1, 5);
  await slots.idle();
  const log: string[] = [];
  const [a, b] = [job(log, 'a'), job(log, 'b')];
  slots.run(a.run);
  slots.run(b.run);
  let idle = false;
  const waiting = slots.idle().then(() => {
    idle = true;
  });
  await a.end();
  expect(idle).toBe(false);
  await b.end();
  await waiting;
  expect(log).toEqual(['a', 'b']);
});
