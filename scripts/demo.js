import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {Client} from 'basic-ftp';
import {Chalk} from 'chalk';
import {freePort} from './freePort.js';

/** The whole story: a control server, a mock FTP server, an FTP client, and messages standing in its replies. */
const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ftpdctl-demo-'));
const env = {...process.env, XDG_RUNTIME_DIR: directory, XDG_CACHE_HOME: directory};
delete env.FTPDCTL_SOCKET;
const socket = join(directory, 'ftpdctl/ftpdctl.sock');
const chalk = process.env.NO_COLOR ? new Chalk({level: 0}) : new Chalk();
const children = new Set();
/** Whoever has seen enough leaves nothing behind. */
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());
/** What a client and a server settle between themselves, and what the client remarks, is left out. */
const NEGOTIATION = /^> (OPTS|FEAT|TYPE|STRU|EPSV)/;
const REMARK =
  /^(Connected|Login security|Trying|Control socket|Uploading|Downloading|Received|Optimal|type=)/;
let negotiating = false;
const MESSAGES =
  /(please delete some files|your quota is nearly full|Mittagessen für alle|going down at 18:00|see you soon)/;

try {
  const port = await freePort();
  const config = join(directory, 'proftpd.conf');
  const {stdout} = await run('serve', '--print-config');
  writeFileSync(config, stdout.replace(/^Port .*/m, `Port ${port}`));

  heading('A control server and a mock FTP server, on a configuration of their own');
  await start('serve', '--config', config);
  await start('mock', '--config', config);

  heading('An FTP client logs in as dave');
  const client = new Client();
  client.ftp.verbose = true;
  client.ftp.log = showConversation;
  await client.access({host: '127.0.0.1', port, user: 'dave', password: 'anything'});

  heading('Messages, and the replies to whatever the client does next');
  await ftpdctl('msg', 'user', 'dave', 'please', 'delete', 'some', 'files');
  await client.send('NOOP');
  await ftpdctl('msg', 'host', '127.0.0.1', 'your', 'quota', 'is', 'nearly', 'full');
  await client.cd('/pub');
  await ftpdctl('msg', 'class', 'local', 'Mittagessen für alle');
  await ftpdctl('msg', 'all', 'going', 'down', 'at', '18:00');
  await client.list();
  await ftpdctl('who');
  await ftpdctl('msg', 'user', 'bob', 'are', 'you', 'there?');

  heading('The last chance is the goodbye');
  await ftpdctl('msg', 'user', 'dave', 'see', 'you', 'soon');
  await client.send('QUIT');
  client.ftp.log = () => {};
  client.close();
} catch (error) {
  if (!interruption.signal.aborted) throw error;
  process.exitCode = 1;
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all([...children].map((child) => once(child, 'exit')));
  rmSync(directory, {recursive: true, force: true});
}

function heading(text) {
  console.log(`\n${chalk.bold(text)}`);
}

/** What is said on the control connection, messages standing out. */
function showConversation(line) {
  if (REMARK.test(line)) return;
  if (line.startsWith('> ')) negotiating = NEGOTIATION.test(line);
  if (negotiating) return;
  const parts = line.trimEnd().split('\r\n');
  for (const [i, part] of parts.entries()) {
    console.log(
      part.startsWith('> ') ? `  ${chalk.cyan(part)}` : `  ${i > 0 ? '  ' : ''}${markMessage(part)}`,
    );
  }
}

function markMessage(line) {
  return line.replace(MESSAGES, (message) => chalk.bold.yellow(message));
}

/** Run the program to its end; its exit status is part of the story, not a failure. */
function run(...args) {
  interruption.signal.throwIfAborted();
  const running = promisify(execFile)(process.execPath, [program, ...args], {env});
  track(running.child);
  return running.catch((error) => error);
}

async function ftpdctl(...args) {
  console.log(`\n${chalk.green('$')} ftpdctl ${args.join(' ')}`);
  const {stdout, stderr, code = 0} = await run('-s', socket, ...args);
  process.stdout.write(stdout + stderr + (code === 0 ? '' : chalk.dim(`(exit status ${code})\n`)));
}

function track(child) {
  const end = () => child.kill('SIGTERM');
  interruption.signal.addEventListener('abort', end);
  children.add(child);
  child.once('exit', () => {
    interruption.signal.removeEventListener('abort', end);
    children.delete(child);
  });
}

/** Start a server and wait until it says that it listens. */
async function start(...args) {
  interruption.signal.throwIfAborted();
  console.log(`${chalk.green('$')} ftpdctl ${args[0]} --config proftpd.conf &`);
  const server = spawn(process.execPath, [program, ...args], {env, stdio: ['ignore', 'inherit', 'pipe']});
  track(server);
  for await (const line of createInterface(server.stderr)) {
    console.log(line.replaceAll(directory, '$XDG_RUNTIME_DIR'));
    if (line.includes('listening')) return;
  }
  throw new Error(`ftpdctl ${args[0]} did not start`);
}
