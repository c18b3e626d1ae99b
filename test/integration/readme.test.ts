import {chmod, mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {CHECKOUT} from '../helpers/checkout.ts';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {OwnMachine, whyNoOwnMachine} from '../helpers/ownMachine.ts';
import {runProcess} from '../helpers/process.ts';
import {cleanEnvironment} from '../helpers/program.ts';
import {Servers} from '../helpers/servers.ts';

/** Examples that end otherwise than with 0, since dave is the only one there. */
const EXPECTED: Record<string, number> = {
  'ftpdctl msg host 192.0.2.7 your disk quota is full': 4,
  'ftpdctl msg class staff meeting in ten minutes': 4,
  'ftpdctl kick user -n 5 bob': 4,
  // It is for a ProFTPD: `ftpdctl serve` bans nobody.
  'ftpdctl ban list': 7,
};
/** Servers, which run until they are ended, and the prompt, which wants a terminal: other tests run them. */
const ELSEWHERE = ['ftpdctl', 'ftpdctl serve', 'ftpdctl mock'];

const readme = await readFile(join(CHECKOUT, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => block!.split('\n'))
  .filter((line) => line.startsWith('ftpdctl'))
  .map((line) => line.replace(/\s+#.*$/, ''))
  .filter((line) => !ELSEWHERE.includes(line));

let servers: Servers;
let dave: FtpSession;
/** Where no ProFTPD and no drain is to be found but the example's. */
let machine: OwnMachine | undefined;

beforeAll(async () => {
  if (whyNoOwnMachine() === null) machine = await OwnMachine.start();
  servers = await Servers.start();
  dave = await servers.session('dave');
  await vi.waitFor(async () => expect(await servers.who()).toMatchObject([{user: 'dave'}]));
  const shim = join(servers.directory, 'bin', 'ftpdctl');
  await mkdir(join(servers.directory, 'bin'));
  await writeFile(shim, `#!/bin/sh\nexec ${process.execPath} ${CHECKOUT}/bin/run.js "$@"\n`);
  await chmod(shim, 0o755);
});
afterAll(async () => {
  await dave?.close();
  await servers?.stop();
  await machine?.stop();
});

test('there are examples', () => expect(examples.length).toBeGreaterThan(8));

test.each(examples)('%s', async (line) => {
  const {directory, socket, config} = servers;
  const clean = cleanEnvironment(directory);
  const env = {...clean, PATH: `${directory}/bin:${clean['PATH']}`, FTPDCTL_SOCKET: socket};
  const command = line.replace('/etc/proftpd/proftpd.conf', config).replace('--user dave', '--user root');
  const [file, ...args] = [...(machine?.enter ?? []), 'sh', '-c', command];
  const {status, stderr} = await runProcess(file!, args, {env});
  expect({status, stderr}).toEqual({status: EXPECTED[line] ?? 0, stderr: expect.any(String) as string});
});
