import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {framed, quoteForShell} from '../../src/lib/fleet/script.ts';
import {whyNoProgram} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';

const env = {PATH: '/usr/bin:/bin'};
/** What is called sh on one system or another: dash, bash, zsh. */
const SHELLS = [['sh'], ['bash', '--posix'], ['zsh', '--emulate', 'sh']].filter(
  ([name]) => whyNoProgram(name!) === null,
);

/** Its input stays open until the marks of the end have come, as a connection does. */
async function connected(
  [shell, ...args]: readonly string[],
  script: string,
): Promise<{stdout: string; stderr: string}> {
  const child = spawn(shell!, args, {stdio: 'pipe', env});
  const output = {stdout: '', stderr: ''};
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      output[name] += chunk;
      if (output.stdout.includes('M end') && output.stderr.includes('M end')) child.stdin.end();
    });
  child.stdin.write(script);
  await once(child, 'close');
  return output;
}

describe.each(
  SHELLS.map((shell) => [shell.join(' '), shell] as const),
)('a command that %s reads from its standard input', (_, shell) => {
  /** Its input ends with the script. */
  const sh = (input: string) => runProcess(shell[0]!, shell.slice(1), {env, input});

  test('stands between marks with its status, whatever it prints', async () => {
    const command = {words: ['sh', '-c', 'echo out; printf err >&2; exit 7']};
    expect(await connected(shell, `exec 3<&0\n${framed(command, 'M')}`)).toEqual({
      stdout: 'M begin \nout\n\nM end 7\n',
      stderr: 'M begin \nerr\nM end \n',
    });
  });

  test('is ended with the connection', async () => {
    const {stdout} = await sh(`exec 3<&0\n${framed({words: ['sleep', '600']}, 'M')}`);
    expect(stdout).toBe('M begin \n\nM end 143\n');
  });

  test('is not run where its guard does not hold, nor where a part of it is missing', async () => {
    const script = `exec 3<&0\n${framed({words: ['echo', 'x'], guard: '[ 1 = 2 ]'}, 'M')}`;
    expect((await sh(script)).stdout).toBe('M stale\n');
    const whole = `exec 3<&0\n${framed({words: ['echo', 'x']}, 'M')}`;
    for (const length of [20, 60, 100, 200, whole.length - 3])
      expect((await sh(whole.slice(0, length))).stdout).toBe('');
  });

  test('reads what it is given, and otherwise nothing', async () => {
    const script = (input?: string) =>
      `exec 3<&0\n${framed({words: ['cat'], ...(input === undefined ? {} : {input})}, 'M')}`;
    expect((await connected(shell, script('a $x `y`'))).stdout).toBe('M begin \na $x `y`\n\nM end 0\n');
    expect((await connected(shell, script())).stdout).toBe('M begin \n\nM end 0\n');
  });

  test('any text is one word', async () => {
    const text = fc.string({unit: 'binary'}).filter((each) => each.isWellFormed() && !each.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (words) => {
        const {stdout} = await sh(`printf '%s\\0' ${words.map(quoteForShell).join(' ')}`);
        expect(stdout.split('\0').slice(0, -1)).toEqual(words.length === 0 ? [''] : words);
      }),
      {numRuns: 50},
    );
  });

  test('a NUL is refused', () => expect(() => quoteForShell('a\0b')).toThrow('NUL'));
});
