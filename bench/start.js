import {fork, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {makeHome} from './home.js';
import {median, printTable} from './measure.js';

const RUNS = 61;
const BARE = 'node -e 0';
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const printPeakMemory =
  "data:text/javascript,process.on('exit', () => console.error(process.resourceUsage().maxRSS))";

/**
 * Wall time of `ftpdctl -s SOCKET msg all hi` against a server that answers at once, as a ratio to a bare node of the
 * same version: interleaved runs, medians. Peak memory likewise. To a socket where no `ftpdctl serve` answers, this
 * machine is searched for a ProFTPD first.
 *
 * @param nodes programs, each measured by itself, that of a package with the package's program; default: the Node that runs this
 */
export async function benchStart(nodes) {
  const directory = mkdtempSync(join(tmpdir(), 'ftpdctl-bench-'));
  const sockets = {serve: join(directory, 'serve'), proftpd: join(directory, 'proftpd')};
  const answerer = fork(here('answerer.js'), Object.values(sockets));
  try {
    await once(answerer, 'message');
    printTable(
      `Start: ${RUNS} interleaved runs, medians (goals: to serve ratio <= 1.5 on Node 20, <= 1.6 on 24 and later)`,
      ['', 'ms', 'ratio', 'least ms', 'ratio', 'peak MiB'],
      (nodes.length === 0 ? [process.execPath] : nodes).flatMap((node) => measure(node, sockets)),
    );
  } finally {
    answerer.kill();
    rmSync(directory, {recursive: true, force: true});
  }
}

/** The rows of one Node. */
function measure(node, {serve, proftpd}) {
  const home = makeHome();
  const packaged = join(dirname(node), 'bin/run.js');
  const program = existsSync(packaged) ? packaged : here('../bin/run.js');
  const cases = {
    [BARE]: ['-e', '0'],
    'msg to serve': [program, '-s', serve, 'msg', 'all', 'hi'],
    'msg to a ProFTPD elsewhere': [program, '-s', proftpd, 'msg', 'all', 'hi'],
  };
  const run = (args) => {
    const result = spawnSync(node, args, {env: {...process.env, XDG_CACHE_HOME: home}, encoding: 'utf8'});
    if (result.status !== 0) throw new Error(`exit ${result.status}: ${result.stderr}`);
    return result;
  };
  const milliseconds = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  try {
    const version = run(['-p', 'process.version']).stdout.trim();
    // Fills the caches.
    for (const args of Object.values(cases)) run(args);
    for (let i = 0; i < RUNS; i++) {
      for (const [name, args] of Object.entries(cases)) {
        const started = performance.now();
        run(args);
        milliseconds[name].push(performance.now() - started);
      }
    }
    const memory = (args) =>
      median([1, 2, 3].map(() => Number(run(['--import', printPeakMemory, ...args]).stderr)));
    const [bare, least] = [median(milliseconds[BARE]), Math.min(...milliseconds[BARE])];
    return Object.entries(cases).map(([name, args]) => [
      `${version} ${name}`,
      median(milliseconds[name]).toFixed(1),
      (median(milliseconds[name]) / bare).toFixed(2),
      Math.min(...milliseconds[name]).toFixed(1),
      (Math.min(...milliseconds[name]) / least).toFixed(2),
      (memory(args) / 1024).toFixed(0),
    ]);
  } finally {
    rmSync(home, {recursive: true, force: true});
  }
}
