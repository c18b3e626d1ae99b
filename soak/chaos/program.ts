import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';

/** `ftpdctl serve` or `ftpdctl mock`, started again and again until `stop`. */
export class Program {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  /** Pids of those that were ended by SIGKILL. */
  readonly killed = new Set<number>();
  /** What was said on standard error beside what a start says. */
  readonly complaints: string[] = [];

  constructor(command: 'serve' | 'mock', config: string) {
    this.#args = [join(process.cwd(), 'bin/run.js'), command, '--config', config];
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, this.#args, {stdio: ['ignore', 'ignore', 'pipe']});
    this.#child = child;
    const listening = new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('listening')) resolve();
        else this.complaints.push(text.trim());
      });
      child.once('exit', () => reject(new Error(`it has not started: ${this.complaints.at(-1)}`)));
    });
    await listening;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** End it so, and wait until it has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    await ended;
    if (signal === 'SIGKILL') this.killed.add(child.pid!);
  }
}
