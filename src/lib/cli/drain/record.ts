import type {LoginGate} from '../../daemon/daemon.ts';
import {FtpdctlError, reasonOf} from '../../errors.ts';
import {
  createRecord,
  type RecordFile,
  readRecord,
  removeRecord,
  replaceRecord,
} from '../../transport/files/recordFile.ts';
import {ensureRuntimeDirectory, runtimeDirectories} from '../../transport/files/runtimeDirectory.ts';
import {isRunning} from '../../transport/processes/proc.ts';
import {errorFields} from '../output/failure.ts';

/**
 * What a drain is about to do, written before it does it: whatever ends the program in between, what stands has a name.
 */
export interface DrainRecord {
  readonly pid: number;
  /** Tells the process from another that has its pid. */
  readonly startTicks: number;
  /** Who has started it. */
  readonly uid: number;
  readonly startedAt: number;
  readonly end: number;
  readonly cut: number;
  readonly message: string;
  /** Whether anybody was told, or is being told: only then somebody needs to hear that it is called off. */
  readonly isTold: boolean;
  /** The controls socket that was named, or `null`. */
  readonly socket: string | null;
  readonly phase: DrainPhase;
  /** How logins were closed, or are being closed; `null` while they are open. */
  readonly closed: LoginGate | null;
}

export type DrainPhase =
  /** Warnings are sent; nothing has changed. */
  | 'warning'
  /** Logins are being closed, or are closed. */
  | 'closed'
  /** Sessions are being ended. */
  | 'ending'
  /** Nobody is left, and the command of `--then` runs. */
  | 'command'
  /** Over, with logins closed. */
  | 'over'
  /** Being taken back. */
  | 'opening';

/** A record that was found. */
export interface FoundRecord {
  readonly record: DrainRecord;
  readonly file: RecordFile;
  /** Its process still runs. */
  readonly isRunning: boolean;
}

const ROOTS: RecordFile = {directory: '/run/ftpdctl-drain', name: 'drain.json', isReadable: true};
const NAME = 'drain.json';

/** Where a drain of ours is written down. @throws FtpdctlError `RUNTIME_DIRECTORY` */
export function ownRecordFile(env: NodeJS.ProcessEnv = process.env): RecordFile {
  if (process.geteuid?.() === 0) return ROOTS;
  return {directory: ensureRuntimeDirectory(env), name: NAME, isReadable: false};
}

/** The drains there are: our own, and root's. @throws FtpdctlError `DRAIN_RECORD` */
export function findRecords(env: NodeJS.ProcessEnv = process.env): FoundRecord[] {
  const uid = process.geteuid?.() ?? 0;
  const own = uid === 0 ? [] : runtimeDirectories(env).filter(({isThere}) => isThere);
  const files = own.map(({path}) => ({directory: path, name: NAME, isReadable: false}));
  return [...files.flatMap((file) => found(file, uid)), ...found(ROOTS, 0)];
}

function found(file: RecordFile, uid: number): FoundRecord[] {
  const text = attempt('read', file, () => readRecord(file, uid));
  if (text === undefined) return [];
  const record = attempt('read', file, () => JSON.parse(text) as DrainRecord);
  return [{record, file, isRunning: isRunning(record)}];
}

/** @returns whether there was none. @throws FtpdctlError `DRAIN_RECORD` */
export function beginRecord(file: RecordFile, record: DrainRecord): boolean {
  return attempt('write', file, () => createRecord(file, JSON.stringify(record)));
}

/** @throws FtpdctlError `DRAIN_RECORD` */
export function updateRecord(file: RecordFile, record: DrainRecord): void {
  attempt('write', file, () => replaceRecord(file, JSON.stringify(record)));
}

/** How far it has come, for `--show`: whatever keeps that from being written keeps nothing else from being done. */
export function notePhase(
  file: RecordFile,
  record: DrainRecord,
  emit: (event: {readonly event: 'error'; readonly error: ReturnType<typeof errorFields>}) => void,
): void {
  try {
    updateRecord(file, record);
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    emit({event: 'error', error: errorFields(error)});
  }
}

/** @throws FtpdctlError `DRAIN_RECORD` */
export function endRecord(file: RecordFile): void {
  attempt('remove', file, () => removeRecord(file));
}

function attempt<T>(verb: string, {directory, name}: RecordFile, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new FtpdctlError('DRAIN_RECORD', `cannot ${verb} ${directory}/${name}: ${reasonOf(cause)}`, 1, {
      cause,
    });
  }
}
