import {setTimeout as sleep} from 'node:timers/promises';
import {success} from '../controlResult.ts';
import {serverNames} from '../virtualServers.ts';
import type {Action, ServerView} from './action.ts';

/** Between two looks at the sessions that are left: milliseconds. */
const LOOK_AGAIN_MS = 50;

/**
 * `shutdown [graceful [SECONDS]]`. As in mod_ctrls_admin (measured on 1.3.8) the answer comes when the sessions have
 * ended or the time is over, every other word is passed over, and without a number above 0 there is no end to the time.
 * Unlike ProFTPD, which answers nobody meanwhile, this server goes on serving.
 */
export const shutdown: Action = {
  name: 'shutdown',
  module: 'mod_ctrls_admin.c',
  description: 'shutdown the daemon',
  permission: 'shutdown',
  async run({args, release}, server) {
    const [how, seconds = '', ...more] = args;
    if (how === 'graceful') {
      release();
      const limit = more.length === 0 ? Number.parseInt(seconds, 10) : 0;
      await sessionsEnded(server, limit > 0 ? limit * 1000 : Number.POSITIVE_INFINITY);
    }
    server.shutdown.request();
    return success(['shutting down']);
  },
};

/** Resolves when no session is left, the time is over, or the server ends for another reason. */
async function sessionsEnded(server: ServerView, timeout: number): Promise<void> {
  const {down, messages, shutdown: ending} = server;
  down.add(...(await serverNames(server.settings, server.hosts)));
  await messages.answered();
  const end = performance.now() + timeout;
  while (messages.sessions().length > 0 && performance.now() < end && !ending.signal.aborted) {
    await sleep(Math.min(LOOK_AGAIN_MS, end - performance.now()), undefined, {signal: ending.signal}).catch(
      () => {},
    );
  }
}
