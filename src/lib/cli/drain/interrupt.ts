import {readFileSync} from 'node:fs';
import {constants} from 'node:os';

/** A signal that takes a drain back. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @returns lets them go */
export function catchSignals(stop: AbortController): () => void {
  const abort = (signal: NodeJS.Signals) => stop.abort(new Interrupted(signal));
  // nohup(1) has it ignored, for a drain that outlives its terminal.
  const caught = SIGNALS.filter((signal) => !isIgnored(signal));
  for (const signal of caught) process.on(signal, abort);
  return () => {
    for (const signal of caught) process.off(signal, abort);
  };
}

function isIgnored(signal: NodeJS.Signals): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << BigInt(constants.signals[signal] - 1))) !== 0n;
}
