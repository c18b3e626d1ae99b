import {once} from 'node:events';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {bindPath, closeDescriptor, streamSocket} from '../../../src/lib/transport/libc.ts';
import {
  bindClientPath,
  isOurClientPath,
  openConnection,
  removeClientPath,
} from '../../../src/lib/transport/sockets/connection.ts';
import {spawnTs} from '../../helpers/spawnTs.ts';

const NOWHERE = `/tmp/ftpdctl-nowhere-${process.pid}`;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  vi.restoreAllMocks();
});

/** Numbers of this run's own: other runs of the tests bind paths at the same time. */
const [TAKEN, FREE] = [Math.random(), Math.random()];

/** The path that `Math.random()` = `value` leads to. */
const pathFor = (value: number) => `/tmp/ftp.cl${100_000_000 + Math.floor(value * 100_000_000)}`;

function bound() {
  const fd = streamSocket();
  cleanups.push(() => closeDescriptor(fd));
  const path = bindClientPath(fd);
  cleanups.push(() => path.remove());
  return path;
}

test('a fresh socket of mode 0700, whatever the umask', () => {
  const umask = process.umask(0o177);
  cleanups.push(() => process.umask(umask));
  const {mode} = lstatSync(bound().path);
  expect(mode.toString(8)).toBe('140700');
  expect(process.umask()).toBe(0o177);
});

test.each([
  ['file', (path: string) => writeFileSync(path, 'mine')],
  ['symbolic link to nowhere', (path: string) => symlinkSync(NOWHERE, path)],
])('a %s at the path is neither followed nor replaced', (_kind, make) => {
  const taken = pathFor(TAKEN);
  make(taken);
  cleanups.push(() => rmSync(taken, {force: true}));
  vi.spyOn(Math, 'random').mockReturnValueOnce(TAKEN).mockReturnValueOnce(FREE);
  const before = lstatSync(taken).ino;
  const {path} = bound();
  expect(path).toBe(pathFor(FREE));
  expect(lstatSync(taken).ino).toBe(before);
  expect(existsSync(NOWHERE)).toBe(false);
});

test('what has taken the place of our socket is left alone', () => {
  const ours = bound();
  rmSync(ours.path);
  writeFileSync(ours.path, 'theirs');
  cleanups.push(() => rmSync(ours.path, {force: true}));
  ours.remove();
  expect(existsSync(ours.path)).toBe(true);
});

test('no signal handler stays when no path is left', () => {
  const before = process.listenerCount('SIGTERM');
  const one = bound();
  const two = bound();
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  one.remove();
  two.remove();
  two.remove();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});

test('whichever signal comes as soon as the file is there, it is removed, and the signal does what it does', async () => {
  const signals = (
    ['HUP', 'INT', 'QUIT', 'ABRT', 'USR2', 'ALRM', 'TERM', 'XCPU', 'VTALRM', 'IO'] as const
  ).map((name) => `SIG${name}` as const);
  const child = await spawnTs(join(import.meta.dirname, 'signalChild.ts'), signals);
  const endings = Object.fromEntries(signals.map((signal) => [signal, signal]));
  expect(await child.next()).toEqual({endings, left: []});
  await child.kill();
});

test('where every path is taken, none is removed and no signal handler stays', () => {
  const fd = streamSocket();
  cleanups.push(() => closeDescriptor(fd));
  const before = process.listenerCount('SIGTERM');
  vi.spyOn(Math, 'random').mockReturnValue(TAKEN);
  writeFileSync(pathFor(TAKEN), 'theirs');
  cleanups.push(() => rmSync(pathFor(TAKEN), {force: true}));
  expect(() => bindClientPath(fd)).toThrow('EADDRINUSE');
  expect(existsSync(pathFor(TAKEN))).toBe(true);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});

test.each([
  ['/tmp/ftp.cl123456789', true],
  ['/tmp/ftp.cl12345', false],
  ['/tmp/ftp.cl4194304', false],
  ['/tmp/ftp.cl1234567890', false],
  ['/tmp/ftp.cl12345678x', false],
  ['/var/tmp/ftp.cl123456789', false],
  ['', false],
])('%j is ours: %s', (path, ours) => expect(isOurClientPath(path)).toBe(ours));

vi.mock('node:fs', async (load) => {
  const real = await load<typeof import('node:fs')>();
  return {...real, lstatSync: vi.fn(real.lstatSync)};
});

const NOBODY = 65534;
const isRoot = process.geteuid!() === 0;
let path: string;

beforeEach(() => {
  path = `/tmp/ftp.cl${process.pid}${Math.floor(Math.random() * 1e9)}`;
});
afterEach(() => rmSync(path, {recursive: true, force: true}));

function bindAt(where: string): void {
  const fd = streamSocket();
  bindPath(fd, where);
  closeDescriptor(fd);
}

test("a client's own socket is removed", () => {
  bindAt(path);
  removeClientPath(path, process.geteuid!());
  expect(existsSync(path)).toBe(false);
});

describe('what stays', () => {
  test.each([
    ['a file', () => writeFileSync(path, 'mine')],
    ['a symbolic link', () => symlinkSync('/nowhere', path)],
  ])('%s', (_what, make) => {
    make();
    removeClientPath(path, process.geteuid!());
    expect(lstatSync(path)).toBeDefined();
  });

  test.each(['.more', 'x', '/x'])('a socket whose name ends in %j', (end) => {
    const other = `${path}${end}`;
    if (end.startsWith('/')) mkdirSync(path);
    bindAt(other);
    removeClientPath(other, process.geteuid!());
    expect(existsSync(other)).toBe(true);
    rmSync(other);
  });

  test.runIf(isRoot)("another user's socket", () => {
    bindAt(path);
    removeClientPath(path, NOBODY);
    expect(existsSync(path)).toBe(true);
    chownSync(path, NOBODY, NOBODY);
    removeClientPath(path, 0);
    expect(existsSync(path)).toBe(true);
  });
});

describe.runIf(isRoot)('with the rights of the client', () => {
  test('root removes the socket, and has its own rights again', () => {
    bindAt(path);
    chownSync(path, NOBODY, NOBODY);
    removeClientPath(path, NOBODY);
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, '');
    expect(lstatSync(path).uid).toBe(0);
  });

  test("what another user puts in its place at the last moment is the kernel's to protect", () => {
    bindAt(path);
    vi.mocked(lstatSync).mockReturnValueOnce({isSocket: () => true, uid: NOBODY} as Stats);
    removeClientPath(path, NOBODY);
    expect(existsSync(path)).toBe(true);
  });
});

describe('an answer', () => {
  const socket = `/tmp/ftpdctl-answer-${process.pid}`;
  /** A connection to which the first piece of an answer has been written, and the server's end of it. */
  const answered = async (piece: string) => {
    const server = createServer().listen(socket);
    cleanups.push(() => server.close());
    await once(server, 'listening');
    const connection = openConnection(socket, Buffer.from('request'));
    const [client] = (await once(server, 'connection')) as [Socket];
    await new Promise((written) => client.write(piece, written));
    connection.block(1000);
    return {connection, client};
  };
  const readAll = async (connection: ReturnType<typeof openConnection>) => {
    const chunks: Buffer[] = [];
    const exchange = await connection.read((chunk) => {
      chunks.push(chunk);
      return false;
    });
    return [exchange.kind, Buffer.concat(chunks).toString()];
  };

  test('of which one piece is there before it is read and one comes after', async () => {
    const {connection, client} = await answered('one, ');
    const read = readAll(connection);
    client.end('two');
    expect(await read).toEqual(['closed', 'one, two']);
    expect(existsSync(connection.path!)).toBe(false);
  });

  test('that is all there, and longer than what is read at once', async () => {
    const long = 'x'.repeat(50_000);
    const {connection, client} = await answered(long);
    client.end();
    expect(await readAll(connection)).toEqual(['closed', long]);
  });

  test('that the reader has had enough of', async () => {
    const {connection, client} = await answered('enough');
    cleanups.push(() => client.destroy());
    expect(await connection.read(() => true)).toEqual({kind: 'closed'});
    expect(existsSync(connection.path!)).toBe(false);
  });

  test('that is broken off', async () => {
    const {connection, client} = await answered('one, ');
    const read = readAll(connection);
    client.destroy();
    expect((await read)[1]).toBe('one, ');
  });

  test('that was given up before it was read', async () => {
    const {connection, client} = await answered('late');
    cleanups.push(() => client.destroy());
    connection.close();
    expect(await readAll(connection)).toEqual(['closed', '']);
  });
});
