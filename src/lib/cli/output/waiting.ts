import type {DaemonEvent} from '../../daemon/connect.ts';
import type {GlobalOptions} from '../options/globalFlags.ts';
import {isWatched} from './output.ts';
import {StatusLine} from './statusLine.ts';

/** Milliseconds before a wait needs explaining. */
const EXPLAIN_AFTER_MS = 400;
/** Milliseconds between two looks at the clock. */
const TICK = 1000;

/** One line on a terminal's standard error while the server has not answered; gone when it has. */
export class Waiting {
  readonly #shown: boolean;
  readonly #line = new StatusLine();
  #reason = 'the server looks at its socket every ControlsInterval seconds, by default 10';
  #started = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Pick<GlobalOptions, 'quiet' | 'json' | 'verbose'>) {
    this.#shown = isWatched() && !options.quiet && !options.json && !options.verbose;
  }

  on(event: DaemonEvent): void {
    if (!this.#shown) return;
    if (event.kind === 'retrying') this.#reason = event.reason;
    if (event.kind === 'answered') this.end();
    if (event.kind !== 'sending' || this.#timer) return;
    this.#started = performance.now();
    this.#timer = setTimeout(() => this.#tick(), EXPLAIN_AFTER_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#line.clear();
  }

  #tick(): void {
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    this.#line.draw(`waiting ${seconds} s: ${this.#reason}`, `waiting: ${this.#reason}`);
    this.#timer = setTimeout(() => this.#tick(), TICK);
  }
}
