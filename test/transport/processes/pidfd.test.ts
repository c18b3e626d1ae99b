import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {expect, test} from 'vitest';
import {ProcessHandle} from '../../../src/lib/transport/processes/pidfd.ts';

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

test('is asked while signals come', async () => {
  const script =
    'import os,signal,sys,time\nwhile True: os.kill(int(sys.argv[1]), signal.SIGWINCH); time.sleep(0.00002)';
  const ignore = () => {};
  process.on('SIGWINCH', ignore);
  const child = spawn('python3', ['-c', script, String(process.pid)]);
  const handle = ProcessHandle.open(child.pid!)!;
  try {
    await once(process, 'SIGWINCH');
    let hasEnded = false;
    for (let round = 0; round < 200_000; round += 1) hasEnded ||= handle.hasEnded();
    expect(hasEnded).toBe(false);
  } finally {
    child.kill();
    await once(child, 'exit');
    process.off('SIGWINCH', ignore);
    handle.close();
  }
});
