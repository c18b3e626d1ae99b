import {expect, test, vi} from 'vitest';
import {ControlsClient} from '../../src/lib/client/client.ts';
import {SystemCallError} from '../../src/lib/transport/libc.ts';
import {openConnection} from '../../src/lib/transport/sockets/connection.ts';

// Root, who runs these tests in CI, is never refused by the file system: so the refusal is played here.
vi.mock('../../src/lib/transport/sockets/connection.ts', () => ({openConnection: vi.fn()}));
vi.mock('../../src/lib/client/discovery.ts', () => ({
  candidateSockets: async () => [
    {path: '/nonexistent/first', because: 'a default'},
    {path: '/etc/passwd', because: 'a default'},
    {path: '/etc/group', because: 'ftpdctl serve'},
  ],
}));

test.each([
  ['ENOENT', ['/nonexistent/first', '/etc/passwd', '/etc/group']],
  ['ECONNREFUSED', ['/nonexistent/first', '/etc/passwd', '/etc/group']],
])('a socket that fails with %s gives way to the next', async (code, tried) => {
  vi.mocked(openConnection).mockClear();
  vi.mocked(openConnection).mockImplementation(() => {
    throw new SystemCallError('connect', code);
  });
  await expect(new ControlsClient({cache: null}).message(['all'], 'hi')).rejects.toMatchObject({
    code: 'NO_SOCKET',
  });
  expect(vi.mocked(openConnection).mock.calls.map(([path]) => path)).toEqual(tried);
});

test('a socket that is not there and may not be looked at gives way, too', async () => {
  vi.mocked(openConnection).mockClear();
  vi.mocked(openConnection).mockImplementation(() => {
    throw new SystemCallError('connect', 'EACCES');
  });
  await expect(new ControlsClient({cache: null}).message(['all'], 'hi')).rejects.toMatchObject({
    code: 'NO_SOCKET',
  });
  expect(vi.mocked(openConnection).mock.calls.map(([path]) => path)).toEqual([
    '/nonexistent/first',
    '/etc/passwd',
  ]);
});

test('a socket that is there and forbidden is the one that was meant: no other server gets the request', async () => {
  vi.mocked(openConnection).mockClear();
  vi.mocked(openConnection).mockImplementation((path) => {
    throw new SystemCallError('connect', path.startsWith('/nonexistent') ? 'ENOENT' : 'EACCES');
  });
  await expect(new ControlsClient({cache: null}).message(['all'], 'hi')).rejects.toMatchObject({
    exitStatus: 1,
    message: expect.stringContaining('/etc/passwd') as string,
  });
  expect(vi.mocked(openConnection).mock.calls.map(([path]) => path)).toEqual([
    '/nonexistent/first',
    '/etc/passwd',
  ]);
});
