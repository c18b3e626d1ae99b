import {existsSync} from 'node:fs';
import {isatty} from 'node:tty';
import {candidateSockets} from '../../client/discovery.ts';
import {FtpdctlError} from '../../errors.ts';
import {openQuestions} from '../prompt/terminal.ts';
import {UsageError} from './usageError.ts';

/** What a control action would end, as a question; `undefined` for what ends nothing. */
function questionBefore([action, ...words]: readonly string[]): string | undefined {
  switch (action) {
    case 'shutdown':
      return 'Shut the server down, and end every session?';
    case 'restart':
      return words.length === 0 ? 'Restart the server with its configuration as it is now?' : undefined;
    case 'rmctrl':
      return isAll(words) ? 'Close the controls socket until the server is started again?' : undefined;
    case 'down':
      return isAll(words) ? 'Take every server down?' : undefined;
    default:
      return undefined;
  }
}

function isAll([first = '']: readonly string[]): boolean {
  return first.toLowerCase() === 'all';
}

/**
 * Ask a person at a terminal before an action that ends a server; with `--yes`, without a terminal, or where there is no
 * server to be ended, do not.
 * @param words the action and those after it
 * @param options those before it, in their long form
 * @param hosts other machines that it is for
 * @throws FtpdctlError when the answer is no; PromptAborted when the person leaves
 */
export async function confirmEnding(
  words: readonly string[],
  options: readonly string[],
  hosts?: string,
): Promise<void> {
  const question = questionBefore(words)?.replace(/\?$/, hosts === undefined ? '?' : ` on ${hosts}?`);
  if (question === undefined || options.includes('--yes')) return;
  if (words.at(-1) === '--yes') {
    const line = words.slice(0, -1).join(' ');
    throw new UsageError('--yes stands before the action', `ftpdctl --yes ${line}`);
  }
  const output = screenFor(options.includes('--json'));
  if (output === undefined || (hosts === undefined && !(await hasServer(options)))) return;
  if (!(await confirmAt(output, question))) throw new FtpdctlError('DECLINED', 'nothing was sent');
}

/** Whether a person would be asked. */
export function canAsk({yes, json}: {readonly yes: boolean; readonly json: boolean}): boolean {
  return !yes && screenFor(json) !== undefined;
}

/**
 * Ask a person at a terminal; with `--yes`, or without a terminal, do not.
 * @param before shows what the question is about, where it is asked
 * @returns whether to go on
 */
export async function confirmWith(
  question: string,
  {yes, json}: Parameters<typeof canAsk>[0],
  before: (output: NodeJS.WriteStream) => void,
): Promise<boolean> {
  const output = yes ? undefined : screenFor(json);
  if (output === undefined) return true;
  before(output);
  return confirmAt(output, question);
}

async function confirmAt(output: NodeJS.WriteStream, question: string): Promise<boolean> {
  const questions = await openQuestions(output);
  try {
    return await questions.confirm(question, false);
  } finally {
    questions.close();
  }
}

/** Its descriptor: to ask for `process.stdin` would open it. */
const STDIN = 0;

/** Where a person would see the question; standard output may be for a program. */
function screenFor(isForProgram: boolean): NodeJS.WriteStream | undefined {
  if (!isatty(STDIN)) return undefined;
  if (process.stdout.isTTY === true && !isForProgram) return process.stdout;
  return process.stderr.isTTY === true ? process.stderr : undefined;
}

/** Whether something stands where a request would go. */
async function hasServer(options: readonly string[]): Promise<boolean> {
  const socket = options.find((option) => option.startsWith('--socket='))?.slice('--socket='.length);
  const candidates = await candidateSockets(socket, process.env);
  return candidates.some(({path, missing}) => !missing && existsSync(path));
}
