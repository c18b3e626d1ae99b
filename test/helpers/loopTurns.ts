import {performance} from 'node:perf_hooks';
import {setTimeout as sleep} from 'node:timers/promises';

/**
 * How often the event loop turns in `milliseconds`: a few times when idle, thousands of times when it spins. A machine
 * that is busy lets more time pass, which is reckoned out.
 */
export async function loopTurns(milliseconds: number): Promise<number> {
  // Node 20.18 and later; the types do not have it yet.
  const timing = performance.nodeTiming as unknown as {uvMetricsInfo?: {loopCount: number}};
  const before = timing.uvMetricsInfo?.loopCount ?? 0;
  const started = performance.now();
  await sleep(milliseconds);
  const turns = (timing.uvMetricsInfo?.loopCount ?? 0) - before;
  return turns * (milliseconds / (performance.now() - started));
}
