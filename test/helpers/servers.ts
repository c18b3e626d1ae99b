import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface, type Interface} from 'node:readline';
import {CHECKOUT} from './checkout.ts';
import {freePort} from './freePorts.ts';
import {FtpSession} from './ftpSession.ts';
import {cleanEnvironment, type ProgramOptions, runFtpdctl} from './program.ts';

/** `ftpdctl serve` and `ftpdctl mock` on one configuration, each a process of its own that a test may kill. */
export class Servers {
  readonly socket: string;
  readonly queue: string;
  readonly config: string;
  readonly #children = new Map<'serve' | 'mock', ChildProcess>();
  readonly #lines = new WeakMap<ChildProcess, Interface>();

  private constructor(
    readonly directory: string,
    readonly port: number,
  ) {
    this.socket = join(directory, 'ctrls');
    this.queue = join(directory, 'queue');
    this.config = join(directory, 'proftpd.conf');
  }

  /** @param directives lines of configuration after the usual ones */
  static async start(directives: readonly string[] = []): Promise<Servers> {
    const servers = new Servers(await mkdtemp('/tmp/ftpdctl-servers-'), await freePort());
    await servers.configure(directives);
    await servers.run('serve');
    await servers.run('mock');
    return servers;
  }

  async configure(directives: readonly string[]): Promise<void> {
    const lines = [
      'DefaultAddress 127.0.0.1',
      `Port ${this.port}`,
      `ControlsSocket ${this.socket}`,
      'ControlsSocketACL allow user *',
      'ControlsACLs all allow user *',
      'AdminControlsACLs all allow user *',
      'MessageControlsACLs all allow user *',
      'MessageEngine on',
      `MessageQueue ${this.queue}`,
      `MessageLog ${this.directory}/msg.log`,
      '<Class staff>',
      '  From 127.0.1.0/24',
      '</Class>',
      ...directives,
    ];
    await writeFile(this.config, `${lines.join('\n')}\n`);
  }

  /** Start one of the two and wait until it listens. */
  async run(which: 'serve' | 'mock', options: readonly string[] = []): Promise<void> {
    const args = [join(CHECKOUT, 'bin/run.js'), ...options, which, '--config', this.config];
    const env = cleanEnvironment(this.directory);
    const child = spawn(process.execPath, args, {env, stdio: ['ignore', 'ignore', 'pipe']});
    this.#children.set(which, child);
    this.#lines.set(
      child,
      createInterface(child.stderr!).on('error', () => {}),
    );
    await this.says(which, 'listening');
  }

  /** Wait until one of the two says something on standard error from now on. */
  async says(which: 'serve' | 'mock', wanted: string): Promise<void> {
    const lines = this.#lines.get(this.#children.get(which)!)!;
    const said: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const listen = (line: string) => {
        said.push(line);
        if (!line.includes(wanted)) return;
        lines.off('line', listen);
        resolve();
      };
      lines.on('line', listen);
      lines.once('close', () => reject(new Error(`${which} did not say ${wanted}: ${said.join('\n')}`)));
    });
  }

  pid(which: 'serve' | 'mock'): number {
    return this.#children.get(which)!.pid!;
  }

  /** Send a signal to one of the two; for one that ends it, wait until it has gone. */
  async kill(which: 'serve' | 'mock', signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(which)!;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
    this.#children.delete(which);
  }

  ftpdctl(args: readonly string[], options: ProgramOptions = {}) {
    return runFtpdctl(['-s', this.socket, ...args], options);
  }

  async session(user = 'dave', localAddress?: string): Promise<FtpSession> {
    const session = await FtpSession.connect(this.port, localAddress === undefined ? {} : {localAddress});
    await session.login(user);
    return session;
  }

  /** The sessions that the server knows now. */
  async who(): Promise<{user: string | null; waiting: number; class: string | null}[]> {
    const {stdout} = await this.ftpdctl(['--json', 'who']);
    return JSON.parse(stdout).sessions;
  }

  async stop(): Promise<void> {
    for (const which of ['mock', 'serve'] as const) {
      if (this.#children.has(which)) await this.kill(which, 'SIGKILL');
    }
    await rm(this.directory, {recursive: true, force: true});
  }
}
