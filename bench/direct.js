import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {makeHome} from './home.js';
import {median, printTable, processorMs} from './measure.js';
import {openSession, whyNoProftpd, withProftpd} from './proftpd.js';

const CASES = [
  {sessions: 200, bytes: 1000},
  {sessions: 1000, bytes: 200},
];
/** Each with a daemon of its own; of the logins the longest of all counts. */
const ROUNDS = 3;
/** New clients come one after the other for so long without a message: what they wait then is what the machine takes. */
const QUIET_MS = 6000;
const QUIET_INTERVAL_MS = 80;
const INTERVAL_MS = 20;
/**
 * 1.3.8 naps for 0.4 s after each of its own alarms, 4 to 5 s apart, message or not (strace: SIGALRM, then pselect6 without
 * descriptors for 0.2 s, twice). The logins that meet such a nap are told apart: it is none of ours.
 */
const NAP_LOOK_MS = 50;
/** /proc/PID/syscall of a process in pselect6 (x86_64, arm64) that waits for no descriptor. */
const NAPPING = /^(270|72) 0x0 0x0 /;
const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));

/**
 * `msg all` directly to the sessions of a real ProFTPD, while new clients connect one after the other. Throws unless each
 * session shows the text, once.
 */
export async function benchDirect() {
  if (whyNoProftpd() !== null) return console.log(`\ndirect: not measured: ${whyNoProftpd()}`);
  const rows = [];
  for (const each of CASES) {
    const rounds = [];
    while (rounds.length < ROUNDS) rounds.push(await withProftpd((daemon) => measure(daemon, each)));
    rows.push([each, rounds]);
  }
  printTable(
    '`msg all` directly (goals: 200 x 1,000 B: no login waits over 300 ms, daemon < 200 ms; 1,000 x 200 B: 2,000 ms)',
    [
      'sessions',
      'bytes',
      'ms, whole run',
      'longest login, ms',
      'without a message',
      "met the daemon's nap",
      'daemon cpu, ms',
      'of it for logins',
    ],
    rows.map(([{sessions, bytes}, rounds]) => {
      const all = (name) => rounds.flatMap((round) => round[name]);
      const longest = (waits, napped) =>
        Math.max(0, ...waits.filter((wait) => wait.napped === napped).map(({ms}) => ms)).toFixed(0);
      return [
        sessions,
        bytes,
        median(all('milliseconds')).toFixed(0),
        longest(all('logins'), false),
        longest(all('quiet'), false),
        longest([...all('logins'), ...all('quiet')], true),
        Math.max(...all('cpu')),
        Math.max(...all('cpuForLogins')).toFixed(0),
      ];
    }),
  );
}

async function measure({directory, port, pid}, {sessions: count, bytes}) {
  const sessions = [];
  const probe = {port, pid, sessions};
  const quietCpu = processorMs(pid);
  const quiet = await waitsOfNewClients(probe, QUIET_INTERVAL_MS, sleep(QUIET_MS));
  const cpuOfLogin = (processorMs(pid) - quietCpu) / quiet.length;
  // One after the other: of sessions that begin at the same moment 1.3.8 loses some from its scoreboard.
  while (sessions.length < count) sessions.push(await openSession(port));

  const text = `${'x'.repeat(bytes - 4)}.end`;
  const before = processorMs(pid);
  const begun = performance.now();
  const sent = send(directory, text);
  const newcomers = [];
  const logins = await waitsOfNewClients({...probe, sessions: newcomers}, INTERVAL_MS, sent);
  const milliseconds = (await sent) - begun;
  const cpu = processorMs(pid) - before;
  for (const session of sessions) await seeText(session, text);
  for (const {socket} of [...sessions, ...newcomers]) socket.destroy();
  return {milliseconds, logins, quiet, cpu, cpuForLogins: cpuOfLogin * logins.length};
}

/** @throws Error unless the session shows the text in its next reply, once */
async function seeText(session, text) {
  await session.noop();
  while (!/(^|\n)\d{3} [^\n]*\r\n$/.test(session.got)) await once(session.socket, 'data');
  const times = session.got.split(text).length - 1;
  if (times !== 1) throw new Error(`a session has shown the text ${times} times`);
}

/** @returns when it has ended, as `performance.now()` has it */
async function send(directory, text) {
  const home = makeHome();
  const env = {...process.env, XDG_CACHE_HOME: home, PROFTPD_CONF: join(directory, 'conf')};
  const args = [program, '-s', join(directory, 'ctrls'), 'msg', '--via', 'direct', 'all', text];
  const client = spawn(process.execPath, args, {env, stdio: ['ignore', 'ignore', 'inherit']});
  const [status] = await once(client, 'exit');
  const end = performance.now();
  rmSync(home, {recursive: true, force: true});
  // 4: a client that came and went is among those who were meant.
  if (status !== 0 && status !== 4) throw new Error(`ftpdctl has failed with exit status ${status}`);
  return end;
}

/**
 * Clients that come one after the other until it is over: milliseconds from connecting to the greeting, and whether the
 * daemon napped meanwhile. They stay, since 1.3.8 naps for 0.4 s when one of them ends, too.
 */
async function waitsOfNewClients(probe, interval, over) {
  let isOver = false;
  over.then(() => {
    isOver = true;
  });
  const waits = [];
  while (!isOver) {
    waits.push(await waitOfNewClient(probe));
    await sleep(interval);
  }
  return waits;
}

async function waitOfNewClient({port, pid, sessions}) {
  let napped = false;
  const look = setInterval(() => {
    napped ||= NAPPING.test(readFileSync(`/proc/${pid}/syscall`, 'latin1'));
  }, NAP_LOOK_MS);
  const begun = performance.now();
  sessions.push(await openSession(port));
  clearInterval(look);
  return {ms: performance.now() - begun, napped};
}
