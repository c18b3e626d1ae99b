import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Ajv2020, type ValidateFunction} from 'ajv/dist/2020.js';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Mailbox, SessionMailbox} from '../../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../../src/lib/session/mailbox/processMailbox.ts';
import {speak} from '../../helpers/behaviours.ts';
import {CHECKOUT} from '../../helpers/checkout.ts';
import {OPEN, type RunningServer, startControlsServer} from '../../helpers/controlsServer.ts';
import {OwnMachine, whyNoOwnMachine} from '../../helpers/ownMachine.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {runFtpdctl} from '../../helpers/program.ts';
import {startScriptedServer} from '../../helpers/scriptedServer.ts';
import {spawnServe} from '../../helpers/serveProgram.ts';

const SCHEMAS = join(CHECKOUT, 'schemas');
const schemas = new Ajv2020({allErrors: true, strict: true, allowUnionTypes: true});
for (const file of readdirSync(SCHEMAS)) {
  schemas.addSchema(JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8')), file);
}

/** The one object printed, which the schema must describe in full. */
function expectValid(schema: string, stdout: string): Record<string, unknown> {
  const value = JSON.parse(stdout);
  const validate = schemas.getSchema(`${schema}.json`) as ValidateFunction;
  validate(value);
  expect(validate.errors ?? [], stdout).toEqual([]);
  return value;
}

test('every command has a schema, and the package ships them', () => {
  const {commands} = JSON.parse(readFileSync(join(CHECKOUT, 'oclif.manifest.json'), 'utf8'));
  const {files} = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8'));
  const shown = Object.keys(commands).filter((id) => !commands[id].hidden);
  expect(readdirSync(SCHEMAS)).toEqual(
    expect.arrayContaining(shown.map((id) => `${id.replace(':', '-')}.json`)),
  );
  expect(files).toContain('schemas');
});

test('a key that a schema does not know is found out', () => {
  const validate = schemas.getSchema('version.json') as ValidateFunction;
  const good = {version: '1.2.3', platform: 'x', node: 'v20', exitStatus: 0};
  expect([validate(good), validate({...good, more: 1}), validate({version: '1.2.3'})]).toEqual([
    true,
    false,
    false,
  ]);
});

describe('with ftpdctl serve', () => {
  let server: RunningServer;
  let mailbox: Mailbox;
  let dave: SessionMailbox;
  let reading: NodeJS.Timeout;

  const ftpdctl = (...args: string[]) => runFtpdctl(['--json', '-s', server.socket, ...args]);

  beforeAll(async () => {
    server = await startControlsServer(OPEN);
    mailbox = openMailbox({queuePath: server.queue});
    const some = {
      pid: process.pid,
      address: '127.0.0.1',
      host: 'localhost',
      server: '127.0.0.1#21',
      engine: true,
    };
    dave = mailbox.register({...some, user: 'dave', class: 'staff'});
    mailbox.register({...some, user: null, class: null});
    mailbox.register({...some, user: 'off', class: null, engine: false});
    reading = setInterval(() => dave.shown(dave.pending().map(({id}) => id)), 20);
    const known = async () => JSON.parse((await ftpdctl('who')).stdout).sessions.length;
    while ((await known()) < 3);
  });
  afterAll(async () => {
    clearInterval(reading);
    await mailbox?.close();
    await server?.stop();
  });

  test.each([
    ['msg', 0, ['msg', 'user', 'dave', 'hi']],
    ['msg', 0, ['msg', 'all', 'grüße']],
    ['msg', 0, ['msg', '--dry-run', 'all', 'hi']],
    ['msg', 0, ['msg', '--wait=20', 'user', 'dave', 'hi']],
    ['msg', 75, ['msg', '--wait=0.3', 'all', 'hi']],
    ['msg', 4, ['msg', 'user', 'nosuch', 'hi']],
    ['msg', 3, ['msg', 'usr', 'dave', 'hi']],
    ['status', 0, ['status']],
    ['status', 4, ['status', '192.0.2.1']],
    ['request', 0, ['request', 'help']],
    ['request', 7, ['request', 'kik', 'user', 'dave']],
    ['request', 4, ['receipt', 'nosuch']],
    ['who', 0, ['who']],
    ['who', 0, ['who', '--user', 'nosuch']],
    ['acl-check', 0, ['acl', 'check', 'msg']],
    ['acl-check', 4, ['acl', 'check', 'msg', '--user', 'no such user']],
    ['acl-list', 0, ['acl', 'list']],
  ])('%s: %i for %j', async (schema, status, args) => {
    const run = await ftpdctl(...args);
    expect(run).toMatchObject({status, stderr: ''});
    expect(expectValid(schema, run.stdout)['exitStatus']).toBe(status);
  });
});

describe('with a ProFTPD', () => {
  test.each([
    ['msg', 'json', -1, 'access denied', ['msg', 'all', 'hi'], 2],
    ['msg', 'binary', 0, 'message sent', ['msg', 'all', 'hi'], 0],
    ['msg', 'json', 0, 'message sent', ['msg', '--wait', 'all', 'hi'], 7],
    ['status', 'binary', 0, 'status: 0.0.0.0#21 UP', ['status'], 0],
    ['request', 'binary', -1, 'unsupported action requested', ['nosuch'], 7],
    ['who', 'json', -7, 'unsupported action requested', ['who'], 7],
    ['acl-check', 'json', -7, 'unsupported action requested', ['acl', 'check', 'msg'], 7],
    ['acl-list', 'binary', -1, 'unsupported action requested', ['acl', 'list'], 7],
    ['ban-list', 'binary', 0, 'No bans', ['ban', 'list'], 0],
    ['ban-list', 'binary', -1, 'access denied', ['ban', 'list'], 2],
  ] as const)('%s, %s dialect: %i %s', async (schema, dialect, sent, line, args, status) => {
    const server = await startScriptedServer(speak(dialect, {status: sent, responses: [line]}));
    try {
      const run = await runFtpdctl(['--json', '-s', server.socket, ...args]);
      expect(run).toMatchObject({status, stderr: ''});
      expect(expectValid(schema, run.stdout)['exitStatus']).toBe(status);
    } finally {
      await server.stop();
    }
  });
});

describe('without a server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startControlsServer([...OPEN, 'ControlsACLs all deny user unknown', 'NoSuchDirective on']);
  });
  afterAll(() => server.stop());

  test.each([
    ['version', 0, ['--version']],
    ['completion', 0, ['completion', 'fish']],
    ['completion', 3, ['completion', 'csh']],
    ['prompt', 3, ['prompt']],
    ['error', 3, []],
    ['error', 3, ['--nosuch']],
    ['error', 1, ['-s', '/tmp/nosuch.sock', 'help']],
    ['msg', 1, ['-s', '/tmp/nosuch.sock', 'msg', 'all', 'hi']],
    ['hosts', 0, ['-H', 'ftp[01-03]', 'hosts']],
    ['hosts', 0, ['hosts']],
    ['hosts', 3, ['-H', 'a;b', 'hosts']],
    ['serve', 0, ['serve', '--print-config']],
    ['serve', 0, ['serve', '--check', '--config', 'CONFIG']],
    ['serve', 1, ['serve', '--config', 'BAD']],
    ['mock', 1, ['mock', '--config', 'BAD']],
    ['acl-check', 0, ['acl', 'check', 'msg', '--config', 'CONFIG']],
    ['acl-check', 6, ['acl', 'check', 'nosuch', '--config', 'CONFIG']],
    ['acl-list', 0, ['acl', 'list', '--config', 'CONFIG']],
    ['check', 3, ['check', '-w', 'many']],
    ['doctor', 1, ['doctor', '--config', 'CONFIG']],
    ['doctor', 1, ['doctor', '--config', 'BAD']],
  ])('%s: %i for %j', async (schema, status, args) => {
    const bad = join(server.directory, 'bad.conf');
    writeFileSync(bad, 'ControlsEngine perhaps\n');
    const files: Record<string, string> = {CONFIG: server.configFile, BAD: bad};
    const run = await runFtpdctl(['--json', ...args.map((word) => files[word] ?? word)]);
    expect(run).toMatchObject({status, stderr: ''});
    expect(expectValid(schema, run.stdout)['exitStatus']).toBe(status);
  });

  test.each(['serve', 'mock'])('%s, once it listens', async (command) => {
    const directory = join(server.directory, 'run');
    const config = join(server.directory, `${command}.conf`);
    const places = [
      `ControlsSocket ${server.directory}/${command}`,
      `MessageQueue ${server.directory}/${command}.queue`,
    ];
    writeFileSync(
      config,
      ['Port 0', ...places, '<VirtualHost 127.0.0.1>', 'Port 0', '</VirtualHost>'].join('\n'),
    );
    const program = spawnServe(['--json', command, '--config', config], {env: {XDG_RUNTIME_DIR: directory}});
    try {
      while (!program.stdout().endsWith('}\n')) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(expectValid(command, program.stdout())['pid']).toBe(program.pid);
    } finally {
      await program.kill();
    }
  });
});

describeWithPeer(whyNoOwnMachine(), 'on a machine where no ProFTPD runs', () => {
  let machine: OwnMachine;
  beforeAll(async () => {
    machine = await OwnMachine.start();
  });
  afterAll(() => machine?.stop());

  test.each([
    ['check', 2],
    ['metrics', 0],
  ])('%s: %i', async (schema, status) => {
    const run = await machine.ftpdctl(['--json', '-s', '/tmp/nosuch.sock', schema]);
    expect(run).toMatchObject({status, stderr: ''});
    expect(expectValid(schema, run.stdout)['exitStatus']).toBe(status);
  });
});
