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
