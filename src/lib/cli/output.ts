import {printable} from './printable.ts';

/** The name every line begins with, as the stock client's lines do. */
export const PREFIX = 'ftpdctl: ';

/** One line on standard output, made safe for a terminal. */
export function printLine(text: string): void {
  process.stdout.write(`${PREFIX}${printable(text)}\n`);
}

/** One line on standard error. */
export function noteLine(text: string): void {
  process.stderr.write(`${PREFIX}${printable(text)}\n`);
}

/** The one JSON object of `--json`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Whether a person watches standard error, so that a wait may be explained there. */
export function isWatched(): boolean {
  return process.stderr.isTTY === true;
}
