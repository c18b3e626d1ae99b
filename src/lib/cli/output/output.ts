import {fstatSync, readFileSync, readlinkSync, type Stats, statSync, writeSync} from 'node:fs';
import {isatty} from 'node:tty';
import {reasonOf} from '../../errors.ts';
import {CONTROLS, escapeControls, escapeJsonControls} from '../../text.ts';

/** The name every line begins with, as the stock client's lines do. */
const PREFIX = 'ftpdctl: ';

/** `EX_IOERR` of `sysexits.h`: what was to be printed is lost. */
const EXIT_IOERR = 74;

/** Descriptors. */
const STDOUT = 1;
const STDERR = 2;

/** Whether nobody can read what is printed; asked once. */
let closed: boolean | undefined;

/**
 * See to what cannot be printed: a success that nobody could read is none. Node's stream, which libraries write to, is
 * opened when it is first used: for a pipe it loads `node:net`, which takes longer than most requests.
 */
export function watchOutput(): void {
  const open = Object.getOwnPropertyDescriptor(process, 'stdout')!.get!;
  const shape = {configurable: true, enumerable: true};
  const openWatched = (): NodeJS.WriteStream => {
    const stream: NodeJS.WriteStream = open.call(process);
    stream.on('error', loseOutput);
    closed ??= isClosed();
    if (closed) stream.write = failToWrite;
    Object.defineProperty(process, 'stdout', {...shape, value: stream});
    return stream;
  };
  Object.defineProperty(process, 'stdout', {...shape, get: openWatched});
}

/** What goes on must come to its end, whether anybody reads of it or not. */
let isOutlived = false;
/** Nobody has read the last lines, nor will anybody read more. */
let isLost = false;

/** From now on a standard output that is gone, or full, ends nothing. @returns lets it end the program again */
export function outliveOutput(): () => void {
  isOutlived = true;
  return () => {
    isOutlived = false;
  };
}

function loseOutput(error: NodeJS.ErrnoException): void {
  isLost = true;
  if (isOutlived) return;
  // A reader that has gone (`| head`) is no fault of ours.
  if (error.code !== 'EPIPE') {
    printError(`cannot write to standard output: ${reasonOf(error)}`);
    process.exitCode ||= EXIT_IOERR;
  }
  process.exit();
}

function failToWrite(): boolean {
  process.nextTick(loseOutput, new Error('it is closed'));
  return false;
}

/** On standard output, as it is, and at once: nothing more is written when this returns. */
function writeOutput(text: string): void {
  closed ??= isClosed();
  if (isLost && isOutlived) return;
  if (closed) return void failToWrite();
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(STDOUT, bytes, written);
  } catch (error) {
    // Who made the pipe does not want to wait for its reader: Node's stream can.
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') process.stdout.write(bytes.subarray(written));
    else process.nextTick(loseOutput, error);
  }
}

const SHELLS = /^(?:ba|da|z|fi|k|mk|tc|a)?sh\n$|^busybox\n$/;
/** Of the flags of a descriptor: opened for reading and writing (`O_RDWR`). */
const ACCESS_MODE = 0o3;
const READ_WRITE = 0o2;

/**
 * Whether a shell has closed standard output (`>&-`). Node puts /dev/null in its place, opened for reading, too; which a
 * shell does for nobody, and which other programs do on purpose.
 */
function isClosed(): boolean {
  try {
    if (!isNullDevice(fstatSync(STDOUT))) return false;
    const shell = `/proc/${process.ppid}`;
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${STDOUT}`, 'latin1'))?.[1] ?? '0';
    return (
      (Number.parseInt(flags, 8) & ACCESS_MODE) === READ_WRITE &&
      SHELLS.test(readFileSync(`${shell}/comm`, 'latin1')) &&
      targetOf(shell) !== '/dev/null'
    );
  } catch {
    return false;
  }
}

function isNullDevice({rdev}: Stats): boolean {
  return rdev !== 0 && rdev === statSync('/dev/null').rdev;
}

/** Where the standard output of a process goes; `undefined` where it has none. */
function targetOf(process: string): string | undefined {
  try {
    return readlinkSync(`${process}/fd/${STDOUT}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One line on standard output, made safe for a terminal. */
export function printLine(text: string): void {
  writeOutput(`${PREFIX}${printable(text)}\n`);
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
  writeOutput(`${printableJson(JSON.stringify(value, undefined, 2))}\n`);
}

/** Whether a person watches standard error, so that a wait may be explained there. */
export function isWatched(): boolean {
  return isTerminal(STDERR);
}

/** Node's own `isatty` loads `node:net`: it is asked of what may be a terminal. */
function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && !isNullDevice(stat) && isatty(fd);
  } catch {
    return false;
  }
}

/** A text that does nothing to a terminal but stand there: `\x1b` for an escape, `\u202e` for an override. */
export function printable(text: string): string {
  return escapeControls(text, CONTROLS.terminal);
}

/** JSON text that does nothing to a terminal: JSON itself escapes C0 alone. */
export function printableJson(json: string): string {
  return escapeJsonControls(json, CONTROLS.terminal);
}
