import type {ClientEvent, ControlsClient} from '../../client/client.ts';
import type {GlobalOptions} from '../options/baseCommand.ts';
import {Waiting} from '../output/waiting.ts';

/** Ask the server something. Rejects with a `PromptAborted` when the person leaves meanwhile. */
export type Call = <T>(work: (client: ControlsClient) => Promise<T>) => Promise<T>;

/**
 * One client for a whole conversation; each wait is explained while it lasts.
 * @param signal of the person who leaves
 * @param makeClient a client that tells what it does, and stops at the signal
 */
export function callWith(
  options: GlobalOptions,
  signal: AbortSignal,
  makeClient: (onEvent: (event: ClientEvent) => void, signal: AbortSignal) => ControlsClient,
): Call {
  let waiting: Waiting | undefined;
  const client = makeClient((event) => waiting?.on(event), signal);
  return async (work) => {
    waiting = new Waiting(options);
    try {
      return await work(client);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      waiting.end();
    }
  };
}
