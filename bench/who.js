import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {copyFileSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';
import {makeHome} from './home.js';
import {median, printTable} from './measure.js';
import {openSession, whyNoProftpd, withDirectory, withProftpd} from './proftpd.js';

const SESSIONS = 10_000;
const RUNS = 15;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = here('../bin/run.js');

/**
 * `ftpdctl who` with a scoreboard of 10,000 sessions, each of them a process, and the completion of a name from the
 * scoreboard of a real ProFTPD; beside a bare node in the same run.
 */
export async function benchWho() {
  if (whyNoProftpd() !== null) return console.log(`\nwho: not measured: ${whyNoProftpd()}`);
  const rows = [
    ...(await withDirectory(measureCrowd)),
    ...(await withProftpd(async ({directory, port}) => {
      const session = await openSession(port);
      const env = {PROFTPD_CONF: join(directory, 'conf')};
      const words = ['__complete', '--', '-s', join(directory, 'ctrls'), 'msg', 'host', ''];
      const times = measure(words, env, (text) => text.startsWith('127.0.0.1'));
      session.socket.destroy();
      return [['completion of a name', ...times]];
    })),
  ];
  printTable(
    `Names from a scoreboard: ${RUNS} interleaved runs, medians (goals: 300 ms each)`,
    ['', 'ms', 'ratio to node -e 0', 'least ms'],
    rows,
  );
}

async function measureCrowd(directory) {
  const path = join(directory, 'scoreboard');
  const executable = join(directory, 'proftpd');
  copyFileSync(realpathSync('/usr/bin/python3'), executable);
  writeFileSync(path, '');
  const socket = join(directory, 'ctrls');
  const daemon = spawn(executable, [here('crowd.py'), path, socket, String(SESSIONS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    let pids = '';
    while (!pids.endsWith('\n')) pids += (await once(daemon.stdout, 'data'))[0];
    writeFileSync(path, await scoreboardOf(daemon.pid, pids.trim().split(' ').map(Number)));
    return [
      [
        'who, 10,000 sessions',
        ...measure(['-s', socket, 'who'], {}, (text) => text.split('\n').length > SESSIONS),
      ],
      [
        'who --json',
        ...measure(
          ['-s', socket, '--json', 'who'],
          {},
          (text) => JSON.parse(text).sessions.length === SESSIONS,
        ),
      ],
    ];
  } finally {
    daemon.stdin.end();
    await once(daemon, 'exit');
  }
}

/** As a 64-bit ProFTPD writes it. */
async function scoreboardOf(daemon, pids) {
  const contents = `
    import {abisOf, layoutOf} from '${here('../src/lib/scoreboard/layout.ts')}';
    import {writeScoreboard} from '${here('../test/scoreboard/writeScoreboard.ts')}';
    export const write = (content) => writeScoreboard(layoutOf(abisOf('LE', 8)[0]), content);`;
  const {outputFiles} = await build({
    stdin: {contents, resolveDir: here('..'), loader: 'js'},
    ...{bundle: true, write: false, platform: 'node', format: 'esm'},
  });
  const {write} = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  const now = Math.floor(Date.now() / 1000);
  const slots = pids.map((pid, index) => ({
    pid,
    user: `user${index}`,
    serverPort: 21,
    serverAddress: '192.0.2.1:21',
    serverLabel: 'ProFTPD',
    clientAddress: `198.51.${index >> 8}.${index & 255}`,
    clientName: `client${index}.example.com`,
    class: 'staff',
    protocol: 'ftp',
    cwd: '/',
    command: 'idle',
    beginIdle: now - (index % 600),
    beginSession: now,
  }));
  return write({pid: daemon, startedAt: now, slots});
}

/** @returns cells: the median, its ratio to a bare node's, the least */
function measure(words, env, isRight) {
  const home = makeHome();
  const run = (args) => {
    const options = {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      env: {...process.env, XDG_CACHE_HOME: home, ...env},
    };
    const begun = performance.now();
    const {stdout, stderr, status} = spawnSync(process.execPath, args, options);
    if (status !== 0 || (args.length > 2 && !isRight(stdout))) throw new Error(`exit ${status}: ${stderr}`);
    return performance.now() - begun;
  };
  try {
    const [times, bare] = [[], []];
    run([program, ...words]);
    for (let i = 0; i < RUNS; i++) {
      bare.push(run(['-e', '0']));
      times.push(run([program, ...words]));
    }
    const ratio = median(times) / median(bare);
    return [median(times).toFixed(0), ratio.toFixed(2), Math.min(...times).toFixed(0)];
  } finally {
    rmSync(home, {recursive: true, force: true});
  }
}
