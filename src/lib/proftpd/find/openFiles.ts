import {descriptorPath, listeningSockets, type OpenFile, openFiles} from '../../transport/processes/proc.ts';
import {fileKeyOf, systemVQueues} from '../../transport/systemV.ts';
import type {Known, MessageQueue, ScoreboardFile} from '../daemon.ts';
import {checkScoreboard} from '../sessions/scoreboardFile.ts';
import {isTrusted} from './candidates.ts';

/** The project id that mod_msg gives to ftok(3). */
const MESSAGE_PROJECT = 246;

/** What a daemon has open. */
export interface OpenFacts {
  readonly scoreboard: ScoreboardFile | null;
  /** More than one only if a key is there twice by chance. */
  readonly queues: readonly MessageQueue[];
  readonly controlsSocket: string | null;
  readonly ports: readonly number[];
}

type RegularFile = Extract<OpenFile, {kind: 'file'}>;

/** What a daemon's own descriptors tell, for those who may look at them: root, and the daemon's user. */
export function openFactsOf(pid: number): OpenFacts | undefined {
  const open = openFiles(pid);
  if (open === undefined) return undefined;
  const files = open.filter((each): each is RegularFile => each.kind === 'file');
  const inodes = new Set(open.flatMap((each) => (each.kind === 'socket' ? [each.inode] : [])));
  const listening = listeningSockets(pid).filter(({inode}) => inodes.has(inode));
  const scoreboard = files.find(({fd}) => checkScoreboard(descriptorPath(pid, fd), pid).kind === 'its own');
  return {
    scoreboard: scoreboard === undefined ? null : {path: scoreboard.path, fd: scoreboard.fd},
    queues: queuesAmong(files),
    controlsSocket: listening.find((socket) => socket.kind === 'unix')?.path ?? null,
    ports: portsOf(listening),
  };
}

function portsOf(listening: readonly {kind: string; port?: number}[]): number[] {
  const ports = listening.flatMap(({port}) => (port === undefined ? [] : [port]));
  return [...new Set(ports)].sort((a, b) => a - b);
}

function queuesAmong(files: readonly RegularFile[]): MessageQueue[] {
  const rows = systemVQueues();
  return files.flatMap(({path, stat}) => {
    const key = messageQueueKey(stat);
    return rows.some((row) => row.key === key && isTrusted(row.creatorUid)) ? [{path, key}] : [];
  });
}

/** The key of the queue that a `MessageQueue` names. @param stat of its file */
export function messageQueueKey(stat: {readonly dev: number; readonly ino: number}): number {
  return fileKeyOf(stat, MESSAGE_PROJECT);
}

/** Whether a key is one that mod_msg may have made: ftok(3) puts the project into its first byte. */
export function isMessageQueue(key: number): boolean {
  return key >>> 24 === MESSAGE_PROJECT;
}

/**
 * The queue that a `MessageQueue` names, from its file.
 * @param stat of that file
 */
export function queueOf(
  path: string,
  stat: {readonly dev: number; readonly ino: number},
): Known<MessageQueue> {
  const key = messageQueueKey(stat);
  const row = systemVQueues().find((each) => each.key === key);
  if (row === undefined) return {known: false, why: `there is no queue for ${path}`};
  // Whoever makes the queue first owns it: mod_msg takes what is there.
  if (!isTrusted(row.creatorUid))
    return {known: false, why: `the queue for ${path} was made by uid ${row.creatorUid}`};
  return {known: true, value: {path, key}};
}
