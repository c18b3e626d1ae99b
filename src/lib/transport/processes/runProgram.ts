import {spawn} from 'node:child_process';

/** What a program wrote to its standard output and its standard error, together. */
export interface ProgramOutput {
  readonly exitCode: number;
  readonly text: string;
}

/**
 * Runs a program that is asked for information, with an environment and an input that are empty.
 *
 * @param limits milliseconds and bytes: past either, it is killed
 * @throws Error that says why there is no answer
 */
export function runProgram(
  file: string,
  args: readonly string[],
  limits: {readonly timeout: number; readonly bytes: number},
): Promise<ProgramOutput> {
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
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({exitCode: code ?? 1, text: Buffer.concat(chunks).toString()});
    });
  });
}
