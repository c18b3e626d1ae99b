import {type ConnectOptions, connect, type DaemonEvent} from '../../daemon/connect.ts';
import type {Daemon, Via} from '../../daemon/daemon.ts';
import {countOf} from '../../text.ts';
import {isWatched, printError} from '../output/output.ts';
import {StatusLine} from '../output/terminal.ts';
import type {GlobalOptions} from './flags.ts';

/** Ask the daemon something. Rejects with the reason of the signal when it is aborted meanwhile. */
export type Ask = <T>(work: (daemon: Daemon) => Promise<T>) => Promise<T>;

/** Milliseconds that the event loop may stand still: `ftpdctl serve` has mostly answered by then, and nothing else waits. */
const BLOCK_MS = 10;

/**
 * A connection as the global options want it: with `-v` each step is said, and at a terminal a wait is explained while
 * it lasts.
 */
export function askWith(
  options: GlobalOptions & Pick<ConnectOptions, 'isLasting'> & {readonly via?: Via | undefined},
  signal?: AbortSignal,
): Ask {
  let waiting: Waiting | undefined;
  const {socket, timeout, verbose, via, isLasting = false} = options;
  const daemon = connect({
    block: BLOCK_MS,
    isLasting,
    ...(signal === undefined ? {} : {signal}),
    ...(socket === undefined ? {} : {socket}),
    ...(timeout === undefined ? {} : {timeout}),
    ...(via === undefined ? {} : {via}),
    onEvent: (event) => {
      if (verbose || event.kind === 'interrupted') printError(describe(event));
      waiting?.on(event);
    },
  });
  return async (work) => {
    waiting = new Waiting(options);
    try {
      return await work(daemon);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      waiting.end();
    }
  };
}

function describe(event: DaemonEvent): string {
  switch (event.kind) {
    case 'contacting':
      return `contacting server using '${event.socket}'`;
    case 'unreachable':
      return `cannot reach it: ${event.reason}`;
    case 'sending':
      return `sending '${event.action}' control request (${event.dialects.join(' and ')} dialect)`;
    case 'way':
      return event.via === 'direct'
        ? 'delivering directly to the sessions'
        : `sending by the controls socket${event.why === undefined ? '' : `: ${event.why}`}`;
    case 'leftovers': {
      const count = `${countOf(event.messages, 'message')} for ${countOf(event.processes, 'session')} that ended before`;
      return event.removed
        ? `removed from the queue: ${count}`
        : `on the queue there are ${count}; one that goes directly removes them`;
    }
    case 'interrupted':
      return `interrupted: taken by ${event.taken} of ${countOf(event.recipients, 'session')}, withdrawn from the others`;
    case 'retrying':
      return `${event.reason}: trying again`;
    case 'answered':
      return `received response status: ${event.status} (${event.dialect} dialect)`;
  }
}

/** Why it takes its time, for a wide terminal and for narrower ones. */
const POLLING = [
  ': the server looks at its socket every ControlsInterval seconds, by default 10',
  ': the server polls every 10 s or so (ControlsInterval)',
  ' for the server to poll',
  '',
];

/** Milliseconds before a wait needs explaining. */
const EXPLAIN_AFTER_MS = 400;
/** Milliseconds between two looks at the clock. */
const TICK = 1000;

/** One line on a terminal's standard error while the server has not answered; gone when it has. */
class Waiting {
  readonly #shown: boolean;
  readonly #line = new StatusLine();
  #reasons: readonly string[] = POLLING;
  #started = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Pick<GlobalOptions, 'quiet' | 'json' | 'verbose'>) {
    this.#shown = isWatched() && !options.quiet && !options.json && !options.verbose;
  }

  on(event: DaemonEvent): void {
    if (!this.#shown) return;
    if (event.kind === 'retrying') this.#reasons = [`: ${event.reason}`];
    if (event.kind === 'answered') this.end();
    if (this.#timer || (event.kind !== 'sending' && event.kind !== 'retrying')) return;
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
    this.#line.draw(
      this.#reasons.map((reason) => `waiting ${seconds} s${reason}`),
      `waiting${this.#reasons[0]}`,
    );
    this.#timer = setTimeout(() => this.#tick(), TICK);
  }
}
