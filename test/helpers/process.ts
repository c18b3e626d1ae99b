import {spawn} from 'node:child_process';

/** How a program is run: everything a caller of a shell could choose. */
export interface RunOptions {
  /** The whole environment; nothing is inherited. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Effective and real uid; needs root. The primary gid is `gid`, or else the same number. No other groups. */
  readonly uid?: number;
  readonly gid?: number;
  /** Text for standard input. Without it, standard input is empty. */
  readonly input?: string;
  /** Milliseconds after which the program is killed and the promise rejected. Default 30 000. */
  readonly timeout?: number;
}

/** What became of a program that ended by itself. */
export interface ProgramResult {
  /** Exit status, or `null` when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const DEFAULT_TIMEOUT = 30_000;

/** Runs a program to its end. Rejects when it cannot be started, and when it outlives `timeout`. */
export function runProcess(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProgramResult> {
  const [file, ...argv] = [...asUser(options), command, ...args];
  const child = spawn(file!, argv, {cwd: options.cwd, env: options.env, stdio: 'pipe'});
  const output = {stdout: '', stderr: ''};
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  // A program may well end without having read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');

  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `${command} ${args.join(' ')} ran for more than ${timeout} ms:\n${output.stdout}${output.stderr}`,
        ),
      );
    }, timeout);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      resolve({status, signal, ...output});
    });
  });
}

function asUser({uid, gid}: RunOptions): string[] {
  if (uid === undefined) return [];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid ?? uid}`, '--clear-groups', '--'];
}
