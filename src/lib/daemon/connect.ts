import {ControlsClient, type ControlsClientOptions} from '../client/client.ts';
import {ControlsDaemon} from './controls.ts';
import type {Daemon} from './daemon.ts';

/**
 * The daemon that a request would go to. Nothing is asked yet: every method of it may throw a `ClientError` when no
 * server answers.
 *
 * ```ts
 * const daemon = connect({socket: '/run/proftpd.sock'});
 * const {answer, recipients} = await daemon.message({audience: ['all'], text: 'going down at 18:00'});
 * ```
 */
export function connect(options: ControlsClientOptions = {}): Daemon {
  return new ControlsDaemon(
    (timeout) => new ControlsClient(timeout === undefined ? options : {...options, timeout}),
  );
}
