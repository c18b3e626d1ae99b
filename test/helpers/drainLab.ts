import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Ajv2020, type ValidateFunction} from 'ajv/dist/2020.js';
import {CHECKOUT} from './checkout.ts';
import {openData} from './data.ts';
import {FtpSession} from './ftpSession.ts';
import {type ProgramResult, runProcess} from './process.ts';
import {type ProftpdOptions, type RealProftpd, startProftpd, whyNoProftpd} from './proftpd.ts';
import {cleanEnvironment} from './program.ts';

/** Its own `/etc` over the machine's, and an empty `/run`, with a place for `nobody`: what a drain writes is seen in there alone. */
const MOUNTS = [
  'mount -t tmpfs tmpfs /mnt',
  'mkdir /mnt/upper /mnt/work',
  'mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc',
  'rm -f /etc/shutmsg',
  'mount -t tmpfs -o mode=755 tmpfs /run',
  'install -d -m 700 -o 65534 -g 65534 /run/user/65534',
].join(' && ');
const UNSHARE = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c'];

export type DrainEventLine = Readonly<Record<string, unknown>> & {
  readonly at: number;
  readonly event: string;
};

/** Why no `/etc/shutmsg` of one's own is to be had here, or `null`. */
export function whyNoDrainLab(): string | null {
  const why = whyNoProftpd();
  if (why !== null) return why;
  const [command, ...args] = [...UNSHARE, MOUNTS];
  return spawnSync(command!, args).status === 0 ? null : 'no overlay can be mounted here';
}

/** A mount namespace in which daemons and drains meet. */
export async function startDrainLab(): Promise<DrainLab> {
  const [command, ...args] = [...UNSHARE, `${MOUNTS} && echo ready && exec cat`];
  const holder = spawn(command!, args, {stdio: ['pipe', 'pipe', 'inherit']});
  await once(holder.stdout!, 'data');
  return new DrainLab(holder);
}

export class DrainLab {
  readonly #holder: ChildProcess;
  readonly #programs = new Set<DrainProgram>();
  readonly #daemons = new Set<RealProftpd>();

  constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** What runs a command in there. */
  get enter(): readonly string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '--mount', '--'];
  }

  async startProftpd(options: ProftpdOptions = {}): Promise<RealProftpd> {
    const daemon = await startProftpd({...options, startedBy: this.enter});
    this.#daemons.add(daemon);
    return daemon;
  }

  /** `/etc/shutmsg` as it is in there. */
  get shutmsg(): string {
    return `/proc/${this.#holder.pid}/root/etc/shutmsg`;
  }

  hasShutmsg(): boolean {
    return existsSync(this.shutmsg);
  }

  writeShutmsg(text: string): void {
    writeFileSync(this.shutmsg, text);
  }

  /** The record of root's drain; `undefined`: there is none. */
  record(): {readonly phase: string; readonly pid: number} | undefined {
    const file = `/proc/${this.#holder.pid}/root/run/ftpdctl-drain/drain.json`;
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  }

  /** What a restart of the machine does to it. */
  forgetRecord(): void {
    rmSync(`/proc/${this.#holder.pid}/root/run/ftpdctl-drain`, {recursive: true, force: true});
  }

  /** Starts `ftpdctl`, by a command that is given it as its words. */
  spawn(proftpd: DrainTarget, args: readonly string[], by: readonly string[]): ChildProcess {
    const [command, ...rest] = [...this.enter, ...by, ...program(proftpd, args)];
    return spawn(command!, rest, {env: environment(proftpd), cwd: '/', stdio: 'ignore'});
  }

  /** Runs a command in there, to its end. */
  exec(...words: readonly string[]): void {
    const [command, ...args] = [...this.enter, ...words];
    const {status, stderr} = spawnSync(command!, args, {encoding: 'utf8'});
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  }

  /** Runs `ftpdctl` to its end. */
  run(
    proftpd: DrainTarget,
    args: readonly string[],
    uid?: number,
    env: NodeJS.ProcessEnv = {},
  ): Promise<ProgramResult> {
    const [command, ...rest] = [...this.enter, ...asUser(uid), ...program(proftpd, args)];
    return runProcess(command!, rest, {env: {...environment(proftpd), ...env}, cwd: '/'});
  }

  /** Starts `ftpdctl --json drain ARGS…`. */
  drain(proftpd: DrainTarget, args: readonly string[], uid?: number): DrainProgram {
    const words = [...this.enter, ...asUser(uid), ...program(proftpd, ['--json', 'drain', ...args])];
    const started = new DrainProgram(words, environment(proftpd));
    this.#programs.add(started);
    return started;
  }

  /** End what a test has started. */
  async clear(): Promise<void> {
    for (const each of this.#programs) await each.kill();
    this.#killDetached();
    for (const daemon of this.#daemons) await daemon.stop();
    this.#programs.clear();
    this.#daemons.clear();
    rmSync(this.shutmsg, {force: true});
    this.forgetRecord();
  }

  /** One that goes on by itself is no program of ours. */
  #killDetached(): void {
    const pid = this.record()?.pid;
    if (pid === undefined || !existsSync(`/proc/${pid}`)) return;
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0drain\0')) return;
    process.kill(pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.clear();
    this.#holder.stdin!.end();
    await once(this.#holder, 'exit');
  }
}

/** `socket` is `undefined` where the program is to find one. */
export interface DrainTarget {
  readonly socket: string | undefined;
  readonly configFile: string;
}

function program({socket}: DrainTarget, args: readonly string[]): string[] {
  const named = socket === undefined ? [] : ['-s', socket];
  return [process.execPath, join(CHECKOUT, 'bin', 'run.js'), ...named, ...args];
}

function environment({configFile}: DrainTarget): NodeJS.ProcessEnv {
  return {...cleanEnvironment('/nonexistent'), PROFTPD_CONF: configFile};
}

function asUser(uid: number | undefined): string[] {
  return uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
}

/** A drain that runs, and the events it has told so far. */
export class DrainProgram {
  readonly events: DrainEventLine[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #rest = '';
  #stderr = '';
  #wake: () => void = () => {};
  #hasEnded = false;

  constructor([command, ...args]: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command!, args, {env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe']});
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop()!;
      this.events.push(...lines.map((line) => JSON.parse(line)));
      this.#wake();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#closed = once(this.#child, 'close').then(() => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The first event of that name, once it is told; rejects when the program ends without it. */
  async event(
    name: string,
    isMeant: (event: DrainEventLine) => boolean = () => true,
  ): Promise<DrainEventLine> {
    for (;;) {
      const found = this.events.find((each) => each.event === name && isMeant(each));
      if (found !== undefined) return found;
      if (this.#hasEnded)
        throw new Error(`it ended without "${name}": ${JSON.stringify(this.events)} ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Exit status, or the signal that has ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#closed;
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

const SCHEMAS = join(CHECKOUT, 'schemas');

/** What `schemas/drain.json` has against these lines. */
export function schemaErrors(events: readonly unknown[]): unknown[] {
  const schemas = new Ajv2020({allErrors: true, strict: true, allowUnionTypes: true});
  for (const file of ['drain.json', 'session.json', 'error.json'])
    schemas.addSchema(JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8')), file);
  const validate = schemas.getSchema('drain.json') as ValidateFunction;
  return events.flatMap((event) => (validate(event) ? [] : [{event, errors: validate.errors?.slice(0, 3)}]));
}

/** More than the buffers of a connection hold. */
export const DOWNLOAD_BYTES = 64 * 1024 * 1024;

/** The greeting, or what comes in its place. */
export async function knock(proftpd: Pick<RealProftpd, 'port'>): Promise<string> {
  const session = await FtpSession.connect(proftpd.port);
  await session.close();
  return session.greeting.join('\n');
}

/** A download that its client takes in only when it is told to. */
export async function startDownload(
  proftpd: RealProftpd,
): Promise<{readonly session: FtpSession; readonly take: () => Promise<number>}> {
  const file = join(proftpd.directory, 'home', 'dave', 'big');
  writeFileSync(file, '');
  truncateSync(file, DOWNLOAD_BYTES);
  const session = await proftpd.session('dave');
  const data = await openData(session);
  data.pause();
  const [reply] = await session.command('RETR big');
  if (!reply!.startsWith('150 ')) throw new Error(reply);
  let received = 0;
  data.on('data', ({length}) => {
    received += length;
  });
  data.pause();
  const take = async () => {
    data.resume();
    if (!data.closed) await once(data, 'close');
    return received;
  };
  return {session, take};
}
