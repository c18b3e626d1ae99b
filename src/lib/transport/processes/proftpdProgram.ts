import {spawn} from 'node:child_process';
import {closeSync, constants, existsSync, fstatSync, openSync} from 'node:fs';
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
/** The descriptor of its own file in a program that is run. */
const INHERITED = 3;

/** The program of the ProFTPD of this machine, whether it runs or not. */
export function installedProftpd(): string | undefined {
  return PROGRAMS.find((path) => existsSync(path));
}

/** O_PATH of open(2), which Node does not name: a descriptor of a file that we may run and perhaps not read. */
const O_PATH = 0o10000000;
const OTHERS_MAY_WRITE = 0o022;

/**
 * What a ProFTPD says of itself: `-v` its version, `-V` how it was built, `-l` the modules in it. None changes anything,
 * where `-t` would remove the message queue. What is run is the very file that is judged: root's or ours, and written by nobody else.
 *
 * @param program its path, that of a running one under `/proc` among them
 * @throws Error that says why there is no answer
 */
export async function askProftpd(program: string, option: '-v' | '-V' | '-l'): Promise<string> {
  const isLinux = process.platform === 'linux';
  const descriptor = openSync(program, isLinux ? O_PATH : constants.O_RDONLY);
  try {
    const {uid, mode} = fstatSync(descriptor);
    const isSafe = (uid === 0 || uid === process.geteuid?.()) && (mode & OTHERS_MAY_WRITE) === 0;
    if (!isSafe) throw new Error('not run: others may have written it');
    // Elsewhere no name leads to a descriptor.
    const file = isLinux ? `/proc/self/fd/${INHERITED}` : program;
    const limits = {timeout: TIMEOUT_MS, bytes: MAX_BYTES};
    return await runProgram({file, argv0: program, descriptor}, [option], limits);
  } finally {
    closeSync(descriptor);
  }
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
  program: {readonly file: string; readonly argv0: string; readonly descriptor: number},
  args: readonly string[],
  limits: {readonly timeout: number; readonly bytes: number},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program.file, args, {
      argv0: program.argv0,
      stdio: ['ignore', 'pipe', 'pipe', program.descriptor],
      env: {PATH: '/usr/bin:/bin'},
      cwd: '/',
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const giveUp = (why: string) => {
      child.kill('SIGKILL');
      for (const output of [child.stdout!, child.stderr!]) output.destroy();
      reject(new Error(why));
    };
    const timer = setTimeout(() => giveUp(`no answer within ${limits.timeout} ms`), limits.timeout);
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limits.bytes) giveUp(`more than ${limits.bytes} bytes`);
      else chunks.push(chunk);
    };
    for (const output of [child.stdout!, child.stderr!]) output.on('data', take);
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
