import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {readOwnFile, writeOwnFile} from '../../src/lib/transport/ownFile.ts';
import {runFtpdctl} from '../helpers/program.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ftpdctl-own-'));
});
afterEach(() => rmSync(home, {recursive: true, force: true}));

test('a file comes back as it was written, in directories made for it, for nobody else', () => {
  const file = join(home, 'a', 'b', 'c');
  expect(writeOwnFile(file, 'text')).toBe(true);
  expect(writeOwnFile(file, 'other')).toBe(true);
  expect(readOwnFile(file)?.toString()).toBe('other');
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect((statSync(join(home, 'a')).mode & 0o777).toString(8)).toBe('700');
});

test('what cannot be put in its place leaves nothing behind', () => {
  const directory = join(home, 'taken');
  expect(writeOwnFile(join(directory, 'inside'), 'text')).toBe(true);
  expect(writeOwnFile(directory, 'text')).toBe(false);
  expect(readdirSync(home)).toEqual(['taken']);
});

test('where a file stands in the way of a directory nothing is written', () => {
  writeFileSync(join(home, 'file'), '');
  expect(writeOwnFile(join(home, 'file', 'inside'), 'text')).toBe(false);
});

test('a pipe in its place is not waited for', async () => {
  const cache = join(home, '.cache', 'ftpdctl');
  writeOwnFile(join(cache, 'x'), '');
  execFileSync('mkfifo', [join(cache, 'code')]);
  // The program reads its compiled code there, so that a wait would be one of the program, not of the tests.
  expect(await runFtpdctl(['--version'], {home, timeout: 10_000})).toMatchObject({status: 0});
});

test.each([
  ['damaged', (code: Buffer) => code.fill(0xff, 1000, 100_000)],
  ['cut short', (code: Buffer) => code.subarray(0, code.length / 2)],
  ['empty', () => Buffer.alloc(0)],
])('compiled code that is %s is compiled anew', async (_name, harm) => {
  const run = () => runFtpdctl(['-s', '/nonexistent', 'help'], {home});
  const sound = await run();
  const file = join(home, '.cache', 'ftpdctl', 'code');
  const before = readFileSync(file);
  writeFileSync(file, harm(Buffer.from(before)));
  expect(await run()).toEqual(sound);
  expect(readFileSync(file).length).toBeGreaterThan(before.length / 2);
});

test('a directory in which nothing can be made is given up', async () => {
  const run = await runFtpdctl(['-s', '/nonexistent', 'help'], {
    env: {XDG_CACHE_HOME: '/proc/nothing'},
    timeout: 10_000,
  });
  expect(run.status).toBe(1);
});
