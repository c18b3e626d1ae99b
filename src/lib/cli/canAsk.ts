import type {GlobalOptions} from './options/baseCommand.ts';

/** Whether a person is there to be asked: both ends are a terminal, and what is printed is not for a program. */
export function canAsk({quiet, json}: Pick<GlobalOptions, 'quiet' | 'json'>): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && !quiet && !json;
}
