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
/** By the controls socket each takes up to 10 s. */
const RUNS = {quick: 21, polled: 3};
const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));

/**
 * From the start of `ftpdctl msg all …` to the text in an FTP reply, as a ratio to a bare node in the same run: on
 * `ftpdctl serve` with `ftpdctl mock`, and, where one is installed, on a real ProFTPD at its default `ControlsInterval 10`,
 * directly and by its controls socket.
 */
export async function benchDelivery() {
  const ours = await withDirectory(measureServe);
  const real = canRunProftpd() ? await withDirectory(measureProftpd) : {};
  const rows = Object.entries({'serve and mock': ours, ...real}).map(([name, {times, bare}]) => [
    name,
    times.length,
    median(times).toFixed(0),
    (median(times) / median(bare)).toFixed(2),
  ]);
  printTable(
    'From the start of `ftpdctl msg` to the text in an FTP reply (goal: directly ratio <= 1.8)',
    ['', 'runs', 'ms, median', 'ratio to node -e 0'],
    rows,
  );
  if (!canRunProftpd()) console.log('  (no ProFTPD with mod_msg here, or not root: measured without it)');
}

async function measureServe(directory) {
  const port = await freePort();
  const lines = [...common(directory, port), 'ControlsSocketACL allow user *', ''];
  writeFileSync(join(directory, 'conf'), lines.join('\n'));
  const serve = await started(process.execPath, [program, 'serve', '--config', join(directory, 'conf')]);
  const mock = await started(process.execPath, [program, 'mock', '--config', join(directory, 'conf')]);
  try {
    return await measure(directory, port, 'controls', RUNS.quick);
  } finally {
    await ended(mock, serve);
  }
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
    return {
      'ProFTPD, directly': await measure(directory, port, 'direct', RUNS.quick),
      'ProFTPD, by its controls socket': await measure(directory, port, 'controls', RUNS.polled),
    };
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

/**
 * Milliseconds of each run, each beside one of a bare node. The FTP client asks again and again; its own pace is part of
 * every figure.
 */
async function measure(directory, port, via, runs) {
  const ftp = await openSession(port);
  const home = makeHome();
  const env = {...process.env, XDG_CACHE_HOME: home, PROFTPD_CONF: join(directory, 'conf')};
  const times = [];
  const bare = [];
  try {
    for (let i = 0; i <= runs; i++) {
      const begun = performance.now();
      spawnSync(process.execPath, ['-e', '0']);
      bare.push(performance.now() - begun);
      times.push(
        await timeMessage(
          ftp,
          ['-s', join(directory, 'ctrls'), 'msg', '--via', via],
          env,
          `message ${i} is here`,
        ),
      );
    }
  } finally {
    ftp.socket.destroy();
    rmSync(home, {recursive: true, force: true});
  }
  // The first run fills the caches.
  return {times: times.slice(1), bare: bare.slice(1)};
}

async function timeMessage(ftp, words, env, text) {
  const begun = performance.now();
  const client = spawn(process.execPath, [program, ...words, 'all', text], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exit = once(client, 'exit');
  while (!ftp.got.includes(text)) {
    if (client.exitCode > 0) throw new Error(`ftpdctl has failed with exit status ${client.exitCode}`);
    await sleep(2);
    const {length} = ftp.got;
    ftp.socket.write('NOOP\r\n');
    while (ftp.got.length === length) await once(ftp.socket, 'data');
  }
  const milliseconds = performance.now() - begun;
  await exit;
  return milliseconds;
}

/** A connection of FTP, and all that has come over it. */
async function openSession(port) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').setNoDelay();
  const ftp = {socket, got: ''};
  socket.on('error', () => {}).on('data', (text) => (ftp.got += text));
  await once(socket, 'data');
  return ftp;
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
