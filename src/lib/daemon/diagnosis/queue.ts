import {existsSync} from 'node:fs';
import {posix} from 'node:path';
import type {Settings} from '../../config/settings.ts';
import type {QueueFacts, ScoreboardFacts} from '../../diagnosis/facts.ts';
import {FtpdctlError} from '../../errors.ts';
import {ifKnown, type ProftpdDaemon} from '../../proftpd/daemon.ts';
import {findLeftovers} from '../../proftpd/delivery/deliveryQueue.ts';
import {guardQueue} from '../../proftpd/delivery/queueGuard.ts';
import {messageQueueKey} from '../../proftpd/find/openFiles.ts';
import {sessionsOf} from '../../proftpd/sessions/list.ts';
import {SystemCallError} from '../../transport/libc.ts';
import {sharesNamespace} from '../../transport/processes/proc.ts';
import {SystemVQueue, systemVQueues} from '../../transport/systemV.ts';
import {showsMessages} from '../direct.ts';
import {statOf} from './configuration.ts';

export async function queueFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
  signal: AbortSignal | undefined,
): Promise<QueueFacts> {
  const path = settings?.message.queue.value ?? (daemon && ifKnown(daemon.queue)?.path);
  if (path == null) {
    if (settings !== undefined) return {kind: 'unset'};
    return daemon?.queue.known === false ? {kind: 'unknown', why: daemon.queue.why} : {kind: 'none'};
  }
  const directory = posix.dirname(path);
  if (!existsSync(path) && !existsSync(directory)) return {kind: 'no directory', path, directory};
  if (daemon === undefined) return {kind: 'none'};
  if (sharesNamespace(daemon.pid, 'ipc') === false)
    return {kind: 'elsewhere', prefix: `nsenter -t ${daemon.pid} -i`};
  const stat = statOf(path);
  const key = stat && messageQueueKey(stat);
  const row = systemVQueues().find((each) => each.key === key);
  if (key === undefined || row === undefined) return {kind: 'missing', path};
  if (row.creatorUid !== 0 && row.creatorUid !== process.geteuid?.()) {
    return {kind: 'foreign', path, uid: row.creatorUid, key: `0x${(key >>> 0).toString(16)}`};
  }
  try {
    return await filling(daemon.pid, path, key, signal);
  } catch (error) {
    // It may be removed in between, or its layout may not be known here.
    if (!(error instanceof FtpdctlError || error instanceof SystemCallError)) throw error;
    return {kind: 'unknown', why: error.message};
  }
}

async function filling(
  daemon: number,
  path: string,
  key: number,
  signal: AbortSignal | undefined,
): Promise<QueueFacts> {
  const queue = SystemVQueue.open(key);
  if (queue === undefined) return {kind: 'missing', path};
  const {bytes, capacity, messages} = queue.status();
  const dead = findLeftovers(daemon, queue).filter(({kind}) => kind === 'dead');
  const {kind} = await guardQueue(daemon, queue, 1, SHORT_TEXT_BYTES, signal);
  const leftovers = dead.reduce((sum, {texts}) => sum + texts.length, 0);
  return {kind: 'there', path, bytes, capacity, messages, leftovers, isFull: kind === 'refuse'};
}

/** A line on a terminal. */
const SHORT_TEXT_BYTES = 80;

export function scoreboardFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
): ScoreboardFacts {
  const wanted = settings?.scoreboardFile;
  if (wanted?.at && (wanted.value === null || wanted.value === '/dev/null')) return {kind: 'off'};
  if (daemon === undefined) return {kind: 'none'};
  try {
    const sessions = sessionsOf(daemon);
    const shown = sessions.filter(({protocol}) => showsMessages(protocol)).length;
    const path = ifKnown(daemon.scoreboard)?.path ?? '';
    return {kind: 'read', path, sessions: shown, others: sessions.length - shown};
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    return {kind: 'unreadable', why: error.message};
  }
}
