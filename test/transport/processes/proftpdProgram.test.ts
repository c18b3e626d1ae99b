import {chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {askProftpd} from '../../../src/lib/transport/processes/proftpdProgram.ts';

const NOBODY = 65_534;

let directory: string;
let program: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ftpdctl-program-'));
  program = join(directory, 'proftpd');
  writeFileSync(program, '#!/bin/sh\necho "ProFTPD Version 1.3.8 $*"\n');
  chmodSync(program, 0o755);
});
afterEach(() => rmSync(directory, {recursive: true, force: true}));

describe('a program is asked', () => {
  test.each(['-v', '-V'] as const)('%s: what it prints', async (option) => {
    expect(await askProftpd(program, option)).toBe(`ProFTPD Version 1.3.8 ${option}\n`);
  });

  test('that runs, by its place under /proc', async () => {
    // Node knows -v, too.
    expect(await askProftpd(`/proc/${process.pid}/exe`, '-v')).toBe(`${process.version}\n`);
  });
});

describe('a program is not run', () => {
  test.each([0o775, 0o757])('mode %o: others may write it', async (mode) => {
    chmodSync(program, mode);
    await expect(askProftpd(program, '-v')).rejects.toThrow('not run: others may have written it');
  });

  test.runIf(process.geteuid!() === 0)("that is another user's", async () => {
    chownSync(program, NOBODY, NOBODY);
    await expect(askProftpd(program, '-v')).rejects.toThrow('not run: others may have written it');
  });

  test('that is not there', async () => {
    await expect(askProftpd(join(directory, 'none'), '-v')).rejects.toThrow('ENOENT');
  });
});
