import {reasonOf} from '../../text/reason.ts';
import {printable, printableJson} from './printable.ts';

/** The name every line begins with, as the stock client's lines do. */
export const PREFIX = 'ftpdctl: ';

/** `EX_IOERR` of `sysexits.h`: what was to be printed is lost. */
const EXIT_IOERR = 74;

/** See to what cannot be printed: a success that nobody could read is none. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has gone (`| head`) is no fault of ours.
    if (error.code !== 'EPIPE') {
      printError(`cannot write to standard output: ${reasonOf(error)}`);
      process.exitCode ||= EXIT_IOERR;
    }
    process.exit();
  });
  // There is nowhere left to complain.
  process.stderr.on('error', () => {});
}

/** One line on standard output, made safe for a terminal. */
export function printLine(text: string): void {
  process.stdout.write(`${PREFIX}${printable(text)}\n`);
}

/** One line on standard error. */
export function printError(text: string): void {
  process.stderr.write(`${PREFIX}${printable(text)}\n`);
}

/** The one JSON object of `--json`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, undefined, 2))}\n`);
}

/** Whether a person watches standard error, so that a wait may be explained there. */
export function isWatched(): boolean {
  return process.stderr.isTTY === true;
}
