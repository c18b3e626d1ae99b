import {connect, type DaemonEvent} from '../../daemon/connect.ts';
import type {Daemon, Via} from '../../daemon/daemon.ts';
import {printError} from '../output/output.ts';
import {Waiting} from '../output/waiting.ts';
import type {GlobalOptions} from './globalFlags.ts';

/** Ask the daemon something. Rejects with the reason of the signal when it is aborted meanwhile. */
export type Ask = <T>(work: (daemon: Daemon) => Promise<T>) => Promise<T>;

/**
 * A connection as the global options want it: with `-v` each step is said, and at a terminal a wait is explained while
 * it lasts.
 */
export function askWith(
  options: GlobalOptions & {readonly via?: Via | undefined},
  signal?: AbortSignal,
): Ask {
  let waiting: Waiting | undefined;
  const {socket, timeout, verbose, via} = options;
  const daemon = connect({
    ...(signal === undefined ? {} : {signal}),
    ...(socket === undefined ? {} : {socket}),
    ...(timeout === undefined ? {} : {timeout}),
    ...(via === undefined ? {} : {via}),
    onEvent: (event) => {
      if (verbose) printError(describe(event));
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
    case 'sending':
      return `sending '${event.action}' control request (${event.dialects.join(' and ')} dialect)`;
    case 'way':
      return event.via === 'direct'
        ? 'delivering directly to the sessions'
        : `sending by the controls socket${event.why === undefined ? '' : `: ${event.why}`}`;
    case 'retrying':
      return `${event.reason}: trying again`;
    case 'answered':
      return `received response status: ${event.status} (${event.dialect} dialect)`;
  }
}
