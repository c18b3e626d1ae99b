// Requests a second through the controls socket of `ftpdctl serve`, each with a connection of its own, its credentials and
// two ACLs checked, and a line of log for every step. Server and callers are processes of their own, on a core each.
import {fork, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createConnection} from 'node:net';
import {tmpdir, userInfo} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {printTable} from './measure.js';

const CALLERS = [1, 8, 64];
const REQUESTS = 8000;
const WARM_UP = 4000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function benchServer() {
  const directory = mkdtempSync(join(tmpdir(), 'ftpdctl-bench-'));
  const socket = join(directory, 'ctrls');
  const config = join(directory, 'proftpd.conf');
  writeFileSync(config, configuration(directory, socket));
  const server = onCore(0, here('../bin/run.js'), ['serve', '--config', config]);
  let callers;
  try {
    await once(server.stderr, 'data');
    callers = fork(here('server.js'), [socket], {execPath: process.execPath});
    pin(1, callers.pid);
    const rows = [];
    for (const count of CALLERS) {
      callers.send(count);
      const [{perSecond, median, slowest}] = await once(callers, 'message');
      rows.push([count, Math.round(perSecond), median.toFixed(2), slowest.toFixed(2)]);
    }
    printTable(
      'Control server: `msg`, one connection a request (goal: >= 2000 requests/s on one core)',
      ['callers', 'requests/s', 'ms, median', 'ms, 99 of 100'],
      rows,
    );
  } finally {
    callers?.kill();
    server.kill();
    await once(server, 'exit');
    rmSync(directory, {recursive: true, force: true});
  }
}

function configuration(directory, socket) {
  const user = userInfo().username;
  return [
    `ControlsSocket ${socket}`,
    `ControlsLog ${directory}/controls.log`,
    `ControlsSocketACL allow user ${user}`,
    `MessageControlsACLs msg allow user ${user}`,
  ].join('\n');
}

function onCore(core, program, args) {
  const node = [process.execPath, program, ...args];
  const [command, ...rest] = hasTaskset() ? ['taskset', '-c', String(core), ...node] : node;
  return spawn(command, rest, {stdio: ['ignore', 'ignore', 'pipe']});
}

function pin(core, pid) {
  if (hasTaskset()) spawnSync('taskset', ['-a', '-p', '-c', String(core), String(pid)]);
}

function hasTaskset() {
  return spawnSync('taskset', ['--version']).status === 0;
}

/** What follows runs in a process of its own: so many callers at once, each waiting for its answer. */
async function call(socket) {
  const text = JSON.stringify({action: 'msg', args: ['user', 'nobody', 'Good morning']});
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt32LE(text.length);
  frame.write(text, 4);

  const request = () =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      let received = 0;
      const connection = createConnection(socket);
      connection.on('data', (chunk) => {
        received += chunk.length;
      });
      connection.on('error', reject);
      connection.on('close', () => {
        if (received > 0) resolve(performance.now() - started);
        else reject(new Error('no answer'));
      });
      connection.write(frame);
    });

  const run = async (callers, requests) => {
    const times = [];
    let left = requests;
    const started = performance.now();
    const caller = async () => {
      while (left-- > 0) times.push(await request());
    };
    await Promise.all(Array.from({length: callers}, caller));
    const seconds = (performance.now() - started) / 1000;
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.floor(times.length * share)];
    return {perSecond: times.length / seconds, median: at(0.5), slowest: at(0.99)};
  };

  let warm = false;
  process.on('message', async (callers) => {
    if (!warm) await run(8, WARM_UP);
    warm = true;
    process.send(await run(callers, REQUESTS));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.send) await call(process.argv[2]);
  else await benchServer();
}
