// `msg all` to N sessions of real FTP clients: `ftpdctl serve`, `ftpdctl mock` and the clients are processes of their own.
import {fork, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {buffer} from 'node:stream/consumers';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {freePort} from '../scripts/freePort.js';
import {ended} from './ended.js';
import {median, printTable, processorMs} from './measure.js';

/** Sessions. */
const COUNTS = [10, 100, 1000, 10_000];
/** Broadcasts that are timed; their median counts. The sessions show none of them before the last has come. */
const ROUNDS = 15;
/** Descriptors that a process needs besides those of the sessions. */
const SPARE_DESCRIPTORS = 100;
/** Clients that log in at the same time: fewer than the listener's backlog. */
const AT_ONCE = 100;
/** The last idle times are reported after a second, and garbage is collected: then there is nothing left to do. */
const SETTLE_MS = 2000;
const IDLE_MS = 2000;
/** With fewer sessions the pages that a process takes anyway hide what one of them costs. */
const FEWEST_FOR_MEMORY = 1000;

const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));

export async function benchSessions() {
  const most = descriptorLimit() - SPARE_DESCRIPTORS;
  const rows = [];
  for (const count of COUNTS) {
    rows.push(count <= most ? await withServers((servers) => measure(servers, count)) : null);
  }
  const thousand = rows[COUNTS.indexOf(1000)];
  printTable(
    `\`msg all\` to FTP sessions: medians of ${ROUNDS} (goals: 10,000 hold it within 1 s, ratio <= 1, <= 10 KB of serve a session)`,
    [
      'sessions',
      'ms till held',
      'us/session',
      'ratio to 1,000',
      'serve KB each',
      'mock KB each',
      'ms till shown',
      'cpu idle',
    ],
    COUNTS.map((count, at) => toCells(count, rows[at], thousand)),
  );
  if (rows.includes(null))
    console.log(`  (this process may open ${most + SPARE_DESCRIPTORS} files: ulimit -n)`);
}

function toCells(count, row, thousand) {
  if (row === null) return [count, ...Array(7).fill('-')];
  const each = (ms) => (1000 * ms) / count;
  const memory = (bytes) => (count < FEWEST_FOR_MEMORY ? '-' : (bytes / 1024 / count).toFixed(1));
  return [
    count,
    row.held.toFixed(1),
    each(row.held).toFixed(1),
    thousand === null ? '-' : (row.held / count / (thousand.held / 1000)).toFixed(2),
    memory(row.serveBytes),
    memory(row.mockBytes),
    row.shown.toFixed(0),
    `${row.idleCpu.toFixed(1)} %`,
  ];
}

async function measure({port, socket, serve, mock}, count) {
  const child = fork(fileURLToPath(import.meta.url), [String(port), socket]);
  const failure = once(child, 'exit').then(failed);
  failure.catch(() => {});
  const ask = async (...question) => {
    child.send(question);
    const [answer] = await Promise.race([once(child, 'message'), failure]);
    return answer;
  };
  try {
    await ask('login', 1);
    await ask('broadcast', 1);
    const before = [serve, mock].map(residentBytes);
    await ask('login', count - 1);
    const [serveBytes, mockBytes] = [serve, mock].map((pid, at) => residentBytes(pid) - before[at]);
    const times = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await ask('broadcast', count));
    const shown = await ask('show all');
    await sleep(SETTLE_MS);
    const idleCpu = await processorShare([serve, mock]);
    return {held: median(times), serveBytes, mockBytes, shown, idleCpu};
  } finally {
    await ended(child);
  }
}

function failed() {
  throw new Error('the FTP clients have failed');
}

async function withServers(work) {
  const directory = mkdtempSync('/tmp/ftpdctl-bench-');
  const config = join(directory, 'proftpd.conf');
  const socket = join(directory, 'ctrls');
  const port = await freePort();
  writeFileSync(config, configuration(directory, socket, port));
  const servers = [];
  try {
    for (const name of ['serve', 'mock']) {
      const server = spawn(process.execPath, [program, name, '--config', config], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      servers.push(server);
      await listening(server);
    }
    const [serve, mock] = servers.map(({pid}) => pid);
    return await work({port, socket, serve, mock});
  } finally {
    await ended(...servers);
    rmSync(directory, {recursive: true, force: true});
  }
}

function configuration(directory, socket, port) {
  return [
    'DefaultAddress 127.0.0.1',
    `Port ${port}`,
    `ControlsSocket ${socket}`,
    'ControlsSocketACL allow user *',
    'MessageControlsACLs msg allow user *',
    `MessageQueue ${directory}/queue`,
    'MessageEngine on',
    '',
  ].join('\n');
}

async function listening(server) {
  for await (const line of createInterface(server.stderr)) {
    if (!line.includes('listening')) throw new Error(line);
    server.stderr.resume();
    return;
  }
}

function descriptorLimit() {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
}

function residentBytes(pid) {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

/** Percent of one processor that the processes take together while nothing happens. */
async function processorShare(pids) {
  const used = () => pids.map(processorMs).reduce((sum, each) => sum + each);
  const before = used();
  await sleep(IDLE_MS);
  return (100 * (used() - before)) / IDLE_MS;
}

/** What follows runs in a process of its own: FTP clients, and the sender of the messages. */
function clients(port, socket) {
  const sessions = [];
  const texts = [];

  const questions = {
    async login(count) {
      for (let left = count; left > 0; left -= AT_ONCE) {
        const batch = Array.from({length: Math.min(left, AT_ONCE)}, () => openSession(port));
        sessions.push(...(await Promise.all(batch)));
      }
      while (
        (await control(socket, 'msg', ['all', 'rehearsal'], {dryRun: true})).recipients < sessions.length
      )
        await sleep(10);
    },

    /** One datagram carries the message to all sessions of the process: what one of them shows, each holds. */
    async broadcast(count) {
      const text = `The server goes down at noon (${texts.length})`;
      texts.push(text);
      const started = performance.now();
      const {recipients} = await control(socket, 'msg', ['all', text]);
      if (recipients !== count) throw new Error(`${recipients} sessions, not ${count}, took the message`);
      const probe = sessions.at(-1);
      while (!(await probe.noop()).includes(text));
      return performance.now() - started;
    },

    async 'show all'() {
      const started = performance.now();
      await Promise.all(sessions.map((session) => session.noop()));
      const milliseconds = performance.now() - started;
      for (const {shown} of sessions) {
        const missing = texts.slice(1).filter((text) => shown.split(text).length !== 2);
        if (missing.length > 0) throw new Error(`not shown once: ${missing.join(', ')}`);
      }
      return milliseconds;
    },
  };

  process.on('message', async ([question, ...words]) => {
    process.send((await questions[question](...words)) ?? null);
  });
}

/** A client that has logged in. */
async function openSession(port) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').setNoDelay();
  const session = {shown: '', noop: () => command('NOOP')};
  const reply = async () => {
    let text = '';
    while (!/^\d{3} .*\r\n$/m.test(text)) text += (await once(socket, 'data'))[0];
    return text;
  };
  const command = async (line) => {
    socket.write(`${line}\r\n`);
    const text = await reply();
    session.shown += text;
    return text;
  };
  await reply();
  await command('USER dave');
  await command('PASS anything');
  return session;
}

/** One request in ProFTPD 1.3.10's dialect; gives what `serve` says beyond the lines. */
async function control(path, action, args, options) {
  const text = JSON.stringify({action, args, ftpdctl: options});
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt32LE(text.length);
  frame.write(text, 4);
  const connection = connect(path);
  connection.write(frame);
  const answer = await buffer(connection);
  return JSON.parse(answer.subarray(4).toString()).ftpdctl.details;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.send) clients(Number(process.argv[2]), process.argv[3]);
  else await benchSessions();
}
