import {setTimeout as sleep} from 'node:timers/promises';
import type {ChalkInstance} from 'chalk';
import {onExit} from '../../transport/processes/exitCleanup.ts';
import {errorOutput, isWatched, printable, printError} from './output.ts';

/**
 * Whether a stream may be written to in colour: on a terminal that knows colours, or where FORCE_COLOR asks for it;
 * never where NO_COLOR is set and not empty (no-color.org).
 */
export function isColourful(
  stream: {readonly isTTY?: boolean},
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== undefined && env['TERM'] !== 'dumb';
}

/** chalk for a stream: it colours what may be coloured, in the 16 colours that every terminal has. */
export async function chalkFor(stream: {readonly isTTY?: boolean}): Promise<ChalkInstance> {
  const {Chalk} = await import('chalk');
  return new Chalk({level: isColourful(stream) ? 1 : 0});
}

/** The size of a terminal that does not say. */
const ROWS = 24;
const COLUMNS = 80;
/** Room for the `^C` that a terminal writes behind the line; a line that wraps cannot be cleared. */
const ECHO = 3;

/** Whether a terminal can only add lines: Emacs's shell, a printer, some screen readers' consoles. */
export function isDumb(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['TERM'] === undefined || env['TERM'] === '' || env['TERM'] === 'dumb';
}

/** As much of a text as fits, with an ellipsis in place of the rest. */
export function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1)).trimEnd()}…`;
}

/** The first of these texts, which get shorter, that fits; else the last one, cut. */
function longestFitting(texts: readonly string[], columns: number): string {
  return texts.find(({length}) => length <= columns) ?? cut(texts.at(-1) ?? '', columns);
}

/** Lines that fit, broken between words; a word that does not fit is broken. */
export function wrapWords(text: string, columns: number): string[] {
  const fits = new RegExp(`(?!\\s)(?:.{1,${columns}}(?=\\s|$)|.{1,${columns}})`, 'gu');
  return text.match(fits)?.map((line) => line.trimEnd()) ?? [];
}

/** One line on standard error that is drawn anew while something lasts, and gone afterwards; nothing without a terminal. */
export class StatusLine {
  #drawn = '';
  #callOff: (() => void) | undefined;

  /**
   * @param texts the longest that fits is shown; what fits of the last if none does
   * @param plain what a terminal that cannot redraw gets, once, as a line of its own
   */
  draw(
    texts: string | readonly string[],
    plain: string,
    style: (text: string) => string = (text) => text,
  ): void {
    if (!isWatched()) return;
    if (!isDumb()) {
      this.#drawn = longestFitting([texts].flat().map(printable), (errorOutput().columns || COLUMNS) - ECHO);
      errorOutput().write(`\r\x1b[K${style(this.#drawn)}`);
      this.#callOff ??= onExit(() => this.clear());
    } else if (plain !== this.#drawn) {
      this.#drawn = plain;
      printError(plain);
    }
  }

  clear(): void {
    if (this.#drawn !== '' && !isDumb()) errorOutput().write('\r\x1b[K');
    this.#drawn = '';
    this.#callOff?.();
    this.#callOff = undefined;
  }
}

/** xterm's "alternate screen", which every terminal emulator has: what stood before comes back when it is left. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * Draw a text again and again in the same place, until the signal is aborted; then the screen is as it was.
 * @param frame the text as it is now, its lines as wide as they like
 * @param interval milliseconds between two frames
 */
export async function watch(
  frame: () => Promise<string>,
  interval: number,
  signal: AbortSignal,
  screen: Pick<NodeJS.WriteStream, 'write' | 'rows' | 'columns'> = process.stdout,
): Promise<void> {
  const leave = () => void screen.write(LEAVE);
  // The first frame may fail: then there is nothing to leave.
  let text = await frame();
  const draw = () => void screen.write(drawn(text, screen.rows || ROWS, screen.columns || COLUMNS));
  screen.write(ENTER);
  const callOff = onExit(leave);
  const callOffStop = onStop(leave, () => {
    screen.write(ENTER);
    draw();
  });
  try {
    while (!signal.aborted) {
      draw();
      await sleep(interval, undefined, {signal}).catch(() => {});
      if (!signal.aborted) text = await frame();
    }
  } finally {
    callOffStop();
    callOff();
    leave();
  }
}

/**
 * Have something done before Ctrl-Z stops this process, and when it goes on.
 * @returns calls it off
 */
function onStop(before: () => void, after: () => void): () => void {
  const stop = () => {
    before();
    process.off('SIGTSTP', stop);
    // Comes back when it goes on; or at once, where no shell could have it go on, and the kernel stops nothing.
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', stop);
    after();
  };
  process.on('SIGTSTP', stop);
  return () => void process.off('SIGTSTP', stop);
}

/** As much as the screen holds: the last line says how many more there are. */
function drawn(text: string, rows: number, columns: number): string {
  const lines = text.split('\n');
  const shown =
    lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `(${lines.length - rows + 1} more)`];
  return HOME + shown.map((line) => line.slice(0, columns) + CLEAR_LINE).join('\r\n') + CLEAR_BELOW;
}
