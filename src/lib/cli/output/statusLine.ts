import {onExit} from '../../transport/processes/exitCleanup.ts';
import {isWatched, printable, printError} from './output.ts';

/** Columns of a terminal that does not say. */
const COLUMNS = 80;
/** Room for the `^C` that a terminal writes behind the line; a line that wraps cannot be cleared. */
const ECHO = 3;

/** Whether a terminal can only add lines: Emacs's shell, a printer, some screen readers' consoles. */
export function isDumb(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['TERM'] === undefined || env['TERM'] === '' || env['TERM'] === 'dumb';
}

/** One line on standard error that is drawn anew while something lasts, and gone afterwards; nothing without a terminal. */
export class StatusLine {
  #drawn = '';
  #callOff: (() => void) | undefined;

  /** @param plain what a terminal that cannot redraw gets, once, as a line of its own */
  draw(text: string, plain: string, style: (text: string) => string = (text) => text): void {
    if (!isWatched()) return;
    if (!isDumb()) {
      this.#drawn = printable(text).slice(0, (process.stderr.columns || COLUMNS) - ECHO);
      process.stderr.write(`\r\x1b[K${style(this.#drawn)}`);
      this.#callOff ??= onExit(() => this.clear());
    } else if (plain !== this.#drawn) {
      this.#drawn = plain;
      printError(plain);
    }
  }

  clear(): void {
    if (this.#drawn !== '' && !isDumb()) process.stderr.write('\r\x1b[K');
    this.#drawn = '';
    this.#callOff?.();
    this.#callOff = undefined;
  }
}
