import {fork, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {makeHome} from './home.js';
import {median, printTable} from './measure.js';

const RUNS = 41;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const printPeakMemory =
  "data:text/javascript,process.on('exit', () => console.error(process.resourceUsage().maxRSS))";

/**
 * Wall time of `ftpdctl -s SOCKET msg all hi` against a server that answers at once, as a ratio to a bare node:
 * interleaved runs, medians. Peak memory likewise.
 */
export async function benchStart() {
  const directory = mkdtempSync(join(tmpdir(), 'ftpdctl-bench-'));
  const home = makeHome();
  const socket = join(directory, 'ctrls');
  const answerer = fork(here('answerer.js'), [socket]);
  try {
    await once(answerer, 'message');
    const env = {...process.env, XDG_CACHE_HOME: home};
    const cases = {
      'node -e 0': ['-e', '0'],
      'ftpdctl msg': [here('../bin/run.js'), '-s', socket, 'msg', 'all', 'hi'],
    };
    const milliseconds = {'node -e 0': [], 'ftpdctl msg': []};
    const run = (args) => {
      const result = spawnSync(process.execPath, args, {env, encoding: 'utf8'});
      if (result.status !== 0) throw new Error(`exit ${result.status}: ${result.stderr}`);
      return result;
    };
    run(cases['ftpdctl msg']);
    for (let i = 0; i < RUNS; i++) {
      for (const [name, args] of Object.entries(cases)) {
        const started = performance.now();
        run(args);
        milliseconds[name].push(performance.now() - started);
      }
    }
    const memory = (args) =>
      median([1, 2, 3].map(() => Number(run(['--import', printPeakMemory, ...args]).stderr)));
    const time = Object.fromEntries(
      Object.entries(milliseconds).map(([name, times]) => [name, median(times)]),
    );
    printTable(
      `Start: ${RUNS} interleaved runs, medians (goal: ratio <= 1.5)`,
      ['', 'ms', 'ratio', 'peak MiB'],
      Object.entries(cases).map(([name, args]) => [
        name,
        time[name].toFixed(1),
        (time[name] / time['node -e 0']).toFixed(2),
        (memory(args) / 1024).toFixed(0),
      ]),
    );
  } finally {
    answerer.kill();
    for (const each of [directory, home]) rmSync(each, {recursive: true, force: true});
  }
}
