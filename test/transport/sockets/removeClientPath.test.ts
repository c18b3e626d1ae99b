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
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {bindPath, closeDescriptor, streamSocket} from '../../../src/lib/transport/libc.ts';
import {removeClientPath} from '../../../src/lib/transport/sockets/clientPath.ts';

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
