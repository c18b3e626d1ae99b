import {isatty} from 'node:tty';
import {reasonOf} from '../../errors.ts';
import {CONTROLS, escapeControls, escapeJsonControls} from '../../text.ts';

/** The name every line begins with, as the stock client's lines do. */
const PREFIX = 'ftpdctl: ';

/** `EX_IOERR` of `sysexits.h`: what was to be printed is lost. */
const EXIT_IOERR = 74;

/** The descriptor. */
const STDERR = 2;

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
}

/** One line on standard output, made safe for a terminal. */
export function printLine(text: string): void {
  process.stdout.write(`${PREFIX}${printable(text)}\n`);
}

/** Standard error, opened when it is first needed: most runs have nothing to say there. */
export function errorOutput(): NodeJS.WriteStream {
  // There is nowhere left to complain.
  if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => {});
  return process.stderr;
}

/** One line on standard error. */
export function printError(text: string): void {
  errorOutput().write(`${PREFIX}${printable(text)}\n`);
}

/** The one JSON object of `--json`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, undefined, 2))}\n`);
}

/** Whether a person watches standard error, so that a wait may be explained there. */
export function isWatched(): boolean {
  return isatty(STDERR);
}

/** A text that does nothing to a terminal but stand there: `\x1b` for an escape, `\u202e` for an override. */
export function printable(text: string): string {
  return escapeControls(text, CONTROLS.terminal);
}

/** JSON text that does nothing to a terminal: JSON itself escapes C0 alone. */
export function printableJson(json: string): string {
  return escapeJsonControls(json, CONTROLS.terminal);
}
