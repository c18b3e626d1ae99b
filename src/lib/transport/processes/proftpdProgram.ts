import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {type ProftpdVersion, parseVersion} from '../../protocol/version.ts';

/** Where distributions, FreeBSD and the sources put it. Never found by PATH: root asks, too. */
const PROGRAMS = [
  '/usr/sbin/proftpd',
  '/usr/local/sbin/proftpd',
  '/usr/local/libexec/proftpd',
  '/usr/bin/proftpd',
];

/** Milliseconds; it takes 4 to 8. */
const TIMEOUT_MS = 2000;
const MAX_BYTES = 64 * 1024;

/** The program of the ProFTPD of this machine, whether it runs or not. */
export function installedProftpd(): string | undefined {
  return PROGRAMS.find((path) => existsSync(path));
}

/**
 * What a ProFTPD says of itself: `-v` its version, `-V` how it was built. Neither changes anything, where `-t` would
 * remove the message queue.
 *
 * @throws Error that says why there is no answer
 */
export function askProftpd(program: string, option: '-v' | '-V'): Promise<string> {
  return runProgram(program, [option], {timeout: TIMEOUT_MS, bytes: MAX_BYTES});
}

/** The version of the ProFTPD of this machine, as `proftpd -v` says it; `undefined` where there is none. */
export async function installedVersion(): Promise<ProftpdVersion | undefined> {
  const program = installedProftpd();
  if (program === undefined) return undefined;
  try {
    return parseVersion(await askProftpd(program, '-v'));
  } catch {
    return undefined;
  }
}

/**
 * Runs a program that is asked for information, with an environment and an input that are empty.
 *
 * @returns what it wrote to its standard output and its standard error, together, whatever it ended with
 * @param limits milliseconds and bytes: past either, it is killed
 * @throws Error that says why there is no answer
 */
function runProgram(
  file: string,
  args: readonly string[],
  limits: {readonly timeout: number; readonly bytes: number},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {PATH: '/usr/bin:/bin'},
      cwd: '/',
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const giveUp = (why: string) => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(why));
    };
    const timer = setTimeout(() => giveUp(`no answer within ${limits.timeout} ms`), limits.timeout);
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limits.bytes) giveUp(`more than ${limits.bytes} bytes`);
      else chunks.push(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', ({message}) => {
      clearTimeout(timer);
      reject(new Error(message));
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString());
    });
  });
}
