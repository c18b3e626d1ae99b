import {setTimeout as sleep} from 'node:timers/promises';
import type {LoginGate} from '../../daemon/daemon.ts';
import {
  closedMachine,
  isMachineOpen,
  type Opened,
  openMachine,
  openServers,
} from '../../daemon/maintenance.ts';
import {FtpdctlError} from '../../errors.ts';
import {exitStatusOf, STATUS} from '../../protocol/message.ts';
import type {RecordFile} from '../../transport/files/recordFile.ts';
import {ProcessHandle} from '../../transport/processes/pidfd.ts';
import {processStat} from '../../transport/processes/proc.ts';
import type {Ask} from '../options/ask.ts';
import {errorLine} from '../output/failure.ts';
import type {DrainEvent} from './events.ts';
import {type DrainRecord, endRecord, type FoundRecord, findRecords, notePhase} from './record.ts';
import {userName} from './words.ts';

const CALLED_OFF = 'The maintenance has been called off: this server stays online';

/** Milliseconds for a running drain to take itself back: by a controls socket that takes some polls. */
const CANCEL_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

export interface TakeBackTools {
  readonly ask: Ask;
  readonly emit: (event: DrainEvent) => void;
}

/** Open logins as they were closed, and say what came of it. @returns whether nothing keeps them closed */
export async function reopen(gate: LoginGate, {ask, emit}: TakeBackTools): Promise<boolean> {
  return sayOpened(
    gate.kind === 'shutmsg' ? await openMachine(gate.path) : await openWhereItRuns(gate.servers, ask),
    emit,
  );
}

/** Nothing stands at the place of the server, or nobody listens there. */
const NOT_RUNNING: ReadonlySet<string> = new Set(['NO_SOCKET', 'SOCKET_MISSING', 'SOCKET_STALE']);

async function openWhereItRuns(servers: readonly string[], ask: Ask): Promise<Opened> {
  try {
    return await ask((daemon) => openServers(servers, daemon));
  } catch (error) {
    // What was down is up when it is started anew.
    if (error instanceof FtpdctlError && NOT_RUNNING.has(error.code)) return {kind: 'was open'};
    throw error;
  }
}

function sayOpened(opened: Opened, emit: TakeBackTools['emit']): boolean {
  if (opened.kind === 'still closed') emit({event: 'logins-still-closed', reason: opened.why});
  else emit({event: 'logins-opened'});
  return opened.kind !== 'still closed';
}

/** Undo what a drain has done: logins first, then everybody is told. */
export async function takeBack(
  record: DrainRecord,
  file: RecordFile,
  by: string,
  tools: TakeBackTools,
): Promise<boolean> {
  tools.emit({event: 'cancelled', by});
  notePhase(file, {...record, phase: 'opening'}, tools.emit);
  const isOpen = record.closed === null || (await reopen(record.closed, tools));
  if (record.phase !== 'over' && record.isTold) await tell(tools);
  endRecord(file);
  return isOpen;
}

async function tell({ask, emit}: TakeBackTools): Promise<void> {
  try {
    const {answer, recipients = null} = await ask((daemon) =>
      daemon.message({audience: ['all'], text: CALLED_OFF}),
    );
    const isTold = answer.verdict === STATUS.OK || answer.verdict === STATUS.SUBJECT_NOT_FOUND;
    if (isTold) emit({event: 'told', sessions: recipients, message: CALLED_OFF});
    else emit({event: 'telling-failed', reason: answer.responses.join('; ')});
  } catch (error) {
    emit({
      event: 'telling-failed',
      reason: error instanceof FtpdctlError ? errorLine(error) : (error as Error).message,
    });
  }
}

/**
 * Take back the drain there is, from anywhere: a running one does it itself.
 * @param askAt a connection to the server that the drain was of
 * @throws FtpdctlError `NO_DRAIN`, `DRAIN_OF_ANOTHER`, `DRAIN_STUCK`
 */
export async function cancelDrain(
  askAt: (socket: string | null) => Ask,
  emit: (event: DrainEvent) => void,
): Promise<boolean> {
  const [own] = ownFirst(findRecords());
  if (own === undefined) return cancelUnrecorded(emit);
  refuseForeign(own);
  if (own.isRunning) await endRunning(own);
  // One that was on its last step may have ended without taking back.
  const left = own.isRunning ? findRecords().find(({record}) => record.pid === own.record.pid) : own;
  const by = `by ${userName(process.getuid!())}`;
  if (left !== undefined) return takeBack(left.record, left.file, by, {ask: askAt(left.record.socket), emit});
  emit({event: 'cancelled', by});
  // What it has said of logins, it has said elsewhere.
  return own.record.closed?.kind === 'shutmsg' ? sayOpened(isMachineOpen(), emit) : true;
}

/** Our own before root's, which we may look at. */
function ownFirst(records: readonly FoundRecord[]): readonly FoundRecord[] {
  const uid = process.geteuid?.();
  return [...records].sort((a, b) => Number(b.record.uid === uid) - Number(a.record.uid === uid));
}

function refuseForeign({record: {uid, pid}}: FoundRecord): void {
  if (uid === process.geteuid?.()) return;
  const whose = userName(uid);
  throw new FtpdctlError('DRAIN_OF_ANOTHER', `the drain is ${whose}'s (pid ${pid})`, 2, {
    hint: `${whose} can take it back`,
  });
}

/** After a restart of the machine no record is left, and the file may be. */
async function cancelUnrecorded(emit: (event: DrainEvent) => void): Promise<boolean> {
  const found = process.geteuid?.() === 0 ? closedMachine() : {kind: 'none' as const};
  if (found.kind === 'ours') return sayOpened(await openMachine(), emit);
  const why =
    found.kind === 'foreign'
      ? `nothing to take back: /etc/shutmsg is not ours: "${found.text}"`
      : 'nothing to take back: there is no drain';
  throw new FtpdctlError('NO_DRAIN', why, exitStatusOf(STATUS.SUBJECT_NOT_FOUND));
}

/** A command that runs is not ended: nobody knows what it does. */
function stuck({pid, phase}: DrainRecord): FtpdctlError {
  const [why, hint] =
    phase === 'command'
      ? [': its command runs', 'what it has closed is opened when that has ended']
      : ['', `end it with SIGKILL and try again: kill -KILL ${pid}`];
  return new FtpdctlError('DRAIN_STUCK', `the drain with pid ${pid} does not end${why}`, 75, {hint});
}

/** SIGINT to the process, and no other. */
async function endRunning({record}: FoundRecord): Promise<void> {
  const handle = ProcessHandle.open(record.pid);
  try {
    if (handle !== undefined && processStat(record.pid)?.startTicks === record.startTicks)
      handle.signal('SIGINT');
    const deadline = performance.now() + CANCEL_TIMEOUT_MS;
    while (handle !== undefined && !handle.hasEnded()) {
      if (performance.now() > deadline) {
        throw stuck(record);
      }
      await sleep(POLL_MS);
    }
  } finally {
    handle?.close();
  }
}

/** Say what stands. */
export function showDrains(emit: (event: DrainEvent) => void): void {
  const records = findRecords();
  for (const {record, isRunning} of records) {
    const {pid, uid, startedAt, end, cut, phase, message, closed} = record;
    const loginsClosed = closed !== null;
    emit({event: 'drain', pid, uid, isRunning, startedAt, end, cut, phase, loginsClosed, message});
  }
  if (records.length > 0) return;
  const found = closedMachine();
  emit({event: 'none', shutmsg: found.kind, ...(found.kind === 'none' ? {} : {text: found.text})});
}
