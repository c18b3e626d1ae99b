import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {CHECKOUT} from './checkout.ts';
import {cleanEnvironment} from './program.ts';

/** `ftpdctl serve` in a process of its own. */
export interface ServeProgram {
  readonly pid: number;
  /** What it has said on standard error so far. */
  stderr(): string;
  stdout(): string;
  /** Resolves with the text when standard error has matched; rejects when the program ends before. */
  said(pattern: RegExp): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** Exit status, or the signal that has ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** End it at once, if it has not ended yet. */
  kill(): Promise<void>;
}

/** Runs `ftpdctl serve ARGS…`; whether it listens, `said(/listening/)` tells. */
export function spawnServe(
  args: readonly string[],
  {env = {}, cwd = '/'}: {env?: NodeJS.ProcessEnv; cwd?: string} = {},
): ServeProgram {
  const program = join(CHECKOUT, 'bin', 'run.js');
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: {...cleanEnvironment(cwd), ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = {stdout: '', stderr: ''};
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(
    ([status, signal]) => (status ?? signal) as number | NodeJS.Signals,
  );
  return {
    pid: child.pid!,
    stderr: () => output.stderr,
    stdout: () => output.stdout,
    said: (pattern) => said(child, pattern, () => output.stderr),
    signal: (signal) => void child.kill(signal),
    ended,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function said(child: ChildProcess, pattern: RegExp, stderr: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (pattern.test(stderr())) resolve(stderr());
    };
    child.stderr!.on('data', look);
    child.on('close', () => reject(new Error(`it has ended without saying ${pattern}:\n${stderr()}`)));
    look();
  });
}
