import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {candidateSockets} from '../../src/lib/client/discovery.ts';
import {bindingOf, knownServeSocket, ServerCache, type ServerInfo} from '../../src/lib/client/serverCache.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';

// What is installed on this machine must not decide.
vi.mock('../../src/lib/client/discovery.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  candidateSockets: vi.fn(),
}));

const SERVE: ServerInfo = {dialect: 'json', serve: {version: '1.2.3', maxRequest: 65_536}};

let directory: string;
let env: NodeJS.ProcessEnv;
let socket: string;

beforeEach(() => {
  directory = makeOwnHome();
  env = {XDG_CACHE_HOME: directory, XDG_RUNTIME_DIR: directory, HOME: directory};
  socket = join(directory, 'ctrls');
  writeFileSync(socket, '');
  vi.mocked(candidateSockets).mockResolvedValue([
    {path: join(directory, 'missing'), because: 'a default'},
    {path: socket, because: 'a default'},
  ]);
});
afterEach(() => removeOwnHome(directory));

const learn = (info: ServerInfo) =>
  new ServerCache({path: join(directory, 'ftpdctl'), makes: 1}).set(socket, bindingOf(socket), info);

test('the first socket that is there, if ftpdctl serve has answered there', async () => {
  learn(SERVE);
  expect(await knownServeSocket(undefined, env)).toBe(socket);
});

test.each([
  ['a ProFTPD has answered there', () => learn({dialect: 'json'})],
  ['nobody has been asked there', () => {}],
  ['there is none', () => rmSync(socket)],
  [
    'another server stands there by now',
    () => {
      learn(SERVE);
      rmSync(socket);
      writeFileSync(join(directory, 'keeps the inode'), '');
      writeFileSync(socket, '');
    },
  ],
])('none, when %s', async (_name, act) => {
  act();
  expect(await knownServeSocket(undefined, env)).toBeUndefined();
});

test('the socket of one’s own serve needs no answer: its place tells', async () => {
  mkdirSync(join(directory, 'ftpdctl'), {mode: 0o700});
  const own = join(directory, 'ftpdctl/ftpdctl.sock');
  writeFileSync(own, '');
  vi.mocked(candidateSockets).mockResolvedValue([{path: own, because: 'ftpdctl serve'}]);
  expect(await knownServeSocket(undefined, env)).toBe(own);
});
