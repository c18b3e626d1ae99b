import {execFileSync, fork} from 'node:child_process';
import {once} from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import {pipeline} from 'node:stream/promises';
import {afterEach, beforeEach, describe, expect, onTestFinished, test, vi} from 'vitest';
import {DiskTree} from '../../../src/lib/ftp/tree/diskTree.ts';
import {FileContent, Quota} from '../../../src/lib/ftp/tree/fileContent.ts';
import {MemoryTree} from '../../../src/lib/ftp/tree/memoryTree.ts';
import {type FileTree, readOnly, resolvePath, type WriteMode} from '../../../src/lib/ftp/tree/tree.ts';

let base: string;
let root: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'ftpdctl-tree-'));
  root = join(base, 'root');
  await mkdir(join(root, 'sub'), {recursive: true});
  await writeFile(join(root, 'file.txt'), 'hello');
  await writeFile(join(base, 'secret'), 'secret');
});

afterEach(() => rm(base, {recursive: true, force: true}));

async function memory(): Promise<FileTree> {
  const tree = new MemoryTree();
  tree.addDirectory('/sub');
  tree.addFile('/file.txt', 'hello');
  return tree;
}

async function read(tree: FileTree, path: string, offset = 0): Promise<string> {
  return (await buffer(await tree.read(path, offset))).toString();
}

async function write(
  tree: FileTree,
  path: string,
  content: string,
  mode: WriteMode = {kind: 'replace'},
): Promise<void> {
  await pipeline([Buffer.from(content)], await tree.write(path, mode));
}

const names = async (tree: FileTree, path: string): Promise<string[]> =>
  (await tree.list(path)).map(({name}) => name).sort();

const failure = (code: string): object => ({name: 'TreeError', code});

describe.each([
  ['in memory', memory],
  ['on disk', () => DiskTree.open(root)],
] as const)('a tree %s', (_name, make) => {
  let tree: FileTree;
  beforeEach(async () => {
    tree = await make();
  });

  test('lists, and tells facts', async () => {
    expect(await names(tree, '/')).toEqual(['file.txt', 'sub']);
    expect(await tree.facts('/file.txt')).toMatchObject({
      name: 'file.txt',
      kind: 'file',
      size: 5,
      mode: 0o644,
    });
    expect(await tree.facts('/sub')).toMatchObject({name: 'sub', kind: 'directory'});
    expect(await tree.facts('/')).toMatchObject({kind: 'directory'});
  });

  test('reads from an offset', async () => {
    expect(await read(tree, '/file.txt')).toBe('hello');
    expect(await read(tree, '/file.txt', 3)).toBe('lo');
    expect(await read(tree, '/file.txt', 5)).toBe('');
  });

  test.each([
    [{kind: 'replace'}, 'XY'],
    [{kind: 'append'}, 'helloXY'],
    [{kind: 'at', offset: 1}, 'hXYlo'],
    [{kind: 'at', offset: 4}, 'hellXY'],
    [{kind: 'at', offset: 7}, 'hello\0\0XY'],
  ] as [WriteMode, string][])('writes: %o', async (mode, content) => {
    await write(tree, '/file.txt', 'XY', mode);
    expect(await read(tree, '/file.txt')).toBe(content);
    await write(tree, '/sub/new', 'new', mode);
    expect((await read(tree, '/sub/new')).endsWith('new')).toBe(true);
  });

  test('keeps what has come when an upload breaks off', async () => {
    const file = await tree.write('/sub/part', {kind: 'replace'});
    await new Promise((done) => file.write('half', done));
    file.destroy();
    await expect.poll(() => read(tree, '/sub/part')).toBe('half');
  });

  test('makes, renames and removes', async () => {
    await tree.makeDirectory('/sub/deep');
    await tree.rename('/file.txt', '/sub/deep/other');
    expect(await read(tree, '/sub/deep/other')).toBe('hello');
    await tree.rename('/sub', '/moved');
    expect(await names(tree, '/')).toEqual(['moved']);
    await tree.changeMode('/moved/deep/other', 0o600);
    expect((await tree.facts('/moved/deep/other')).mode).toBe(0o600);
    await tree.remove('/moved/deep/other');
    await tree.removeDirectory('/moved/deep');
    await tree.removeDirectory('/moved');
    expect(await names(tree, '/')).toEqual([]);
  });

  test.each<[string, (tree: FileTree) => Promise<unknown>, string]>([
    ['facts of nothing', (t) => t.facts('/nosuch'), 'ENOENT'],
    ['a file as a directory', (t) => t.facts('/file.txt/x'), 'ENOTDIR'],
    ['list a file', (t) => t.list('/file.txt'), 'ENOTDIR'],
    ['read a directory', (t) => t.read('/sub', 0), 'ENOTREG'],
    ['write a directory', (t) => t.write('/sub', {kind: 'replace'}), 'ENOTREG'],
    ['write into nothing', (t) => t.write('/nosuch/x', {kind: 'replace'}), 'ENOENT'],
    ['write a new file that is there', (t) => t.write('/file.txt', {kind: 'new'}), 'EEXIST'],
    ['make what is there', (t) => t.makeDirectory('/sub'), 'EEXIST'],
    ['remove a directory as a file', (t) => t.remove('/sub'), 'EISDIR'],
    ['remove a file as a directory', (t) => t.removeDirectory('/file.txt'), 'ENOTDIR'],
    ['rename nothing', (t) => t.rename('/nosuch', '/x'), 'ENOENT'],
    ['rename into itself', (t) => t.rename('/sub', '/sub/x'), 'EINVAL'],
    ['a name that is too long', (t) => t.makeDirectory(`/${'x'.repeat(256)}`), 'ENAMETOOLONG'],
  ])('refuses to %s', async (_what, act, code) => {
    await expect(act(tree)).rejects.toMatchObject(failure(code));
    expect(await names(tree, '/')).toEqual(['file.txt', 'sub']);
  });

  test('a directory with something in it stays', async () => {
    await write(tree, '/sub/x', '');
    await expect(tree.removeDirectory('/sub')).rejects.toMatchObject(failure('ENOTEMPTY'));
  });

  test('read-only: shows everything and changes nothing', async () => {
    const shown = readOnly(tree);
    expect(await read(shown, '/file.txt')).toBe('hello');
    const changes: Promise<unknown>[] = [
      shown.write('/new', {kind: 'replace'}),
      shown.makeDirectory('/new'),
      shown.removeDirectory('/sub'),
      shown.remove('/file.txt'),
      shown.rename('/file.txt', '/new'),
      shown.changeMode('/file.txt', 0),
      shown.setModified('/file.txt', new Date(0)),
    ];
    for (const change of changes) await expect(change).rejects.toMatchObject(failure('EROFS'));
    expect(await names(shown, '/')).toEqual(['file.txt', 'sub']);
  });
});

describe('a tree in memory', () => {
  test('cannot be filled beyond its limits, and has room again afterwards', async () => {
    const tree = new MemoryTree({bytes: 10, entries: 2});
    await write(tree, '/a', '12345678');
    await expect(write(tree, '/b', '12345678')).rejects.toMatchObject(failure('ENOSPC'));
    await expect(tree.makeDirectory('/c')).rejects.toMatchObject(failure('ENOSPC'));
    await expect(tree.write('/a', {kind: 'at', offset: 1e12})).rejects.toMatchObject(failure('ENOSPC'));
    await tree.remove('/a');
    await write(tree, '/b', '1234567890');
    expect(await read(tree, '/b')).toBe('1234567890');
  });

  test('counts what lies before an offset: forty bytes do not take forty times the room', async () => {
    const tree = new MemoryTree({bytes: 1_000_000, entries: 100});
    const before = process.memoryUsage().arrayBuffers;
    const uploads = await Promise.allSettled(
      Array.from({length: 40}, (_, n) => write(tree, `/f${n}`, 'x', {kind: 'at', offset: 900_000})),
    );
    expect(uploads.filter(({status}) => status === 'fulfilled')).toHaveLength(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  test('has no room for what a download still reads, removed or not', async () => {
    const tree = new MemoryTree({bytes: 100_000, entries: 10});
    tree.addFile('/a', Buffer.alloc(80_000, 'a'));
    const download = await tree.read('/a', 0);
    await tree.remove('/a');
    await expect(write(tree, '/b', 'b'.repeat(80_000))).rejects.toMatchObject(failure('ENOSPC'));
    expect((await buffer(download)).toString()).toBe('a'.repeat(80_000));
    await write(tree, '/b', 'b'.repeat(80_000));
  });

  test('is filled to the last byte by small pieces, and says so at the next', async () => {
    const tree = new MemoryTree({bytes: 1000, entries: 10});
    const file = await tree.write('/a', {kind: 'replace'});
    file.on('error', () => {});
    for (let n = 0; n < 1000; n++) await new Promise<void>((done) => file.write('x', () => done()));
    await expect(
      new Promise<void>((done, fail) => file.write('x', (error) => (error ? fail(error) : done()))),
    ).rejects.toMatchObject(failure('ENOSPC'));
    expect((await tree.facts('/a')).size).toBe(1000);
  });

  test('grows by single bytes without being copied for each', async () => {
    const allocations = vi.spyOn(Buffer, 'alloc');
    onTestFinished(() => allocations.mockRestore());
    const content = new FileContent(new Quota(1_000_000));
    for (let at = 0; at < 20_000; at++) content.write(at, Buffer.of(at));
    expect(content.size).toBe(20_000);
    expect(allocations.mock.calls.length).toBeLessThan(50);
  });

  test('two that append to one file both get their bytes in', async () => {
    const tree = new MemoryTree();
    const [one, two] = [await tree.write('/a', {kind: 'append'}), await tree.write('/a', {kind: 'append'})];
    for (const stream of [one, two, one]) await new Promise((done) => stream.write('12', done));
    expect(await read(tree, '/a')).toBe('121212');
  });

  test('a file that cannot have its new name keeps the old one', async () => {
    const tree = await memory();
    await expect(tree.rename('/file.txt', `/${'x'.repeat(256)}`)).rejects.toMatchObject(
      failure('ENAMETOOLONG'),
    );
    expect(await read(tree, '/file.txt')).toBe('hello');
  });

  test('forgets an upload to a file that has been removed', async () => {
    const tree = new MemoryTree({bytes: 10, entries: 10});
    const file = await tree.write('/a', {kind: 'replace'});
    await new Promise((done) => file.write('1234567890', done));
    await tree.remove('/a');
    await new Promise<void>((done) => file.end(() => done()));
    await write(tree, '/b', '1234567890');
    expect(await names(tree, '/')).toEqual(['b']);
  });
});

/** Another user where this is root: makes `directory/file` a file and a link to `target` in turn, as fast as it can. */
const EXCHANGER = `
  const {symlinkSync, writeFileSync, renameSync} = require('node:fs');
  let [count, running] = [0, true];
  process.on('message', () => { running = false; });
  const turn = () => {
    for (let n = 0; n < 50; n++) {
      symlinkSync(process.argv[2], 'next');
      renameSync('next', 'file');
      writeFileSync('next', 'harmless');
      renameSync('next', 'file');
      count += 1;
    }
    if (count === 50) process.send('begun');
    if (running) setImmediate(turn);
    else process.exit(0);
  };
  turn();
`;

/** Makes a dangling link and removes whatever is at its place, in turn, as fast as it can. */
const PLANTER = `
  const {symlinkSync, rmSync} = require('node:fs');
  for (let count = 1; ; count++) {
    try { symlinkSync(process.argv[3], process.argv[2]); } catch {}
    rmSync(process.argv[2], {force: true});
    if (count === 50) process.send('begun');
  }
`;

async function startExchanging(directory: string, target: string): Promise<{stop(): Promise<void>}> {
  const program = join(base, 'exchange.cjs');
  await writeFile(program, EXCHANGER);
  await mkdir(directory);
  const other = process.getuid?.() === 0 ? {uid: 65_534, gid: 65_534} : {};
  if (other.uid !== undefined) {
    await chmod(base, 0o755);
    await chown(directory, other.uid, other.gid);
  }
  const child = fork(program, [target], {cwd: directory, execArgv: [], ...other});
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  return {
    async stop() {
      child.send('stop');
      await once(child, 'exit');
    },
  };
}

describe('nothing leads out of a directory on disk', () => {
  let tree: FileTree;
  beforeEach(async () => {
    tree = await DiskTree.open(root);
  });

  test('a path with dots ends at the root', async () => {
    expect(resolvePath('/sub', '../../../secret')).toBe('/secret');
    expect(resolvePath('/', '/../../etc/passwd')).toBe('/etc/passwd');
    await expect(tree.facts(resolvePath('/sub', '../../secret'))).rejects.toMatchObject(failure('ENOENT'));
  });

  test.each([
    ['absolute', () => join(base, 'secret')],
    ['relative', () => '../secret'],
    ['in a chain', () => 'chain'],
  ])('a link to a file outside, %s', async (_name, target) => {
    await symlink('../secret', join(root, 'chain'));
    await symlink(target(), join(root, 'link'));
    for (const act of [
      () => tree.facts('/link'),
      () => tree.read('/link', 0),
      () => tree.changeMode('/link', 0),
      () => tree.write('/link', {kind: 'replace'}),
      () => tree.write('/link', {kind: 'append'}),
    ]) {
      await expect(act()).rejects.toMatchObject({name: 'TreeError'});
    }
    expect(await tree.ownFacts('/link')).toMatchObject({kind: 'link', target: target()});
    expect(await readFile(join(base, 'secret'), 'utf8')).toBe('secret');
  });

  test('a link to a directory outside', async () => {
    await symlink(base, join(root, 'out'));
    for (const act of [
      () => tree.list('/out'),
      () => tree.read('/out/secret', 0),
      () => tree.write('/out/new', {kind: 'replace'}),
      () => tree.makeDirectory('/out/new'),
      () => tree.remove('/out/secret'),
      () => tree.rename('/out/secret', '/stolen'),
      () => tree.rename('/file.txt', '/out/leaked'),
    ]) {
      await expect(act()).rejects.toMatchObject(failure('ENOENT'));
    }
    expect((await readdir(base)).sort()).toEqual(['root', 'secret']);
  });

  test('a link that leads nowhere is no way to make a file outside', async () => {
    await symlink(join(base, 'new'), join(root, 'dangling'));
    await expect(tree.write('/dangling', {kind: 'new'})).rejects.toMatchObject({name: 'TreeError'});
    await expect(tree.write('/dangling', {kind: 'replace'})).rejects.toMatchObject({name: 'TreeError'});
    expect((await readdir(base)).sort()).toEqual(['root', 'secret']);
  });

  test('a link that leads nowhere and comes just before a file is made', async () => {
    const program = join(base, 'planter.cjs');
    await writeFile(program, PLANTER);
    const child = fork(program, [join(root, 'file'), join(base, 'planted')], {execArgv: []});
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'message');
    const written = async () => {
      const file = await tree.write('/file', {kind: 'append'});
      await new Promise<void>((done) => file.end('x', () => done()));
    };
    for (let tries = 0; tries < 500; tries++) await written().catch(() => {});
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(base)).not.toContain('planted');
  });

  test('a link inside is followed, and removed as a link', async () => {
    await symlink('../file.txt', join(root, 'sub', 'link'));
    await symlink('/sub', join(root, 'alias'));
    expect(await read(tree, '/alias/link')).toBe('hello');
    expect(await names(tree, '/')).toEqual(['alias', 'file.txt', 'sub']);
    await write(tree, '/alias/link', 'changed');
    expect(await readFile(join(root, 'file.txt'), 'utf8')).toBe('changed');
    await tree.remove('/alias/link');
    expect(await read(tree, '/file.txt')).toBe('changed');
  });

  test.each([
    ['absolute', '/sub/x', '/link', 'x'],
    ['from the root up', '../../../sub/x', '/link', 'x'],
    ['through another', 'alias/x', '/link', 'x'],
    ['up from where another leads', 'alias/../file.txt', '/link', 'hello'],
    ['up from a deeper one', 'deep/../x', '/link', 'x'],
    ['to the root', '/', '/link/file.txt', 'hello'],
    ['with dots and slashes', './/sub/.//x', '/link', 'x'],
  ])('a link is followed as in a chroot: %s', async (_name, target, path, content) => {
    await mkdir(join(root, 'sub', 'inner'));
    await writeFile(join(root, 'sub', 'x'), 'x');
    await symlink('/sub', join(root, 'alias'));
    await symlink('sub/inner', join(root, 'deep'));
    await symlink(target, join(root, 'link'));
    expect(await read(tree, path)).toBe(content);
  });

  test('the path without links is told, and of a link that goes round that it does', async () => {
    await symlink('/sub', join(root, 'alias'));
    await symlink('loop', join(root, 'loop'));
    await symlink('b', join(root, 'a'));
    await symlink('a/x', join(root, 'b'));
    expect(await tree.realPath('/alias')).toBe('/sub');
    for (const path of ['/loop', '/a', '/b', '/a/y'])
      await expect(tree.facts(path)).rejects.toMatchObject(failure('ELOOP'));
    expect(await tree.ownFacts('/loop')).toMatchObject({kind: 'link', target: 'loop'});
  });

  test('a link is renamed and removed as one, be it dangling', async () => {
    await symlink('nosuch', join(root, 'dangling'));
    await tree.rename('/dangling', '/sub/moved');
    expect(await readlink(join(root, 'sub', 'moved'))).toBe('nosuch');
    await tree.remove('/sub/moved');
    await symlink('/sub', join(root, 'alias'));
    await expect(tree.removeDirectory('/alias')).rejects.toMatchObject(failure('ENOTDIR'));
    await tree.remove('/alias');
    expect(await names(tree, '/')).toEqual(['file.txt', 'sub']);
  });

  test('names that are not UTF-8 are carried as their octets', async () => {
    const octets = (name: string): Buffer => Buffer.from(`${root}/${name}`, 'latin1');
    const name = '/caf\udce9';
    await tree.makeDirectory(name);
    await write(tree, `${name}/\udcff\u00e9`, 'odd');
    expect(await readdir(octets('caf\xe9'), 'latin1')).toEqual(['\xff\xc3\xa9']);
    expect(await names(tree, name)).toEqual(['\udcff\u00e9']);
    await symlink(Buffer.from('caf\xe9', 'latin1'), join(root, 'link'));
    expect(await tree.realPath('/link')).toBe(name);
    expect(await read(tree, '/link/\udcff\u00e9')).toBe('odd');
    await tree.rename(`${name}/\udcff\u00e9`, '/new\udc80');
    await tree.remove('/new\udc80');
    await tree.removeDirectory(name);
  });

  test('a time is set, and nothing else of it', async () => {
    const {atime} = await stat(join(root, 'file.txt'));
    await tree.setModified('/file.txt', new Date(1e12));
    expect(await stat(join(root, 'file.txt'))).toMatchObject({mtime: new Date(1e12), atime});
  });

  test('a root that is a link itself is where it leads', async () => {
    await symlink(root, join(base, 'alias'));
    expect(await names(await DiskTree.open(join(base, 'alias')), '/')).toEqual(['file.txt', 'sub']);
  });

  test('a FIFO or socket is no file, and nobody waits for it', async () => {
    execFileSync('mkfifo', [join(root, 'fifo')]);
    await expect(tree.read('/fifo', 0)).rejects.toMatchObject(failure('ENOTREG'));
    await expect(tree.write('/fifo', {kind: 'replace'})).rejects.toMatchObject(failure('ENOTREG'));
    expect((await tree.ownFacts('/fifo')).kind).toBe('fifo');
  });

  test('a directory that is exchanged for a link meanwhile', async () => {
    await writeFile(join(root, 'sub', 'secret'), 'harmless');
    let running = true;
    const exchange = (async () => {
      while (running) {
        await rename(join(root, 'sub'), join(root, 'was'));
        await symlink(base, join(root, 'sub'));
        await unlink(join(root, 'sub'));
        await rename(join(root, 'was'), join(root, 'sub'));
      }
    })();
    for (let round = 0; round < 200; round++) {
      const content = await read(tree, '/sub/secret').catch(() => 'refused');
      expect(['harmless', 'refused']).toContain(content);
      await write(tree, '/sub/planted', 'x').catch(() => {});
    }
    running = false;
    await exchange;
    expect((await readdir(base)).sort()).toEqual(['root', 'secret']);
  });

  test.each<[string, (tree: FileTree) => Promise<unknown>]>([
    ['SITE CHMOD', (t) => t.changeMode('/theirs/file', 0o777)],
    ['MFMT', (t) => t.setModified('/theirs/file', new Date(1e12))],
    ['STOR', (t) => write(t, '/theirs/file', 'planted')],
    ['APPE', (t) => write(t, '/theirs/file', 'planted', {kind: 'append'})],
    [
      'RETR',
      async (t) => {
        const content = await read(t, '/theirs/file');
        expect(content).not.toContain('secret');
      },
    ],
    ['DELE', (t) => t.remove('/theirs/file')],
  ])('%s of a file that another user exchanges for a link all the time', async (_command, act) => {
    await chmod(join(base, 'secret'), 0o600);
    const exchanges = await startExchanging(join(root, 'theirs'), join(base, 'secret'));
    let done = 0;
    for (let round = 0; round < 600 || done < 10; round++) {
      const refusal = await act(tree).catch((error: unknown) => error);
      if (refusal === undefined) done += 1;
      else expect(refusal).toMatchObject({name: 'TreeError'});
    }
    await exchanges.stop();
    const secret = join(base, 'secret');
    expect([(await stat(secret)).mode & 0o7777, await readFile(secret, 'utf8')]).toEqual([0o600, 'secret']);
    expect((await stat(secret)).mtime).not.toEqual(new Date(1e12));
  });

  test('a root that is exchanged for another directory stays what it was', async () => {
    await rename(root, join(base, 'moved'));
    await mkdir(root);
    await writeFile(join(root, 'other'), 'other');
    expect(await names(tree, '/')).toEqual(['file.txt', 'sub']);
    expect(await read(tree, '/file.txt')).toBe('hello');
  });

  test('a way to the root that becomes a link leads nowhere else', async () => {
    await mkdir(join(base, 'way', 'to'), {recursive: true});
    await mkdir(join(base, 'elsewhere', 'to'), {recursive: true});
    const served = await DiskTree.open(join(base, 'way', 'to'));

    await rename(join(base, 'way'), join(base, 'was'));
    await symlink('elsewhere', join(base, 'way'));
    await write(served, '/new', 'x');
    expect(await readdir(join(base, 'elsewhere', 'to'))).toEqual([]);
    expect(await readdir(join(base, 'was', 'to'))).toEqual(['new']);
  });

  test('a file that nobody may read gets its mode all the same', async () => {
    await chmod(join(root, 'file.txt'), 0);
    await tree.changeMode('/file.txt', 0o640);
    expect((await tree.facts('/file.txt')).mode).toBe(0o640);
  });

  test('a directory that is not there', async () => {
    await expect(DiskTree.open(join(base, 'nosuch'))).rejects.toMatchObject(failure('ENOENT'));
    await expect(DiskTree.open(join(root, 'file.txt'))).rejects.toMatchObject(failure('ENOTDIR'));
  });
});
