import {isatty} from 'node:tty';

/** A signal that takes a drain back. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
  }
}

/** Standard input, output and error. */
const DESCRIPTORS = [0, 1, 2] as const;

/**
 * Have signals stop what goes on. SIGHUP says that the terminal is gone: who has none, as under nohup(1), goes on. (Node
 * itself undoes what nohup does with the signal.)
 * @returns lets them go
 */
export function catchSignals(stop: AbortController): () => void {
  const abort = (signal: NodeJS.Signals) => stop.abort(new Interrupted(signal));
  const onHangup = DESCRIPTORS.some((descriptor) => isatty(descriptor)) ? abort : () => {};
  const listeners = [
    ['SIGINT', abort],
    ['SIGTERM', abort],
    ['SIGHUP', onHangup],
  ] as const;
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
