import {chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expand} from '../../../src/lib/ftp/commands/pattern.ts';
import {DiskTree} from '../../../src/lib/ftp/tree/diskTree.ts';
import {MemoryTree} from '../../../src/lib/ftp/tree/memoryTree.ts';
import {fetchData} from '../../helpers/data.ts';
import {startMock} from '../../helpers/mock.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ftpdctl-listing-'));
  for (const directory of ['a', 'a/b', 'a/.hidden', 'empty']) await mkdir(join(root, directory));
  for (const file of ['a/one.txt', 'a/b/two.txt', 'a/.dot', 'a/.hidden/three.txt', '.top', 'run'])
    await writeFile(join(root, file), 'x');
  await chmod(join(root, 'run'), 0o755);
  await symlink('a', join(root, 'to-a'));
  await symlink('..', join(root, 'a/up'));
  await symlink('../../a', join(root, 'a/b/round'));
  await symlink('nowhere', join(root, 'lost'));
  await symlink('run', join(root, 'to-run'));
  await utimes(join(root, 'run'), 0, 0);
});
afterAll(() => rm(root, {recursive: true}));

/** What a listing has: types, names and the lines between. */
async function listing(command: string): Promise<string[]> {
  const {login} = await startMock({tree: await DiskTree.open(root)});
  const {content, reply} = await fetchData(await login(), command);
  if (content === '') return reply;
  const lines = content.split('\r\n').slice(0, -1);
  return lines.map((line) => line.replace(/^(.)\S{9} +\d+ ftp +ftp +\d+ \w{3} [ \d]\d +[\d:]+ /, '$1 '));
}

describe('LIST', () => {
  test.each([
    ['LIST', ['d a', 'd empty', 'l lost -> nowhere', '- run', 'l to-a -> a', 'l to-run -> run']],
    ['LIST -A', ['- .top', 'd a', 'd empty', 'l lost -> nowhere', '- run', 'l to-a -> a', 'l to-run -> run']],
    ['LIST -1', ['a', 'empty', 'lost', 'run', 'to-a', 'to-run']],
    ['LIST -1F', ['a/', 'empty/', 'lost@', 'run*', 'to-a@', 'to-run@']],
    ['LIST -F', ['d a/', 'd empty/', 'l lost -> nowhere', '- run*', 'l to-a -> a/', 'l to-run -> run*']],
    ['LIST -L', ['d a', 'd empty', '- run', 'd to-a', '- to-run']],
    ['LIST -1t', ['run']],
    ['LIST -da', ['d .']],
    ['LIST -d', ['226 Transfer complete']],
    ['LIST -d a', ['d a']],
    ['LIST -d to-a', ['l to-a -> a']],
    ['LIST to-a', ['d b', '- one.txt']],
    ['LIST run', ['- run']],
    ['LIST to-run', ['l to-run -> run']],
    ['LIST -1 a/b', ['round', 'two.txt']],
    ['LIST -R a', ['d b', '- one.txt', '', 'a/b:', 'l round -> ../../a', '- two.txt']],
    ['LIST -1R a', ['b', 'one.txt']],
    [
      'LIST -RA a',
      [
        '- .dot',
        'd .hidden',
        'd b',
        '- one.txt',
        '',
        'a/.hidden:',
        '- three.txt',
        '',
        'a/b:',
        'l round -> ../../a',
        '- two.txt',
      ],
    ],
    // A directory that leads back into itself is named, and not entered again.
    ['LIST -RL a', ['d b', '- one.txt', '', 'a/b:', 'd round', '- two.txt']],
    ['LIST r*', ['- run']],
    ['LIST -d a*', ['d a']],
    ['LIST a*', ['d a']],
    ['LIST -R e*', ['', 'empty:']],
    ['LIST nothing*', ['226 Transfer complete']],
    ['LIST nosuch', ['450 nosuch: No such file or directory']],
  ])('%s', async (command, expected) => {
    const lines = await listing(command);
    if (command === 'LIST -1t') expect(lines.at(-1)).toBe(expected[0]);
    else expect(lines).toEqual(expected);
  });
});

describe('NLST', () => {
  test.each([
    ['NLST', ['a', 'empty', 'run', 'to-a', 'to-run']],
    ['NLST -a', ['.', '..', '.top', 'a', 'empty', 'run', 'to-a', 'to-run']],
    ['NLST -A', ['.top', 'a', 'empty', 'run', 'to-a', 'to-run']],
    ['NLST a', ['a/b', 'a/one.txt', 'a/up']],
    ['NLST a/', ['a/b', 'a/one.txt', 'a/up']],
    ['NLST ./a/../a', ['a/b', 'a/one.txt', 'a/up']],
    ['NLST /', ['/a', '/empty', '/run', '/to-a', '/to-run']],
    ['NLST run', ['run']],
    ['NLST t*', ['to-a', 'to-run']],
    ['NLST */*', ['a/b', 'a/one.txt', 'a/up']],
    ['NLST lo*', ['450 No files found']],
    ['NLST nosuch', ['450 nosuch: No such file or directory']],
  ])('%s', async (command, expected) => {
    const lines = await listing(command);
    expect(lines.length === 1 ? lines : lines.sort()).toEqual(expected);
  });
});

test.each([
  ['*', ['a', 'empty', 'lost', 'run', 'to-a', 'to-run']],
  ['/*', ['/a', '/empty', '/lost', '/run', '/to-a', '/to-run']],
  ['.*', ['.', '..', '.top']],
  ['a/*.txt', ['a/one.txt']],
  ['*/*.txt', ['a/one.txt']],
  ['*/b/*.txt', ['a/b/two.txt']],
  ['a/b/t?o.[st]xt', ['a/b/two.txt']],
  ['//a//*.txt', ['/a/one.txt']],
  ['[x]*', []],
  ['nosuch/*', []],
  ['run/*', []],
  ['*/nosuch', []],
])('the pattern %s means %j', async (pattern, expected) => {
  const found = await expand(await DiskTree.open(root), '/', pattern);
  expect(found.sort()).toEqual(expected);
});

test('a pattern is one of the working directory', async () => {
  expect(await expand(await DiskTree.open(root), '/a', '*.txt')).toEqual(['one.txt']);
  expect((await expand(await DiskTree.open(root), '/a', '../r*')).sort()).toEqual(['../run']);
});

test('more names than a pattern may mean are an error, not a listing without end', async () => {
  const tree = new MemoryTree({bytes: 1e6, entries: 20_000});
  for (let n = 0; n <= 10_000; n++) tree.addFile(`/f${n}`, '');
  await expect(expand(tree, '/', 'f*')).rejects.toMatchObject({code: 'ENOSPC'});
  await tree.remove('/f0');
  expect(await expand(tree, '/', 'f*')).toHaveLength(10_000);
});

describe('facts', () => {
  test.each([
    ['a', 'dir', 'flcdmpe', 212],
    ['run', 'file', 'adfrw', 213],
    ['to-a', 'dir', 'adfrw', 213],
  ])('of %s: %s, %s, and STAT says %d', async (name, type, perm, code) => {
    const {login} = await startMock({tree: await DiskTree.open(root)});
    const session = await login();
    await session.command('OPTS MLST type;perm;');
    expect((await session.command(`MLST ${name}`))[1]).toBe(` perm=${perm};type=${type}; /${name}`);
    const status = await session.command(`STAT ${name}`);
    expect(status[0]).toBe(`${code}-Status of ${name}:`);
    expect(status.at(-1)).toBe(`${code} End of status`);
  });

  test('of a tree in memory name a directory twice, and a file once', async () => {
    const tree = new MemoryTree();
    tree.addFile('/f', 'x');
    tree.addDirectory('/d');
    expect([(await tree.facts('/f')).links, (await tree.facts('/d')).links]).toEqual([1, 2]);
  });
});

test.each([
  ['CWD ~', '/'],
  ['CWD ~/a', '/a'],
])('%s is at home: %s', async (command, directory) => {
  const {login} = await startMock({tree: await DiskTree.open(root)});
  const session = await login();
  await session.command('CWD a/b');
  expect(await session.command(command)).toEqual(['250 CWD command successful']);
  expect(await session.command('PWD')).toEqual([`257 "${directory}" is the current directory`]);
});
