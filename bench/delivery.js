import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {freePort} from '../scripts/freePort.js';
import {ended} from './ended.js';
import {makeHome} from './home.js';
import {median, printTable} from './measure.js';
import {commonLines, openSession, whyNoProftpd, withDirectory, withProftpd} from './proftpd.js';

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
  const real = whyNoProftpd() === null ? await withProftpd(measureProftpd) : {};
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
  if (whyNoProftpd() !== null) console.log(`  (${whyNoProftpd()}: measured without it)`);
}

async function measureServe(directory) {
  const port = await freePort();
  const lines = [...commonLines(directory, port), 'ControlsSocketACL allow user *', ''];
  writeFileSync(join(directory, 'conf'), lines.join('\n'));
  const serve = await started(process.execPath, [program, 'serve', '--config', join(directory, 'conf')]);
  const mock = await started(process.execPath, [program, 'mock', '--config', join(directory, 'conf')]);
  try {
    return await measure(directory, port, 'controls', RUNS.quick);
  } finally {
    await ended(mock, serve);
  }
}

async function measureProftpd({directory, port}) {
  return {
    'ProFTPD, directly': await measure(directory, port, 'direct', RUNS.quick),
    'ProFTPD, by its controls socket': await measure(directory, port, 'controls', RUNS.polled),
  };
}

/**
 * Milliseconds of each run, each beside one of a bare node. The FTP client asks again and again; its own pace is part of
 * every figure.
 */
async function measure(directory, port, via, runs) {
  const ftp = await openSession(port);
  const home = makeHome();
  const env = {...process.env, XDG_CACHE_HOME: home, PROFTPD_CONF: join(directory, 'conf')};
  const words = ['-s', join(directory, 'ctrls'), 'msg', '--via', via];
  const times = [];
  const bare = [];
  try {
    for (let i = 0; i <= runs; i++) {
      const begun = performance.now();
      spawnSync(process.execPath, ['-e', '0']);
      bare.push(performance.now() - begun);
      times.push(await timeMessage(ftp, words, env, `message ${i} is here`));
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
    await ftp.noop();
  }
  const milliseconds = performance.now() - begun;
  await exit;
  return milliseconds;
}

async function started(command, args) {
  const child = spawn(command, args, {stdio: ['ignore', 'ignore', 'pipe']});
  const [line] = await once(child.stderr, 'data');
  if (!String(line).includes('listening')) throw new Error(String(line));
  child.stderr.resume();
  return child;
}
