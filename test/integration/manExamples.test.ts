import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Mailbox, SessionMailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {CHECKOUT} from '../helpers/checkout.ts';
import {freePort} from '../helpers/freePorts.ts';
import {type ManExample, manExamples} from '../helpers/manExamples.ts';
import {OwnMachine, whyNoOwnMachine} from '../helpers/ownMachine.ts';
import {whyNoProgram} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {cleanEnvironment} from '../helpers/program.ts';
import {type ServeProgram, spawnServe} from '../helpers/serveProgram.ts';
import {openTerminal} from '../helpers/terminal.ts';

/** A directory where examples are run, with the files they name; its configuration has a port that is free. */
interface Place {
  readonly directory: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
}

/** Where no drain of the machine's root is known. Without a process between it and the terminal. */
const OWN_RUN = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"', 'sh'];

const MAN_EXAMPLES = manExamples();
const of = (kind: ManExample['how']['kind']) =>
  MAN_EXAMPLES.filter(({how}) => how.kind === kind).map(
    (example) => [`${example.page}:${example.line} ${example.command}`, example] as const,
  );

async function makePlace(): Promise<Place> {
  const directory = mkdtempSync('/tmp/examples-');
  for (const name of ['bin', 'ftp', 'run']) mkdirSync(join(directory, name), {mode: 0o700});
  const program = join(directory, 'bin', 'ftpdctl');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${CHECKOUT}/bin/run.js "$@"\n`);
  chmodSync(program, 0o755);
  const clean = cleanEnvironment(directory);
  const env = {...clean, PATH: `${directory}/bin:${clean['PATH']}`, XDG_RUNTIME_DIR: join(directory, 'run')};
  const port = await freePort();
  const config = execFileSync(program, ['serve', '--print-config'], {env, encoding: 'utf8'});
  for (const name of ['proftpd.conf', 'lan.conf']) {
    writeFileSync(join(directory, name), config.replace(/^Port .*$/m, `Port ${port}`));
  }
  writeFileSync(join(directory, 'notice.txt'), 'going down at 18:00\nback by grüner Montag\n');
  return {directory, port, env};
}

/** What is the machine's own gives way to what is the place's. */
function atPlace(command: string, {directory, port}: Place): string {
  return command
    .replace('/run/proftpd.sock', `${directory}/run/ftpdctl/ftpdctl.sock`)
    .replace('/etc/proftpd/', `${directory}/`)
    .replace('/srv/ftp', `${directory}/ftp`)
    .replace('#2121', `#${port}`)
    .replace(/^ftpdctl mock$/, 'ftpdctl mock --config proftpd.conf');
}

describe('examples that end', () => {
  let place: Place;
  let server: ServeProgram;
  let mailbox: Mailbox;
  let reading: NodeJS.Timeout;
  /** Where no ProFTPD and no drain is to be found but the example's. */
  let machine: OwnMachine | undefined;

  beforeAll(async () => {
    place = await makePlace();
    if (whyNoOwnMachine() === null) machine = await OwnMachine.start();
    const {directory, env} = place;
    server = spawnServe(['serve', '--config', 'proftpd.conf'], {env, cwd: directory});
    await server.said(/listening/);
    mailbox = openMailbox({queuePath: join(directory, 'run', 'ftpdctl', 'msg.queue')});
    const sessions: SessionMailbox[] = [];
    // Whoever is kicked comes again: the next example wants to find them.
    const connect = (index: number, user: string) => {
      const again = () => {
        sessions[index]!.goodbye();
        connect(index, user);
      };
      sessions[index] = mailbox.register(sessionOf(user), again);
    };
    for (const [index, user] of ['dave', 'bob'].entries()) connect(index, user);
    // Clients that send one command after the other.
    reading = setInterval(() => sessions.forEach(showPending), 20);
    while ((await known()) < sessions.length);
  });
  afterAll(async () => {
    clearInterval(reading);
    await mailbox?.close();
    await server?.kill();
    await machine?.stop();
    rmSync(place.directory, {recursive: true, force: true});
  });

  /** How many sessions the server knows. */
  const known = async (): Promise<number> => {
    const {stdout} = await runProcess('ftpdctl', ['--json', 'who'], {env: withSocket()});
    return JSON.parse(stdout).sessions.length;
  };
  const withSocket = () => ({
    ...place.env,
    FTPDCTL_SOCKET: join(place.directory, 'run', 'ftpdctl', 'ftpdctl.sock'),
  });

  test.each(of('ends'))('%s', async (_name, {command, how}) => {
    const script = `cd ${place.directory} && ${atPlace(command, place)}`;
    const [file, ...args] = [...(machine?.enter ?? []), 'sh', '-c', script];
    const run = await runProcess(file!, args, {env: withSocket()});
    expect(run, run.stderr).toMatchObject({status: (how as {status: number}).status});
  });

  test.each(of('asks'))('%s', async (_name, {command, how}) => {
    const [, ...args] = atPlace(command, place).split(' ');
    const terminal = await openTerminal(args, {env: withSocket(), startedBy: machine ? OWN_RUN : []});
    await terminal.see((how as {see: string}).see);
    await terminal.press('C-c');
    await terminal.ended();
  });
});

describe('examples that run', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
  });
  afterAll(() => rmSync(place.directory, {recursive: true, force: true}));

  test.each(of('runs'))('%s', async (_name, {command}) => {
    const child = spawn('sh', ['-c', `exec ${atPlace(command, place)}`], {
      cwd: place.directory,
      env: place.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exit = once(child, 'exit');
    let said = '';
    for await (const text of child.stderr.setEncoding('utf8')) {
      said += text;
      if (/listening/.test(said)) break;
    }
    child.kill('SIGTERM');
    expect([said, ...(await exit)]).toEqual([expect.stringContaining('listening'), 0, null]);
  });
});

describe('examples for a shell', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
  });
  afterAll(() => rmSync(place.directory, {recursive: true, force: true}));

  /** What the user's own start-up file has done before. */
  const PREPARED: Readonly<Record<string, string>> = {zsh: 'autoload -Uz compinit; compinit -u -D; '};

  test.each(of('in'))('%s', async (_name, {command, how}) => {
    const {shell} = how as {shell: string};
    const missing = whyNoProgram(shell);
    if (missing !== null && !process.env['CI']) return;
    const run = await runProcess(shell, ['-c', `${PREPARED[shell] ?? ''}${command}`], {
      env: place.env,
      cwd: place.directory,
    });
    expect(run).toMatchObject({status: 0, stderr: ''});
  });
});

function sessionOf(user: string) {
  return {
    pid: process.pid,
    user,
    address: '127.0.0.1',
    host: 'localhost',
    class: 'staff',
    server: '127.0.0.1#2121',
    engine: true,
  };
}

function showPending(session: SessionMailbox): void {
  session.shown(session.pending().map(({id}) => id));
}
