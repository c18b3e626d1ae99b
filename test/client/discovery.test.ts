import {existsSync} from 'node:fs';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {candidateSockets} from '../../src/lib/client/discovery.ts';
import {systemConfigSource} from '../../src/lib/transport/files/configSource.ts';

// What is installed on this machine must not decide: its configurations are those of the test.
vi.mock('node:fs', async (importOriginal) => ({...(await importOriginal<object>()), existsSync: vi.fn()}));

const configurations = new Map<string, string>();
const env = {XDG_RUNTIME_DIR: '/run/user/of-nobody', HOME: '/home/dave'};

beforeEach(() => {
  configurations.clear();
  vi.mocked(existsSync).mockImplementation((path) => configurations.has(String(path)));
  vi.spyOn(systemConfigSource, 'kind').mockImplementation((path) =>
    configurations.has(path) ? 'file' : 'missing',
  );
  vi.spyOn(systemConfigSource, 'read').mockImplementation((path) => configurations.get(path)!);
});
afterEach(() => vi.restoreAllMocks());

const DEFAULTS = [
  '/run/proftpd.sock',
  '/var/run/proftpd/proftpd.sock',
  '/run/proftpd/proftpd.sock',
  '/var/run/proftpd.sock',
  '/usr/local/var/proftpd/proftpd.sock',
];
const paths = async (variables: NodeJS.ProcessEnv = env) =>
  (await candidateSockets(undefined, variables)).map(({path}) => path);

test('without a configuration: the defaults of the distributions, then one’s own ftpdctl serve', async () => {
  const candidates = await candidateSockets(undefined, env);
  const own = candidates.slice(DEFAULTS.length);
  expect(candidates.slice(0, DEFAULTS.length)).toEqual(
    DEFAULTS.map((path) => ({path, because: 'a default'})),
  );
  expect(own[0]).toEqual({
    path: '/run/user/of-nobody/ftpdctl/ftpdctl.sock',
    because: 'ftpdctl serve',
    missing: true,
  });
});

describe('a configuration that is installed', () => {
  test.each([
    '/etc/proftpd/proftpd.conf',
    '/etc/proftpd.conf',
    '/usr/local/etc/proftpd.conf',
    '/usr/local/etc/proftpd/proftpd.conf',
  ])('%s names the first socket to try', async (file) => {
    configurations.set(file, 'ControlsSocket /srv/ftp/ctrls');
    expect((await candidateSockets(undefined, env))[0]).toEqual({path: '/srv/ftp/ctrls', because: file});
    expect((await paths()).slice(1, 1 + DEFAULTS.length)).toEqual(DEFAULTS);
  });

  test('names a default: it is tried once, first', async () => {
    configurations.set('/etc/proftpd.conf', 'ControlsSocket /var/run/proftpd.sock');
    expect((await paths()).slice(0, 5)).toEqual([
      '/var/run/proftpd.sock',
      '/run/proftpd.sock',
      '/var/run/proftpd/proftpd.sock',
      '/run/proftpd/proftpd.sock',
      '/usr/local/var/proftpd/proftpd.sock',
    ]);
    expect((await paths()).filter((path) => path === '/var/run/proftpd.sock')).toHaveLength(1);
  });

  test.each([
    ['names no socket', 'ServerName x'],
    ['cannot be understood', '<Global>\nControlsSocket /srv/ctrls'],
  ])('that %s changes nothing', async (_name, text) => {
    configurations.set('/etc/proftpd.conf', text);
    expect((await paths()).slice(0, DEFAULTS.length)).toEqual(DEFAULTS);
  });
});

describe('a socket that is given is the only one', () => {
  test.each([
    ['-s', '/a', {...env, FTPDCTL_SOCKET: '/b'}, {path: '/a', because: '-s'}],
    ['FTPDCTL_SOCKET', undefined, {...env, FTPDCTL_SOCKET: '/b'}, {path: '/b', because: 'FTPDCTL_SOCKET'}],
  ])('by %s', async (_name, given, variables, candidate) => {
    expect(await candidateSockets(given, variables)).toEqual([candidate]);
  });

  test('not by an empty FTPDCTL_SOCKET', async () => {
    expect((await paths({...env, FTPDCTL_SOCKET: ''})).slice(0, DEFAULTS.length)).toEqual(DEFAULTS);
  });

  test.each([
    ['a.sock', {}, 'the socket path "a.sock" from -s is not absolute', '-s /run/proftpd.sock'],
    [
      undefined,
      {FTPDCTL_SOCKET: 'b.sock'},
      'the socket path "b.sock" from FTPDCTL_SOCKET is not absolute',
      'FTPDCTL_SOCKET=/run/proftpd.sock',
    ],
  ])('%s %j is not absolute, and how it is written is said', async (given, variables, message, example) => {
    await expect(candidateSockets(given, variables)).rejects.toThrow(
      expect.objectContaining({
        code: 'BAD_SOCKET_PATH',
        exitStatus: 3,
        message,
        hint: `write it from the root: ${example}`,
      }) as Error,
    );
  });
});
