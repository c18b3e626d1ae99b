// `msg all` to N sessions of one mailbox process: how long until every session holds the message, and what a session
// costs in memory on either side. Server and mailbox are processes of their own, as they are in life.
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const COUNTS = [10, 100, 1000, 10_000];
/** Broadcasts that are timed; their median counts. The sessions show none of them, and hold them all at the end. */
const ROUNDS = 9;

const root = fileURLToPath(new URL('..', import.meta.url));

/** @returns {Promise<{sessions: number, ms: number, usPerSession: number, serverBytes: number, mailboxBytes: number}[]>} */
export async function broadcast(counts = COUNTS) {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, {recursive: true});
  const directory = mkdtempSync(join(cache, 'broadcast-'));
  try {
    const programs = await bundle(directory);
    const rows = [];
    for (const count of counts) rows.push(await measure(programs, count));
    return rows;
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }
}

/** Two programs that share this file's `server` and `mailbox` below and the sources as they are. */
async function bundle(directory) {
  const lib = join(root, 'src', 'lib', 'session');
  const sources = {
    server: `import {SessionQueue} from '${lib}/queue/sessionQueue.ts'; (${server})(SessionQueue, ${ROUNDS});`,
    mailbox: `import {openMailbox} from '${lib}/mailbox/processMailbox.ts'; (${mailbox})(openMailbox);`,
  };
  const programs = {};
  for (const [name, contents] of Object.entries(sources)) {
    programs[name] = join(directory, `${name}.mjs`);
    await build({
      stdin: {contents, resolveDir: root, loader: 'js'},
      outfile: programs[name],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
    });
  }
  return programs;
}

async function measure(programs, count) {
  const directory = mkdtempSync(join(tmpdir(), 'broadcast-'));
  const run = (program) => {
    const child = fork(program, [join(directory, 'queue'), String(count)], {execArgv: ['--expose-gc']});
    const said = () => once(child, 'message').then(([message]) => message);
    return {child, said};
  };
  const queue = run(programs.server);
  const sessions = run(programs.mailbox);
  try {
    await Promise.all([queue.said(), sessions.said()]);
    sessions.child.send('register');
    queue.child.send('measure');
    const {ms, bytes: serverBytes} = await queue.said();
    sessions.child.send('memory');
    const mailboxBytes = await sessions.said();
    return {
      sessions: count,
      ms,
      usPerSession: (1000 * ms) / count,
      serverBytes: Math.round(serverBytes / count),
      mailboxBytes: Math.round(mailboxBytes / count),
    };
  } finally {
    for (const {child} of [queue, sessions]) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, {recursive: true, force: true});
  }
}

// The two below run in processes of their own. Memory is what is left when all garbage has been collected, less what was
// there when one session had joined and seen a message: the code is compiled by then.

async function server(SessionQueue, rounds) {
  const [path, count] = [process.argv[2], Number(process.argv[3])];
  const turn = () => new Promise((resolve) => setTimeout(resolve, 10));
  const used = () => {
    globalThis.gc();
    const {heapUsed, external} = process.memoryUsage();
    return heapUsed + external;
  };
  const sessions = async (number) => {
    while (queue.sessions().length < number) await turn();
  };
  const send = async (text) => {
    const start = performance.now();
    const {id, recipients} = queue.deliver({kind: 'all'}, text, {uid: 0, client: 'bench'});
    while (queue.receipt(id).taken < recipients) await new Promise((resolve) => setImmediate(resolve));
    return performance.now() - start;
  };
  const queue = SessionQueue.open(path);
  await sessions(1);
  await send('Good morning');
  const before = used();
  const asked = new Promise((resolve) => process.once('message', resolve));
  process.send('ready');
  await asked;
  await sessions(count + 1);
  const times = [];
  for (let round = 0; round < rounds; round++) {
    times.push(await send(`The server goes down at noon (${round})`));
    await turn();
  }
  const ms = times.sort((a, b) => a - b)[rounds >> 1];
  process.send({ms, bytes: used() - before});
}

async function mailbox(openMailbox) {
  const [path, count] = [process.argv[2], Number(process.argv[3])];
  const used = () => {
    globalThis.gc();
    const {heapUsed, external} = process.memoryUsage();
    return heapUsed + external;
  };
  const box = openMailbox({queuePath: path});
  const sessions = [];
  const register = (n) => {
    const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
    const [pid, user, server] = [process.pid, `user${n}`, '127.0.0.1#2121'];
    const session = {pid, user, address, host: `host${n}.example`, class: 'bench', server, engine: true};
    sessions.push(box.register(session));
  };
  register(0);
  while (sessions[0].pending().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const before = used();
  process.on('message', (question) => {
    if (question === 'memory') process.send(used() - before);
    else for (let n = 1; n <= count; n++) register(n);
  });
  process.send('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await broadcast());
