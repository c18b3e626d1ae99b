import {expect, test} from 'vitest';
import {FileLock} from '../../../src/lib/transport/files/fileLock.ts';

/** A file of the kernel that only the process's own user can open, and that is gone with the process. */
const path = `/proc/${process.pid}/environ`;

test('one alone, or several that share', () => {
  const [one, other] = [FileLock.open(path), FileLock.open(path)];
  expect([one.tryLock('shared'), other.tryLock('shared'), other.tryLock('exclusive')]).toEqual([
    true,
    true,
    false,
  ]);
  one.unlock();
  other.unlock();
  expect([one.tryLock('exclusive'), other.tryLock('shared')]).toEqual([true, false]);
  one.close();
  expect(other.tryLock('shared')).toBe(true);
  other.close();
});

test('what cannot be opened', () => {
  expect(() => FileLock.open('/proc/self/none')).toThrow('ENOENT');
});
