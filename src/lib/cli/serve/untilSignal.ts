/** Wait for the signal that ends a server; a second one ends it the hard way. */
export function untilSignal(...signals: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const end = (signal: NodeJS.Signals) => {
      for (const each of signals) process.off(each, end);
      resolve(signal);
    };
    for (const signal of signals) process.on(signal, end);
  });
}
