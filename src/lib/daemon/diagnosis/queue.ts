import {existsSync, statSync} from 'node:fs';
import {posix} from 'node:path';
import type {Settings} from '../../config/settings.ts';
import type {ProgramFacts, QueueFacts, ScoreboardFacts} from '../../diagnosis/facts.ts';
import {FtpdctlError, reasonOf} from '../../errors.ts';
import {ifKnown, type ProftpdDaemon} from '../../proftpd/daemon.ts';
import {findLeftovers} from '../../proftpd/delivery/deliveryQueue.ts';
import {guardQueue} from '../../proftpd/delivery/queueGuard.ts';
import {isMessageQueue, messageQueueKey} from '../../proftpd/find/openFiles.ts';
import {sessionsOf} from '../../proftpd/sessions/list.ts';
import {checkScoreboard} from '../../proftpd/sessions/scoreboardFile.ts';
import {ScoreboardError} from '../../scoreboard/layout.ts';
import {SystemCallError} from '../../transport/libc.ts';
import {descriptorPath, executableOf, sharesNamespace} from '../../transport/processes/proc.ts';
import {SystemVQueue, systemVQueues} from '../../transport/systemV.ts';
import {showsMessages} from '../direct.ts';

export async function queueFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
  signal: AbortSignal | undefined,
): Promise<QueueFacts> {
  const known = daemon && ifKnown(daemon.queue);
  // What the daemon has open is its queue, whatever has the name by now.
  if (daemon !== undefined && known) {
    const path = known.path ?? settings?.message.queue.value ?? 'nobody knows which file';
    return queueAt(daemon.pid, path, known.key, signal);
  }
  const path = settings?.message.queue.value;
  if (path == null) {
    if (settings !== undefined) return {kind: 'unset'};
    return daemon?.queue.known === false ? {kind: 'unknown', why: daemon.queue.why} : {kind: 'none'};
  }
  const directory = posix.dirname(path);
  if (!existsSync(path) && !existsSync(directory)) return {kind: 'no directory', path, directory};
  if (daemon === undefined) return {kind: 'none'};
  if (sharesNamespace(daemon.pid, 'ipc') === false)
    return {kind: 'elsewhere', prefix: `nsenter -t ${daemon.pid} -i`};
  const key = keyOf(path);
  if (typeof key === 'object') return {kind: 'unknown', why: `${path}: ${key.why}`};
  const rows = systemVQueues();
  const row = rows.find((each) => each.key === key);
  if (key === undefined || row === undefined) {
    // To others than root the queue of another file may be the one that the daemon still has.
    const isSure = executableOf(daemon.pid) !== undefined || !rows.some((each) => isMessageQueue(each.key));
    return {kind: 'missing', path, isSure};
  }
  if (row.creatorUid !== 0 && row.creatorUid !== process.geteuid?.()) {
    return {kind: 'foreign', path, uid: row.creatorUid, key: `0x${(key >>> 0).toString(16)}`};
  }
  return queueAt(daemon.pid, path, key, signal);
}

/** The key of the queue that a file names; `undefined`: there is no such file. */
function keyOf(path: string): number | undefined | {readonly why: string} {
  try {
    return messageQueueKey(statSync(path));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : {why: reasonOf(error)};
  }
}

async function queueAt(
  daemon: number,
  path: string,
  key: number,
  signal: AbortSignal | undefined,
): Promise<QueueFacts> {
  try {
    return await filling(daemon, path, key, signal);
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
  if (queue === undefined) return {kind: 'missing', path, isSure: true};
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
  program: ProgramFacts | null,
): ScoreboardFacts {
  const wanted = settings?.scoreboardFile;
  if (wanted?.at && (wanted.value === null || wanted.value === '/dev/null')) return {kind: 'off'};
  if (daemon === undefined) return {kind: 'none'};
  const lost = lostScoreboard(daemon, wanted?.value ?? (settings && program?.scoreboard) ?? undefined);
  if (lost !== undefined) return lost;
  try {
    const sessions = sessionsOf(daemon);
    const shown = sessions.filter(({protocol}) => showsMessages(protocol)).length;
    const path = ifKnown(daemon.scoreboard)?.path ?? '';
    return {kind: 'read', path, sessions: shown, others: sessions.length - shown};
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    const path = ifKnown(daemon.scoreboard)?.path;
    // The daemon would not understand it either.
    if (error instanceof ScoreboardError && path !== undefined)
      return {kind: 'lost', path, why: error.message, isSure: true};
    return {kind: 'unreadable', why: error.message};
  }
}

/**
 * Sessions that begin after its file was removed are written to a new one, which the daemon does not look at: it answers
 * "no such client connected" (measured on 1.3.8).
 * @param wanted the path that its configuration names
 */
function lostScoreboard(
  {pid, scoreboard}: ProftpdDaemon,
  wanted: string | undefined,
): Extract<ScoreboardFacts, {kind: 'lost'}> | undefined {
  const known = ifKnown(scoreboard);
  if (known === null || known?.fd === null) return undefined;
  const path = known?.path ?? wanted;
  if (path === undefined) return undefined;
  const isSure = known !== undefined;
  try {
    const there = statSync(isSure ? `/proc/${pid}/root${path}` : path);
    const open = known && statSync(descriptorPath(pid, known.fd));
    if (open === undefined) {
      const check = checkScoreboard(path, pid);
      return check.kind === 'no' && there.isFile() ? {kind: 'lost', path, why: check.why, isSure} : undefined;
    }
    if (open.ino === there.ino && open.dev === there.dev) return undefined;
    return {kind: 'lost', path, why: 'it is another file now', isSure};
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isGone ? {kind: 'lost', path, why: 'it is not there any more', isSure} : undefined;
  }
}
