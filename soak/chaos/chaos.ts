import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {FtpClients} from './ftpClients.ts';
import {readMessageLog} from './messageLog.ts';
import {Program} from './program.ts';
import {Random} from './random.ts';
import {Senders} from './senders.ts';
import {type Findings, judge} from './verdict.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Of sending and killing; the start and the end come on top. */
  readonly seconds: number;
  readonly messages: number;
  readonly sessions: number;
  readonly mocks: number;
  /** Milliseconds between two blows, on average. */
  readonly blowEachMs: number;
  /** One of so many messages is sent with `--wait`, for so long: milliseconds. */
  readonly waitEach: number;
  readonly waitMs: number;
}

export interface ChaosResult extends Findings {
  readonly messages: number;
  readonly kills: number;
  readonly stops: number;
  /** Messages that one connection has read twice. */
  readonly twice: number;
  readonly complaints: readonly string[];
}

const USERS = 20;
/** Messages that somebody waits for: without one there is nothing to judge. */
const LEAST_WAITS = 3;
/** A process that is stopped goes on after so long: milliseconds. */
const STOP_MS = {least: 100, most: 3000} as const;
/** What the last messages may take to be shown and written down: milliseconds. */
const SETTLE_MS = 2000;

/**
 * Messages to FTP sessions while `serve` and the `mock`s that hold the sessions are ended, killed and stopped, at random
 * and at once. The FTP clients write down what they read; at the end that is held against every `--wait` and the log.
 */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const directory = mkdtempSync('/tmp/ftpdctl-chaos-');
  try {
    return await run(directory, options);
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }
}

async function run(directory: string, options: ChaosOptions): Promise<ChaosResult> {
  const {seed, seconds, messages, sessions, waitEach, waitMs} = options;
  const random = new Random(seed);
  const ports = await freePorts(options.mocks);
  const socket = join(directory, 'ctrls');
  const serve = new Program('serve', configure(directory, 'serve', 0));
  const mocks = ports.map((port) => new Program('mock', configure(directory, `mock-${port}`, port)));
  const programs = [serve, ...mocks];
  const clients = new FtpClients(random);
  const senders = new Senders({
    socket,
    users: USERS,
    random,
    waitEach,
    rate: messages / seconds,
    waitMs,
  });
  const blows = {kills: 0, stops: 0};
  try {
    for (const program of programs) await program.start();
    // Each user has sessions in every mock.
    for (let n = 0; n < sessions; n++) {
      clients.add(`user${n % USERS}`, ports[Math.floor(n / USERS) % ports.length]!);
    }
    await sleep(500);
    const end = performance.now() + 1000 * seconds;
    // On a busy machine hardly anything may have been sent by then.
    const isOver = () =>
      performance.now() >= end && (senders.waits >= LEAST_WAITS || senders.sent.length >= messages);
    await Promise.all([senders.run(messages, isOver), strike(programs, {random, isOver, blows, ...options})]);
    await senders.waitsOver();
    await sleep(SETTLE_MS);
    await clients.close();
    for (const mock of mocks) await mock.end('SIGTERM');
    await serve.end('SIGTERM');
  } finally {
    await clients.close();
    for (const program of programs) await program.end('SIGKILL');
  }
  const log = readMessageLog(join(directory, 'message.log'));
  const complaints = programs.flatMap((program) => program.complaints);
  return {
    ...judge(senders.sent, clients.seen, {log, killed: serve.killed}),
    messages: senders.sent.length,
    ...blows,
    twice: clients.twice,
    complaints,
  };
}

interface Striking extends ChaosOptions {
  readonly random: Random;
  readonly isOver: () => boolean;
  readonly blows: {kills: number; stops: number};
}

/** One blow after the other; each takes its time beside the next. */
async function strike(programs: readonly Program[], striking: Striking): Promise<void> {
  const {random, isOver, blows, blowEachMs} = striking;
  const under = new Set<Program>();
  const done: Promise<void>[] = [];
  while (!isOver()) {
    await sleep(random.between(0, 2 * blowEachMs));
    const program = random.pick(programs);
    if (under.has(program) || isOver()) continue;
    under.add(program);
    done.push(blow(program, random, blows).finally(() => under.delete(program)));
  }
  await Promise.all(done);
}

async function blow(program: Program, random: Random, blows: Striking['blows']): Promise<void> {
  const kind = random.pick(['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGSTOP'] as const);
  if (kind === 'SIGSTOP') {
    blows.stops++;
    program.signal('SIGSTOP');
    await sleep(random.between(STOP_MS.least, STOP_MS.most));
    program.signal('SIGCONT');
    return;
  }
  blows.kills++;
  await program.end(kind);
  await sleep(random.between(0, 500));
  await program.start();
}

function configure(directory: string, name: string, port: number): string {
  const file = join(directory, `${name}.conf`);
  const lines = [
    'DefaultAddress 127.0.0.1',
    `Port ${port}`,
    `ControlsSocket ${directory}/ctrls`,
    'ControlsSocketACL allow user *',
    'ControlsMaxClients 100',
    'MessageControlsACLs msg allow user *',
    `MessageQueue ${directory}/queue`,
    `MessageLog ${directory}/message.log`,
    'MessageEngine on',
  ];
  writeFileSync(file, lines.join('\n'));
  return file;
}

/** Ports that are free now: all are held until each is known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({length: count}, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.once('listening', () => resolve((server.address() as {port: number}).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
