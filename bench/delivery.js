import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {freePort} from '../scripts/freePort.js';
import {ended} from './ended.js';
import {makeHome} from './home.js';
import {median, printTable} from './measure.js';

const PROFTPD = '/usr/sbin/proftpd';
const RUNS = {ours: 9, real: 3};
const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));

/**
 * From the start of `ftpdctl msg all …` to the text in an FTP reply: on `ftpdctl serve` with `ftpdctl mock`, and on a real
 * ProFTPD at its default `ControlsInterval 10`, where one is installed.
 */
export async function benchDelivery() {
  const ours = await withDirectory(async (directory) => {
    const port = await freePort();
    writeFileSync(
      join(directory, 'conf'),
      [...common(directory, port), 'ControlsSocketACL allow user *', ''].join('\n'),
    );
    const serve = await started(process.execPath, [program, 'serve', '--config', join(directory, 'conf')]);
    const mock = await started(process.execPath, [program, 'mock', '--config', join(directory, 'conf')]);
    try {
      return await measure(directory, port, RUNS.ours);
    } finally {
      await ended(mock, serve);
    }
  });
  const real = canRunProftpd() ? await withDirectory(measureProftpd) : undefined;
  const row = (name, times) => [
    name,
    times.length,
    median(times).toFixed(0),
    (median(times) / median(ours)).toFixed(1),
  ];
  printTable(
    'From `ftpdctl msg` to the text in an FTP reply',
    ['', 'runs', 'ms, median', 'ratio'],
    [row('serve and mock', ours), ...(real ? [row('ProFTPD, ControlsInterval 10', real)] : [])],
  );
  if (!real) console.log('  (no ProFTPD with mod_msg here, or not root: measured without it)');
}

async function measureProftpd(directory) {
  const port = await freePort();
  writeFileSync(join(directory, 'queue'), '');
  const modules = ['ModulePath /usr/lib/proftpd', 'LoadModule mod_ctrls_admin.c', 'LoadModule mod_msg.c'];
  const own = [
    'User nobody',
    'Group nogroup',
    'UseReverseDNS off',
    'WtmpLog off',
    'TransferLog none',
    'SocketBindTight on',
  ];
  const files = [`PidFile ${directory}/pid`, `ScoreboardFile ${directory}/scoreboard`];
  writeFileSync(
    join(directory, 'conf'),
    [...modules, ...own, ...files, ...common(directory, port), ''].join('\n'),
  );
  const daemon = spawn(PROFTPD, ['-n', '-c', join(directory, 'conf')], {stdio: 'ignore'});
  try {
    while (!existsSync(join(directory, 'ctrls'))) await sleep(20);
    return await measure(directory, port, RUNS.real);
  } finally {
    await ended(daemon);
  }
}

function common(directory, port) {
  return [
    `Port ${port}`,
    'DefaultAddress 127.0.0.1',
    'ControlsEngine on',
    `ControlsSocket ${directory}/ctrls`,
    'MessageEngine on',
    `MessageQueue ${directory}/queue`,
    'MessageControlsACLs all allow user *',
  ];
}

/** Milliseconds of each run. The FTP client asks again and again; its own pace is part of every figure. */
async function measure(directory, port, runs) {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8').on('error', () => {});
  await once(socket, 'data');
  const home = makeHome();
  const env = {...process.env, XDG_CACHE_HOME: home};
  const times = [];
  for (let i = 0; i <= runs; i++) {
    const text = `message ${i} has come`;
    const begun = performance.now();
    const client = spawn(process.execPath, [program, '-s', join(directory, 'ctrls'), 'msg', 'all', text], {
      env,
      stdio: 'ignore',
    });
    for (let reply = ''; !reply.includes(text); ) {
      await sleep(2);
      socket.write('NOOP\r\n');
      [reply] = await once(socket, 'data');
    }
    // The first run fills the caches.
    if (i > 0) times.push(performance.now() - begun);
    if (client.exitCode === null) await once(client, 'exit');
  }
  socket.destroy();
  rmSync(home, {recursive: true, force: true});
  return times;
}

function canRunProftpd() {
  return (
    process.getuid() === 0 &&
    existsSync(PROFTPD) &&
    existsSync('/usr/lib/proftpd/mod_msg.so') &&
    spawnSync(PROFTPD, ['-v']).status === 0
  );
}

async function withDirectory(work) {
  const directory = mkdtempSync('/tmp/ftpdctl-bench-');
  try {
    return await work(directory);
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }
}

async function started(command, args) {
  const child = spawn(command, args, {stdio: ['ignore', 'ignore', 'pipe']});
  const [line] = await once(child.stderr, 'data');
  if (!String(line).includes('listening')) throw new Error(String(line));
  child.stderr.resume();
  return child;
}
