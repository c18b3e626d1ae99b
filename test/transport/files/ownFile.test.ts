import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir, userInfo} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {
  type OwnDirectory,
  readOwnFile,
  writeOwnFile,
  xdgDirectory,
} from '../../../src/lib/transport/files/ownFile.ts';
import {makeOwnHome, removeOwnHome} from '../../helpers/ownHome.ts';
import {runFtpdctl} from '../../helpers/program.ts';

const STRANGER = 65_534;
const isRoot = process.getuid?.() === 0;

let home: string;
beforeEach(() => {
  home = makeOwnHome();
});
afterEach(() => removeOwnHome(home));

/** `home/a/b`, of which only `home` must be there. */
const directory = (): OwnDirectory => ({path: join(home, 'a', 'b'), makes: 2});
const place = (...names: string[]) => join(home, 'a', 'b', ...names);

test('a file comes back as it was written, in directories made for it, for nobody else', () => {
  expect(writeOwnFile(directory(), 'c', 'text')).toBe(true);
  expect(writeOwnFile(directory(), 'c', 'other')).toBe(true);
  expect(readOwnFile(directory(), 'c')?.toString()).toBe('other');
  expect((statSync(place('c')).mode & 0o777).toString(8)).toBe('600');
  expect((statSync(join(home, 'a')).mode & 0o777).toString(8)).toBe('700');
});

test('what cannot be put in its place leaves nothing behind', () => {
  mkdirSync(place('taken'), {recursive: true});
  expect(writeOwnFile(directory(), 'taken', 'text')).toBe(false);
  expect(readdirSync(place())).toEqual(['taken']);
});

test('where a file stands in the way of a directory nothing is written', () => {
  writeFileSync(join(home, 'a'), '');
  expect(writeOwnFile(directory(), 'c', 'text')).toBe(false);
});

test('where the home is missing it is not made', () => {
  rmSync(home, {recursive: true});
  expect(writeOwnFile(directory(), 'c', 'text')).toBe(false);
  expect(readOwnFile(directory(), 'c')).toBeUndefined();
  expect(() => statSync(home)).toThrow('ENOENT');
});

/** What another user may have done to a file or a directory above it. */
const HARMS: readonly (readonly [string, (elsewhere: string) => void])[] = [
  [
    'a link in place of the file',
    (elsewhere) => {
      renameSync(place('c'), elsewhere);
      symlinkSync(elsewhere, place('c'));
    },
  ],
  ['a second name of the file', (elsewhere) => linkSync(place('c'), elsewhere)],
  ['a file that others may write to', () => chmodSync(place('c'), 0o666)],
  ['a file that a group may write to', () => chmodSync(place('c'), 0o620)],
  [
    'a link in place of the directory',
    (elsewhere) => {
      renameSync(place(), elsewhere);
      symlinkSync(elsewhere, place());
    },
  ],
  [
    'a link in place of a directory above',
    (elsewhere) => {
      renameSync(join(home, 'a'), elsewhere);
      symlinkSync(elsewhere, join(home, 'a'));
    },
  ],
  ['a directory that others may write to', () => chmodSync(place(), 0o777)],
  ['a directory above that others may write to, sticky', () => chmodSync(join(home, 'a'), 0o1777)],
  ['a home that a group may write to', () => chmodSync(home, 0o770)],
  [
    'a pipe in place of the file',
    () => {
      rmSync(place('c'));
      execFileSync('mkfifo', [place('c')]);
    },
  ],
];

describe('not read', () => {
  test.each(HARMS)('%s', (_name, harm) => {
    writeOwnFile(directory(), 'c', 'text');
    const before = readOwnFile(directory(), 'c')?.toString();
    harm(join(home, 'elsewhere'));
    expect([before, readOwnFile(directory(), 'c')]).toEqual(['text', undefined]);
  });

  test.runIf(isRoot).each([
    ['file', () => place('c')],
    ['directory', () => place()],
    ['directory above', () => join(home, 'a')],
  ])("another user's %s", (_name, which) => {
    writeOwnFile(directory(), 'c', 'text');
    chownSync(which(), STRANGER, STRANGER);
    expect(readOwnFile(directory(), 'c')).toBeUndefined();
  });
});

describe('not written through', () => {
  test('a link in place of the file: the link is replaced', () => {
    writeOwnFile(directory(), 'other', '');
    const elsewhere = join(home, 'elsewhere');
    writeFileSync(elsewhere, 'precious');
    symlinkSync(elsewhere, place('c'));
    expect(writeOwnFile(directory(), 'c', 'text')).toBe(true);
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
    expect(readOwnFile(directory(), 'c')?.toString()).toBe('text');
  });

  test.each([
    ['directory', () => place()],
    ['directory above', () => join(home, 'a')],
  ])('a link in place of a %s', (_name, which) => {
    mkdirSync(place(), {recursive: true});
    const elsewhere = join(home, 'elsewhere');
    renameSync(which(), elsewhere);
    symlinkSync(elsewhere, which());
    expect(writeOwnFile(directory(), 'c', 'text')).toBe(false);
    expect(readdirSync(elsewhere)).toEqual(which() === place() ? [] : ['b']);
  });

  test('a directory that others may write to', () => {
    const shared = mkdtempSync(join(tmpdir(), 'ftpdctl-own-'));
    try {
      expect(writeOwnFile({path: join(shared, 'a'), makes: 1}, 'c', 'text')).toBe(false);
      expect(readdirSync(shared)).toEqual([]);
    } finally {
      rmSync(shared, {recursive: true});
    }
  });
});

describe('the XDG directories', () => {
  const own = userInfo().homedir;

  test.each([
    ['HOME', {HOME: join(own, 'x')}, join(own, 'x/.cache/ftpdctl'), join(own, 'x/.local/state/ftpdctl')],
    [
      'variables of their own',
      {HOME: own, XDG_CACHE_HOME: join(own, 'c'), XDG_STATE_HOME: join(own, 's')},
      join(own, 'c/ftpdctl'),
      join(own, 's/ftpdctl'),
    ],
    [
      'relative ones, which do not count',
      {HOME: own, XDG_CACHE_HOME: 'c', XDG_STATE_HOME: './s'},
      join(own, '.cache/ftpdctl'),
      join(own, '.local/state/ftpdctl'),
    ],
    ['the account, without HOME', {}, join(own, '.cache/ftpdctl'), join(own, '.local/state/ftpdctl')],
    ['an empty HOME', {HOME: ''}, undefined, undefined],
    ['a relative HOME', {HOME: 'home/dave'}, undefined, undefined],
  ])('by %s', (_name, env, cache, state) => {
    expect(xdgDirectory(env, 'cache')?.path).toBe(cache);
    expect(xdgDirectory(env, 'state')?.path).toBe(state);
  });

  test.runIf(isRoot).each([
    ['HOME', {HOME: '/home/dave'}],
    ['a way out of the own home', {HOME: `${own}/../home/dave`}],
    ['a home whose name begins alike', {HOME: `${own}x`}],
    ['variables of their own', {HOME: own, XDG_CACHE_HOME: '/home/dave/c', XDG_STATE_HOME: '/home/dave/s'}],
  ])("root has none in another user's home: %s", (_name, env) => {
    expect([xdgDirectory(env, 'cache'), xdgDirectory(env, 'state')]).toEqual([null, null]);
  });
});

describe('the compiled code', () => {
  const code = () => join(home, '.cache', 'ftpdctl', 'program.code');
  const run = () => runFtpdctl(['-s', '/nonexistent', 'help'], {home, timeout: 10_000});

  test('a pipe in its place is not waited for', async () => {
    mkdirSync(join(home, '.cache', 'ftpdctl'), {recursive: true});
    execFileSync('mkfifo', [code()]);
    expect(await run()).toMatchObject({status: 1});
  });

  test.each([
    ['damaged', (bytes: Buffer) => bytes.fill(0xff, 1000, 100_000)],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['empty', () => Buffer.alloc(0)],
  ])('%s is compiled anew', async (_name, harm) => {
    const sound = await run();
    const before = readFileSync(code());
    writeFileSync(code(), harm(Buffer.from(before)));
    expect(await run()).toEqual(sound);
    expect(readFileSync(code()).length).toBeGreaterThan(before.length / 2);
  });

  test('where no directory can be made it does without', async () => {
    const env = {XDG_CACHE_HOME: '/proc/nothing'};
    expect(await runFtpdctl(['-s', '/nonexistent', 'help'], {env, timeout: 10_000})).toMatchObject({
      status: 1,
    });
  });
});
