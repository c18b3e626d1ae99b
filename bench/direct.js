import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {makeHome} from './home.js';
import {printTable, processorMs} from './measure.js';
import {openSession, whyNoProftpd, withProftpd} from './proftpd.js';

const CASES = [
  {sessions: 200, bytes: 1000},
  {sessions: 1000, bytes: 200},
];
/** Connections that are opened at the same time: fewer than the listener's backlog. */
const AT_ONCE = 50;
/** New clients come one after the other for so long without a message: what they wait then is what the machine takes. */
const QUIET_MS = 1000;
const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));

/**
 * `msg all` directly to the sessions of a real ProFTPD, while new clients connect one after the other. Throws unless each
 * session shows the text, once.
 */
export async function benchDirect() {
  if (whyNoProftpd() !== null) return console.log(`\ndirect: not measured: ${whyNoProftpd()}`);
  const rows = [];
  for (const each of CASES) rows.push([each, await withProftpd((daemon) => measure(daemon, each))]);
  printTable(
    '`msg all` directly (goals: 200 x 1,000 B: no login waits over 300 ms, daemon < 200 ms; 1,000 x 200 B: 2,000 ms)',
    [
      'sessions',
      'bytes',
      'ms, whole run',
      'longest login, ms',
      'without a message',
      'daemon cpu, ms',
      'of it for logins',
    ],
    rows.map(([{sessions, bytes}, {milliseconds, logins, quiet, cpu, cpuForLogins}]) => [
      sessions,
      bytes,
      milliseconds.toFixed(0),
      Math.max(...logins).toFixed(0),
      Math.max(...quiet).toFixed(0),
      cpu,
      cpuForLogins.toFixed(0),
    ]),
  );
}

async function measure({directory, port, pid}, {sessions: count, bytes}) {
  const sessions = [];
  while (sessions.length < count) {
    const batch = Array.from({length: Math.min(AT_ONCE, count - sessions.length)}, () => openSession(port));
    sessions.push(...(await Promise.all(batch)));
  }
  const quietMs = processorMs(pid);
  const newcomers = [];
  const quiet = await waitsOfNewClients(port, newcomers, sleep(QUIET_MS));
  const cpuOfLogin = (processorMs(pid) - quietMs) / quiet.length;

  const text = `${'x'.repeat(bytes - 4)}.end`;
  const before = processorMs(pid);
  const begun = performance.now();
  const sent = send(directory, text);
  const logins = await waitsOfNewClients(port, newcomers, sent);
  const milliseconds = (await sent) - begun;
  const cpu = processorMs(pid) - before;
  for (const session of sessions) {
    await session.noop();
    while (!/(^|\n)\d{3} [^\n]*\r\n$/.test(session.got)) await once(session.socket, 'data');
    const times = session.got.split(text).length - 1;
    if (times !== 1) throw new Error(`a session has shown the text ${times} times`);
  }
  for (const {socket} of [...sessions, ...newcomers]) socket.destroy();
  return {milliseconds, logins, quiet, cpu, cpuForLogins: cpuOfLogin * logins.length};
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
 * Milliseconds from connecting to the greeting, of clients that come one after the other until it is over. They stay:
 * 1.3.8 naps for 0.4 s when one of them ends, message or not.
 */
async function waitsOfNewClients(port, newcomers, over) {
  let isOver = false;
  over.then(() => {
    isOver = true;
  });
  const waits = [];
  while (!isOver) {
    const begun = performance.now();
    newcomers.push(await openSession(port));
    waits.push(performance.now() - begun);
    await sleep(20);
  }
  return waits;
}
