import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {LogFile} from '../../src/lib/server/logFile.ts';

type Written = (error: Error | null, written: number) => void;
const disk = vi.hoisted(() => ({write: null as null | ((bytes: Buffer, done: Written) => boolean)}));
vi.mock('node:fs', async (load) => {
  const real = await load<typeof import('node:fs')>();
  const write = (fd: number, bytes: Buffer, done: Written) => {
    if (!disk.write?.(bytes, done)) real.write(fd, bytes, done);
  };
  return {...real, write};
});

let directory: string;
let path: string;
let said: string[];
let log: LogFile;

beforeEach(() => {
  directory = mkdtempSync('/tmp/fs-log-');
  path = join(directory, 'log');
  said = [];
  log = LogFile.open(path, false, ({message}) => said.push(message));
});
afterEach(() => {
  disk.write = null;
  log.close();
  rmSync(directory, {recursive: true});
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const lines = () =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.slice('2026-11-23 04:19:23,091 '.length));

describe('a full disk', () => {
  const full: typeof disk.write = (_bytes, done) => {
    setImmediate(() => done(new Error('ENOSPC: no space left on device, write'), 0));
    return true;
  };

  test('is said once, and once when it is over, there and in the log', async () => {
    disk.write = full;
    for (const line of ['a', 'b', 'c']) {
      log.write(line);
      await turn();
      await turn();
    }
    expect(said).toEqual(['ENOSPC: no space left on device, write']);
    disk.write = null;
    log.write('d');
    await vi.waitFor(() => expect(lines()).toEqual(['d', '3 lines lost: they could not be written']));
    expect(said).toEqual(['ENOSPC: no space left on device, write', 'written again; 3 lines lost']);
    disk.write = full;
    log.write('e');
    await vi.waitFor(() => expect(said).toHaveLength(3));
  });

  test('that has room again when the log is closed is said to be over', async () => {
    disk.write = full;
    log.write('lost');
    await vi.waitFor(() => expect(said).toHaveLength(1));
    await turn();
    log.write('kept');
    log.close();
    expect(said.slice(1)).toEqual(['written again; 1 line lost']);
    expect(lines()).toEqual(['kept', '1 line lost: they could not be written']);
  });

  test('is said when it is found out by closing, too', () => {
    const device = LogFile.open('/dev/full', false, ({message}) => said.push(message));
    device.write('a');
    device.close();
    expect(said).toEqual([expect.stringMatching(/^ENOSPC/)]);
  });
});

describe('a slow disk', () => {
  test('takes so many bytes at most into memory, and the log says how many lines that cost', async () => {
    let done: (() => void) | undefined;
    disk.write = (bytes, written) => {
      done ??= () => written(null, bytes.length);
      return true;
    };
    log.write('first');
    await turn();
    const line = 'x'.repeat(1024 * 1024);
    for (let count = 0; count < 10; count++) log.write(line);
    disk.write = null;
    done!();
    await vi.waitFor(() => expect(lines().at(-1)).toMatch(/ lines lost: the disk is too slow$/));
    const whole = lines().filter((each) => each === line);
    expect(whole).toHaveLength(4);
    expect(lines().at(-1)).toBe('6 lines lost: the disk is too slow');
  });

  test('that takes a part of a batch gets the rest', async () => {
    let first = true;
    disk.write = (_bytes, written) => {
      if (!first) return false;
      first = false;
      written(null, 24);
      return true;
    };
    log.write('cut');
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe('cut\n'));
  });

  test('is waited for when the log is closed, and what came meanwhile is written', async () => {
    let done: (() => void) | undefined;
    disk.write = (bytes, written) => {
      done ??= () => written(null, bytes.length);
      return true;
    };
    log.write('on its way');
    await turn();
    log.write('behind');
    log.close();
    log.write('too late');
    expect(readFileSync(path, 'utf8')).toBe('');
    done!();
    expect(lines()).toEqual(['behind']);
  });
});
