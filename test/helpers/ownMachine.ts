import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {checkoutFor} from './checkout.ts';
import {freePorts} from './freePorts.ts';
import {FtpSession} from './ftpSession.ts';
import {type ProgramResult, runProcess} from './process.ts';
import {whyNoProftpd} from './proftpd.ts';
import {cleanEnvironment} from './program.ts';

/** What it hides of the system that runs the tests, each under a file system of its own. */
const HIDDEN = ['/etc/proftpd', '/etc/tmpfiles.d', '/run', '/var/log'].filter(existsSync);

/** Why no machine of its own is to be had, or `null`. */
export function whyNoOwnMachine(): string | null {
  const why = whyNoProftpd();
  if (why !== null) return why;
  return spawnSync('unshare', ['-m', '-p', '-i', '-f', 'true']).status === 0
    ? null
    : 'this system lets nobody have namespaces of their own';
}

/**
 * A machine with one ProFTPD at its distribution's places, and none else: mount, pid and IPC namespaces of its own, in
 * which a daemon may be installed, broken and mended. The network is shared.
 */
export class OwnMachine {
  readonly port: number;
  readonly #init: ChildProcess;

  private constructor(port: number, init: ChildProcess) {
    this.port = port;
    this.#init = init;
  }

  static async start(): Promise<OwnMachine> {
    const [port] = await freePorts(1);
    const mounts = HIDDEN.map((path) => `mount -t tmpfs -o mode=755 tmpfs ${path}`).join(' && ');
    // The first process of a pid namespace must reap what others leave behind, as `wait` does; with its input it ends.
    const script = `exec 3<&0; ${mounts} && mkdir /run/proftpd /var/log/proftpd && echo ready; cat <&3 >/dev/null & wait`;
    const namespaces = ['-m', '-p', '-i', '-f', '--mount-proc', '--kill-child'];
    const init = spawn('unshare', [...namespaces, 'sh', '-c', script], {stdio: ['pipe', 'pipe', 'inherit']});
    await once(init.stdout!, 'data');
    return new OwnMachine(port!, init);
  }

  /** Where a file of the machine is to be found from outside. */
  outside(path: string): string {
    return join(`/proc/${this.#shell}/root`, path);
  }

  get #shell(): number {
    const unshare = this.#init.pid!;
    return Number(readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim().split(' ')[0]);
  }

  read(path: string): string {
    return readFileSync(this.outside(path), 'utf8');
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.outside(path)), {recursive: true});
    writeFileSync(this.outside(path), text, {mode});
  }

  has(path: string): boolean {
    return existsSync(this.outside(path));
  }

  /** A program on it, as root or another user. */
  run(
    command: string,
    args: readonly string[],
    uid = 0,
    env: NodeJS.ProcessEnv = {},
  ): Promise<ProgramResult> {
    const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const [enter, ...inside] = [...this.enter, ...as, command, ...args];
    return runProcess(enter!, inside, {env: {...cleanEnvironment('/'), ...env}});
  }

  /** What runs a command on it. */
  get enter(): readonly string[] {
    return ['nsenter', '-t', String(this.#shell), '-m', '-p', '-i', '--'];
  }

  /** A line in root's shell. @throws Error unless it succeeds */
  async shell(line: string): Promise<string> {
    const {status, stdout, stderr} = await this.run('sh', ['-c', line]);
    if (status !== 0) throw new Error(`${line}: exit status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Our program. @param prefix words before it, as root types them */
  ftpdctl(args: readonly string[], uid = 0, prefix = ''): Promise<ProgramResult> {
    const program = join(checkoutFor(uid), 'bin', 'run.js');
    return this.run('sh', ['-c', `exec ${prefix} "$@"`, 'sh', process.execPath, program, ...args], uid);
  }

  async session(user: string): Promise<FtpSession> {
    const session = await FtpSession.connect(this.port);
    await session.login(user);
    return session;
  }

  /** Resolves once its ProFTPD speaks FTP and has made its controls socket, if it is to have one. */
  async listening(socket?: string): Promise<void> {
    const pattern = new RegExp(
      ` (?:0100007F|00000000):${this.port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0A `,
    );
    for (const end = Date.now() + 10_000; Date.now() < end; await sleep(20)) {
      const isThere = socket === undefined || this.has(socket);
      if (isThere && pattern.test(readFileSync('/proc/net/tcp', 'utf8'))) return;
    }
    throw new Error('the ProFTPD does not listen');
  }

  async stop(): Promise<void> {
    if (this.#init.exitCode !== null || this.#init.signalCode !== null) return;
    const ended = once(this.#init, 'exit');
    this.#init.stdin!.end();
    await ended;
  }
}
