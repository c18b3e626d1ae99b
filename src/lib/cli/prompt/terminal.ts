import {isatty} from 'node:tty';
import type {GlobalOptions} from '../options/flags.ts';
import {isDumb} from '../output/terminal.ts';
import type {Questions} from './questions.ts';

/** The questions that suit the terminal. @param output where they are asked */
export async function openQuestions(output: NodeJS.WriteStream = process.stdout): Promise<Questions> {
  if (isDumb()) return (await import('./plainQuestions.ts')).plainQuestions(output);
  return (await import('./terminalQuestions.ts')).terminalQuestions(output);
}

/** Descriptors: to ask for `process.stdin` would open it. */
const STDIN = 0;
const STDOUT = 1;

/** Whether a person is there to be asked: both ends are a terminal, and what is printed is not for a program. */
export function canAsk({quiet, json}: Pick<GlobalOptions, 'quiet' | 'json'>): boolean {
  return !quiet && !json && isatty(STDIN) && isatty(STDOUT);
}
