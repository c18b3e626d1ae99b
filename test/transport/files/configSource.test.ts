import {rmSync, symlinkSync} from 'node:fs';
import {mkdir, mkdtemp, rm, symlink, truncate, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {loadSettings} from '../../../src/lib/config/load.ts';
import {systemConfigSource} from '../../../src/lib/transport/files/configSource.ts';

/** What somebody else does between a look at a file and its opening. */
const race = vi.hoisted(() => ({swap: () => {}}));
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const statSync = (path: string) => {
    const stat = fs.statSync(path);
    race.swap();
    return stat;
  };
  return {...fs, statSync};
});

let directory: string;
const inside = (name: string) => join(directory, name);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ftpdctl-config-'));
  await writeFile(inside('a.conf'), 'ControlsInterval 2\nInclude %{env:FTPDCTL_TEST_INCLUDE}\n');
});

afterEach(async () => {
  race.swap = () => {};
  vi.unstubAllEnvs();
  await rm(directory, {recursive: true});
});

test('tells files, directories and what is missing apart, through symbolic links', async () => {
  await mkdir(inside('conf.d'));
  await symlink(inside('conf.d'), inside('link'));
  await symlink(inside('none'), inside('dangling'));
  const kinds = ['a.conf', 'conf.d', 'link', 'dangling', 'none', 'a.conf/x'].map((name) =>
    systemConfigSource.kind(inside(name)),
  );
  expect(kinds).toEqual(['file', 'directory', 'directory', 'missing', 'missing', 'missing']);
});

test('reads a configuration with what it includes', async () => {
  await mkdir(inside('conf.d'));
  await writeFile(inside('conf.d/1.conf'), 'ControlsMaxClients 3\n');
  await writeFile(inside('conf.d/2.conf'), 'ControlsMaxClients 4\n');
  vi.stubEnv('FTPDCTL_TEST_INCLUDE', inside('conf.d'));
  const {controls} = loadSettings(systemConfigSource, inside('a.conf')).settings;
  expect([controls.interval.value, controls.maxClients.value]).toEqual([2, 4]);
});

test('says in plain words why a file cannot be read', async () => {
  await writeFile(inside('large.conf'), '');
  await truncate(inside('large.conf'), 1024 * 1024 + 1);
  vi.stubEnv('FTPDCTL_TEST_INCLUDE', inside('large.conf'));
  expect(() => loadSettings(systemConfigSource, inside('a.conf'))).toThrow(
    `${inside('a.conf')}:2: cannot read ${inside('large.conf')}: larger than 1048576 bytes`,
  );
  expect(() => systemConfigSource.read('/dev/null')).toThrow('not a regular file');
  expect(() => systemConfigSource.read(inside('none'))).toThrow(/^no such file or directory$/);
  expect(() => systemConfigSource.list(inside('a.conf'))).toThrow(/^not a directory$/);
});

test.each([
  ['a device', '/dev/null', 'not a regular file'],
  ['what is too large', 'large.conf', 'larger than 1048576 bytes'],
])('judges what it has opened, not what it has looked at: %s', async (_name, target, why) => {
  await writeFile(inside('large.conf'), '#'.repeat(1024 * 1024 + 1));
  race.swap = () => {
    rmSync(inside('a.conf'), {force: true});
    symlinkSync(resolve(directory, target), inside('a.conf'));
  };
  expect(() => systemConfigSource.read(inside('a.conf'))).toThrow(why);
});

test('reads a file that does not tell its size', () => {
  expect(systemConfigSource.read('/proc/self/status')).toMatch(/^Name:.*\nPid:/s);
});
