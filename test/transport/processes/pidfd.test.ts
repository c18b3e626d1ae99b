import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {constants} from 'node:os';
import {expect, test, vi} from 'vitest';
import type * as Libc from '../../../src/lib/transport/libc.ts';
import {ProcessHandle} from '../../../src/lib/transport/processes/pidfd.ts';

/** So many times poll(2) fails as it does when a signal comes while it looks: nobody can send one in that very moment. */
const interruptions = vi.hoisted(() => ({left: 0}));
vi.mock('../../../src/lib/transport/libc.ts', async (importOriginal) => {
  const original = await importOriginal<typeof Libc>();
  const {koffi, libc} = original;
  const func = (prototype: string) => {
    const call = libc.func(prototype);
    if (!prototype.startsWith('int poll(')) return call;
    return (...args: unknown[]) => {
      if (interruptions.left === 0) return call(...args);
      interruptions.left -= 1;
      koffi.errno(constants.errno.EINTR);
      return -1;
    };
  };
  return {...original, libc: {func}};
});

test('signals the process it was opened for', async () => {
  const child = spawn('sleep', ['60']);
  const handle = ProcessHandle.open(child.pid!)!;
  expect(handle.hasEnded()).toBe(false);
  expect(handle.signal('SIGTERM')).toBe(true);
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  expect(handle.hasEnded()).toBe(true);
  expect(handle.signal('SIGTERM')).toBe(false);
  handle.close();
});

test('there is none for a pid that nobody has', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  expect(ProcessHandle.open(child.pid!)).toBeUndefined();
});

test('a zombie has ended', async () => {
  const script = 'import os,time; pid = os.fork() or os._exit(0); print(pid, flush=True); time.sleep(60)';
  const parent = spawn('python3', ['-c', script], {stdio: ['ignore', 'pipe', 'ignore']});
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
  const handle = ProcessHandle.open(Number(line))!;
  while (!handle.hasEnded()) await new Promise((resolve) => setTimeout(resolve, 5));
  handle.close();
  parent.kill();
});

test('is asked again when a signal has come in between', async () => {
  const child = spawn('sleep', ['60']);
  const handle = ProcessHandle.open(child.pid!)!;
  try {
    interruptions.left = 2;
    expect(handle.hasEnded()).toBe(false);
    expect(interruptions.left).toBe(0);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
  interruptions.left = 2;
  expect(handle.hasEnded()).toBe(true);
  expect(interruptions.left).toBe(0);
  handle.close();
});
