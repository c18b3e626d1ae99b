import {constants} from 'node:os';

/**
 * What must be put right before this process ends, whichever way it goes: by itself, or by a signal that can be caught.
 */
const cleanups = new Set<() => void>();

/**
 * What ends a process that does not catch it, as far as it is sent and not raised by a fault of the process itself:
 * not SIGUSR1, which ends nothing (Node opens its debugger, `bin/run.js` takes it), and not SIGPROF, which profilers send.
 * Real-time signals have no names to catch them by.
 */
const SIGNALS = (
  [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGABRT',
    'SIGUSR2',
    'SIGALRM',
    'SIGTERM',
    'SIGSTKFLT',
    'SIGXCPU',
    'SIGVTALRM',
    'SIGIO',
    'SIGPWR',
  ] as const
).filter((signal) => signal in constants.signals);

/**
 * Have something done if the process ends before it is called off.
 * @param cleanup synchronous; must not throw
 * @returns calls it off; no signal handler stays when nothing is left to do
 */
export function onExit(cleanup: () => void): () => void {
  if (cleanups.size === 0) watch();
  cleanups.add(cleanup);
  return () => {
    if (cleanups.delete(cleanup) && cleanups.size === 0) unwatch();
  };
}

function watch(): void {
  process.on('exit', cleanUp);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unwatch(): void {
  process.off('exit', cleanUp);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function cleanUp(): void {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
  unwatch();
}

/** Clean up, then let the signal do what it would have done without us. */
function onSignal(signal: NodeJS.Signals): void {
  cleanUp();
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

/** Signals whose default is to end a process, and that somebody may well send. SIGHUP has a meaning of its own. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGALRM', 'SIGUSR2', 'SIGVTALRM', 'SIGXCPU'] as const;

/**
 * Wait for a signal that ends a server; a second one ends it the hard way, but its sockets are removed all the same.
 *
 * @param others that end it, too
 */
export function untilSignal(...others: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isEnding = false;
    const end = (signal: NodeJS.Signals, number: number) => {
      // Not by the signal's default, which runs no handler of 'exit'.
      if (isEnding) process.exit(128 + number);
      isEnding = true;
      resolve(signal);
    };
    for (const signal of new Set([...ENDING, ...others])) process.on(signal, end);
  });
}
