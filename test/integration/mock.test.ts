import {once} from 'node:events';
import {mkdir, mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {freePort} from '../helpers/freePorts.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {type ServeProgram, spawnServe} from '../helpers/serveProgram.ts';

let directory: string;
let running: ServeProgram | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ftpdctl-mock-'));
});

afterEach(async () => {
  await running?.kill();
  running = undefined;
  await rm(directory, {recursive: true, force: true});
});

/** A configuration that makes the mock server take whatever port is free. */
async function configure(...directives: string[]): Promise<string> {
  const file = join(directory, 'proftpd.conf');
  await writeFile(
    file,
    `${['DefaultAddress 127.0.0.1', `Port ${await freePort()}`, ...directives].join('\n')}\n`,
  );
  return file;
}

/** Start `ftpdctl mock`, and what it has said until it listened. */
async function start(config: string, env: NodeJS.ProcessEnv = {}): Promise<{said: string; port: number}> {
  running = spawnServe(['mock', '--config', config], {cwd: directory, env});
  const said = await running.said(/listening on .*\n/);
  return {said, port: Number(/#(\d+)/.exec(said)![1])};
}

describe('mock does not start, and says why,', () => {
  it('when the directory of --root is none', async () => {
    const config = await configure();
    const missing = join(directory, 'missing');
    const {status, stderr} = await runFtpdctl(['mock', '--config', config, '--root', missing]);
    expect(stderr).toContain(`ftpdctl: --root ${missing}: No such file or directory`);
    expect(status).toBe(1);
  });

  it('when somebody listens there already', async () => {
    const config = await configure();
    const {port} = await start(config);
    const {status, stderr} = await runFtpdctl(['mock', '--config', config]);
    expect(stderr).toContain(
      `ftpdctl: cannot listen on 127.0.0.1 port ${port}: address already in use (another program`,
    );
    expect(status).toBe(1);
  });

  it.each([
    ['in a directory that is missing', 'missing/queue', 'there is no such directory (ENOENT) (mkdir'],
    ['whose path is too long', 'x'.repeat(90), 'are the most'],
  ])('when its queue is to be %s', async (_, name, why) => {
    const config = await configure(`MessageQueue ${directory}/${name}`);
    const {status, stderr} = await runFtpdctl(['mock', '--config', config]);
    expect(stderr).toContain(`ftpdctl: ${config}:3: MessageQueue: `);
    expect(stderr).toContain(why);
    expect(status).toBe(1);
  });
});

describe('--port', () => {
  it('takes the place of the ports of the configuration', async () => {
    const port = await freePort();
    running = spawnServe(['mock', '--config', await configure(), '--port', `${port}`], {cwd: directory});
    expect(await running.said(/listening on .*\n/)).toContain(`listening on 127.0.0.1#${port}\n`);
  });

  it.each(['x', '65536', '-1', ''])('%j is refused', async (word) => {
    const {status, stderr} = await runFtpdctl(['mock', `--port=${word}`]);
    expect(stderr).toBe(`ftpdctl: --port wants a number from 0 to 65535, not '${word}'\n`);
    expect(status).toBe(3);
  });
});

it('tells with -v what it is asked and what it answers, but no passwords', async () => {
  running = spawnServe(['-v', 'mock', '--config', await configure()], {cwd: directory});
  const port = Number(/#(\d+)/.exec(await running.said(/listening on .*\n/))![1]);
  const session = await FtpSession.connect(port);
  const {localPort} = session;
  await session.login('dave', 'secret');
  await session.close();
  const said = await running.said(/ closed\n/);
  for (const line of ['connected', '< 220 ', '> USER dave', '> PASS ***', '< 230 User dave logged in']) {
    expect(said).toContain(`127.0.0.1#${localPort} ${line}`);
  }
  expect(said).not.toContain('secret');
});

it('ends on one SIGINT although a client does not hang up', async () => {
  const {port} = await start(await configure());
  const client = connect({host: '127.0.0.1', port, allowHalfOpen: true});
  await once(client, 'data');
  running!.signal('SIGINT');
  expect(await running!.ended).toBe(0);
  client.destroy();
});

/** An environment in which Node does not find the package unix-dgram. */
async function withoutDgram(): Promise<NodeJS.ProcessEnv> {
  const hiding = join(directory, 'hiding.cjs');
  await writeFile(
    hiding,
    `const Module = require('node:module');
     const resolve = Module._resolveFilename;
     Module._resolveFilename = (name, ...rest) => resolve(/unix-dgram/.test(name) ? 'not-installed' : name, ...rest);`,
  );
  return {NODE_OPTIONS: `--require ${hiding}`};
}

it('without the package unix-dgram serve, serve --check and the answer to msg say how to mend it', async () => {
  const env = await withoutDgram();
  const acls = ['ControlsSocketACL allow user *', 'MessageControlsACLs all allow user *'];
  const socket = join(directory, 'ctrls');
  const config = await configure(`MessageQueue ${directory}/queue`, `ControlsSocket ${socket}`, ...acls);
  const mend = /the session queue needs the package unix-dgram \(npm \w+ .*: it is compiled/;
  const check = await runFtpdctl(['serve', '--check', '--config', config], {env});
  expect(check).toMatchObject({status: 0});
  expect(check.stdout).toMatch(mend);
  running = spawnServe(['serve', '--config', config], {cwd: directory, env});
  expect(await running.said(/listening at/)).toMatch(mend);
  const sent = await runFtpdctl(['-s', socket, 'msg', 'all', 'hi']);
  expect(sent.status).toBe(1);
  expect(sent.stdout).toMatch(/^ftpdctl: unable to send message: /);
  expect(sent.stdout).toMatch(mend);
});

describe('mock serves, and says that no message will arrive,', () => {
  it('without a MessageQueue', async () => {
    const {said} = await start(await configure());
    expect(said).toContain('ftpdctl: no message will arrive: no MessageQueue is configured');
  });

  it('without the package unix-dgram', async () => {
    const config = await configure(`MessageQueue ${directory}/queue`);
    const {said, port} = await start(config, await withoutDgram());
    expect(said).toContain('ftpdctl: no message will arrive: the session queue needs the package unix-dgram');
    const session = await FtpSession.connect(port);
    await session.login('dave');
    await session.close();
  });

  it('when what is there is not a queue, once', async () => {
    await mkdir(join(directory, 'queue'));
    const {port} = await start(await configure(`MessageQueue ${directory}/queue`));
    const sessions = [await FtpSession.connect(port), await FtpSession.connect(port)];
    const said = await running!.said(/is not a socket/);
    expect(said.match(/no message will arrive/g)).toHaveLength(1);
    for (const session of sessions) await session.close();
  });
});

it('says which rules of a class it cannot judge', async () => {
  const config = await configure('<Class home>', 'From 127.0.0.0/8 !localhost', '</Class>');
  const {said} = await start(config);
  expect(said).toContain(
    'ftpdctl: class home: From !localhost: clients have no host names here, only addresses',
  );
});

it.each([
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
] as const)('takes leave of its sessions on %s, and leaves no socket', async (signal) => {
  const {port} = await start(await configure(`MessageQueue ${directory}/queue`));
  const session = await FtpSession.connect(port);
  running!.signal(signal);
  expect(await session.reply()).toEqual(['421 Server shutting down, closing control connection']);
  await session.close();
  expect(await running!.ended).toBe(0);
  expect((await readdir(directory)).filter((name) => name.startsWith('queue'))).toEqual([]);
});
