import {type ChildProcess, spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';
import {reasonOf} from '../errors.ts';
import {onExit} from '../transport/processes/exitCleanup.ts';
import {HostError, unreachable} from './errors.ts';
import type {Host} from './hosts.ts';
import {framed, type RemoteCommand} from './script.ts';

/** What a command has printed and ended with, on the other side. */
export interface RemoteResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What its `note` has printed. */
  readonly note: string;
}

/** Milliseconds that what has been said before an end may still take to arrive. */
const DRAIN_MS = 250;
/** Milliseconds that ssh has to end after it was asked to. */
const END_MS = 1000;
/** Bytes of an answer, and of what ssh says. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * The user's own configuration counts, as for scp: only what would ask a person, or open what nobody has asked for, is
 * turned off.
 */
const OPTIONS = [
  '-T',
  '-x',
  ...['BatchMode=yes', 'ClearAllForwardings=yes', 'PermitLocalCommand=no', 'RemoteCommand=none'].flatMap(
    (option) => ['-o', option],
  ),
];

function sshArguments({host, user, port}: Host): string[] {
  return [
    ...OPTIONS,
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    // The login shell, whichever it is, reads this one word. All the rest is read by sh, from its standard input.
    ...['--', host, 'sh'],
  ];
}

type State =
  | {readonly kind: 'open'}
  /** Something is awaited: a place in the output that tells that it is there. */
  | {
      readonly kind: 'waiting';
      readonly take: () => boolean;
      readonly fail: (error: Error) => void;
    }
  | {readonly kind: 'ended'};

/**
 * A POSIX shell on another machine, over one connection of OpenSSH. What it reads never goes through the login shell, and
 * what it prints stands between marks that nobody else knows: whatever else is printed there is told apart.
 */
export class RemoteShell {
  readonly #host: Host;
  readonly #process: ChildProcess;
  readonly #mark = `ftpdctl-${randomBytes(8).toString('hex')}`;
  readonly #output: Record<'stdout' | 'stderr', Buffer> = {stdout: Buffer.alloc(0), stderr: Buffer.alloc(0)};
  readonly #exited: Promise<void>;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#fail(this.#signal.reason as Error);
  readonly #callOff: () => void;
  #state: State = {kind: 'open'};
  #commands = 0;

  private constructor(host: Host, env: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
    // A session of its own: Ctrl-C is for us to pass on, and what ssh starts ends with it.
    // FTPDCTL_SSH is to this program what GIT_SSH is to git.
    this.#process = spawn(env['FTPDCTL_SSH'] || 'ssh', sshArguments(host), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env,
    });
    this.#callOff = onExit(() => this.#kill('SIGTERM'));
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    this.#watch();
    signal.addEventListener('abort', this.#onAbort, {once: true});
  }

  /**
   * Connect, and wait until the shell there answers. Nothing was done before, and nothing is by this.
   * @param signal gives up; its reason is what is thrown
   * @throws HostError `UNREACHABLE`, `NO_SSH`
   */
  static async open(host: Host, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<RemoteShell> {
    signal.throwIfAborted();
    const shell = new RemoteShell(host, env, signal);
    try {
      const mark = `${shell.#mark} ready\n`;
      await shell.#exchange(`exec 3<&0; printf '%s\\n' '${shell.#mark} ready'\n`, () =>
        shell.#cutAfter('stdout', mark),
      );
      return shell;
    } catch (error) {
      await shell.close();
      throw error;
    }
  }

  /**
   * Run a command there, and wait for its end.
   * @returns `stale` where its guard does not hold: it was not run
   * @throws HostError `CONNECTION_LOST`; `ANSWER_INVALID` for an exit status that is none; the reason of the signal
   */
  async run(command: RemoteCommand): Promise<RemoteResult | 'stale'> {
    this.#commands += 1;
    const mark = `${this.#mark} ${this.#commands}`;
    let result: RemoteResult | 'stale' | undefined;
    await this.#exchange(framed(command, mark), () => {
      result = this.#resultOf(mark);
      return result !== undefined;
    });
    if (result !== 'stale' && Number.isNaN(result!.status))
      throw new HostError('ANSWER_INVALID', 'its exit status is none', {mayBeDone: true});
    return result!;
  }

  /** What ssh and the login shell have said that belongs to no command. */
  get said(): string {
    return this.#output.stderr.toString('utf8');
  }

  /** End the connection; it has ended afterwards, and all that was started for it here. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#process.stdin?.end();
    const isIdle = this.#state.kind !== 'waiting' && !this.#signal.aborted;
    this.#state = {kind: 'ended'};
    if (!isIdle) this.#kill('SIGTERM');
    if (!(await this.#endsWithin(END_MS))) this.#kill('SIGTERM');
    if (!(await this.#endsWithin(END_MS))) this.#kill('SIGKILL');
    await this.#exited;
    // A pipe that a multiplexing master holds open keeps nobody waiting.
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.destroy();
    this.#callOff();
  }

  async #endsWithin(time: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(time, false, {signal: timer.signal}).catch(() => false);
    const ended = await Promise.race([this.#exited.then(() => true), late]);
    timer.abort();
    return ended;
  }

  #kill(signal: NodeJS.Signals): void {
    const {pid} = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended, and so have those it started.
    }
  }

  #watch(): void {
    for (const name of ['stdout', 'stderr'] as const) {
      this.#process[name]!.on('data', (chunk: Buffer) => this.#take(name, chunk)).on('error', () => {});
    }
    this.#process.stdin!.on('error', () => {});
    this.#process.once('error', (cause) => {
      const hint = 'the package openssh-client has it; FTPDCTL_SSH names another';
      this.#fail(new HostError('NO_SSH', `ssh cannot be run: ${reasonOf(cause)}`, {cause, hint}));
    });
    this.#process.once('exit', (status) => void this.#onExit(status));
  }

  #take(name: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#output[name] = Buffer.concat([this.#output[name], chunk]);
    if (this.#output[name].length > MAX_BYTES) {
      const why = `it says more than ${MAX_BYTES} bytes`;
      this.#fail(new HostError('ANSWER_INVALID', why, {mayBeDone: this.#commands > 0}));
    } else if (this.#state.kind === 'waiting') this.#state.take();
  }

  /** Not when its output is closed, which a multiplexing master that it has started may hold open for hours. */
  async #onExit(status: number | null): Promise<void> {
    await Promise.race([
      new Promise((resolve) => this.#process.once('close', resolve)),
      sleep(DRAIN_MS, undefined, {ref: false}),
    ]);
    if (this.#state.kind === 'waiting' && this.#state.take()) return;
    this.#fail(this.#commands === 0 ? unreachable(this.#host.name, this.said, status) : this.#lost());
  }

  #lost(): HostError {
    const said = this.said.trim().split('\n').at(-1);
    return new HostError('CONNECTION_LOST', `the connection broke${said ? `: ${said.trim()}` : ''}`, {
      mayBeDone: true,
    });
  }

  #fail(error: Error): void {
    if (this.#state.kind === 'waiting') this.#state.fail(error);
    else this.#state = {kind: 'ended'};
  }

  /** @param arrived whether what is awaited is there */
  #exchange(text: string, arrived: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state.kind !== 'open')
        return reject(this.#signal.aborted ? this.#signal.reason : this.#lost());
      const take = () => {
        if (!arrived()) return false;
        this.#state = {kind: 'open'};
        resolve();
        return true;
      };
      const fail = (error: Error) => {
        // It may be in the middle of it: `close` does not wait for its end.
        reject(error);
      };
      this.#state = {kind: 'waiting', take, fail};
      this.#process.stdin!.write(text);
    });
  }

  /** Drop all that stands before a mark, and the mark itself, if that has arrived. */
  #cutAfter(name: 'stdout' | 'stderr', mark: string): boolean {
    const at = this.#output[name].indexOf(mark);
    if (at === -1) return false;
    this.#output[name] = this.#output[name].subarray(at + mark.length);
    return true;
  }

  #resultOf(mark: string): RemoteResult | 'stale' | undefined {
    if (this.#cutAfter('stdout', `${mark} stale\n`)) return 'stale';
    const out = between(this.#output.stdout, mark);
    const err = between(this.#output.stderr, mark);
    if (out === undefined || err === undefined) return undefined;
    this.#output.stdout = out.after;
    this.#output.stderr = Buffer.concat([err.before, err.after]);
    return {status: exitStatusIn(out.tail), stdout: out.text, stderr: err.text, note: out.head};
  }
}

/** `NaN` for what no program exits with: 256 would be 0 for who asks us. */
function exitStatusIn(text: string): number {
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : Number.NaN;
}

interface Section {
  readonly before: Buffer;
  readonly text: string;
  readonly after: Buffer;
  /** What stands in the lines of the marks. */
  readonly head: string;
  readonly tail: string;
}

/** What stands between `MARK begin HEAD\n` and `\nMARK end TAIL\n`; `undefined` while it is not whole. */
function between(bytes: Buffer, mark: string): Section | undefined {
  const [begin, end] = [`${mark} begin `, `\n${mark} end `];
  const headAt = bytes.indexOf(begin);
  const textAt = headAt === -1 ? -1 : bytes.indexOf('\n', headAt) + 1;
  const endAt = textAt <= 0 ? -1 : bytes.indexOf(end, textAt - 1);
  const lineEnd = endAt === -1 ? -1 : bytes.indexOf('\n', endAt + end.length);
  if (lineEnd === -1) return undefined;
  return {
    before: bytes.subarray(0, headAt),
    head: bytes.toString('utf8', headAt + begin.length, textAt - 1),
    text: bytes.toString('utf8', textAt, Math.max(textAt, endAt)),
    tail: bytes.toString('latin1', endAt + end.length, lineEnd),
    after: bytes.subarray(lineEnd + 1),
  };
}
