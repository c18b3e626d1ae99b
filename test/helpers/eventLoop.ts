import {performance} from 'node:perf_hooks';
import {setTimeout as sleep} from 'node:timers/promises';

/** How long the event loop must have had nothing to do: milliseconds. */
const REST_MS = 30;

/**
 * Resolves once the event loop has rested: waited for REST_MS in one go, with nothing to wake it. One that spins never
 * does, whatever else the machine is busy with; one that is only late does so in the end. The test's deadline ends the wait.
 */
export async function eventLoopRests(): Promise<void> {
  // Node 20.18 and later; the types do not have it yet.
  const timing = performance.nodeTiming as unknown as {uvMetricsInfo?: {loopCount: number}};
  const turns = () => timing.uvMetricsInfo?.loopCount ?? 0;
  for (;;) {
    const [before, begin] = [turns(), performance.eventLoopUtilization()];
    await sleep(REST_MS);
    const {idle} = performance.eventLoopUtilization(begin);
    // The turn that begins the wait, and the one that ends it.
    if (turns() - before <= 2 && idle >= REST_MS / 2) return;
  }
}
