import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {constants} from 'node:os';
import {ControlsClient} from '../../client/client.ts';
import {namedSocket} from '../../client/discovery.ts';
import type {MaintenanceAbilities} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import {processStat} from '../../transport/processes/proc.ts';
import {writeSyslog} from '../../transport/syslog.ts';
import {type Ask, askWith} from '../options/ask.ts';
import {canAsk, confirmWith} from '../options/confirm.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {errorFields, understand} from '../output/failure.ts';
import {outliveOutput} from '../output/output.ts';
import {Starter, startDetached} from './detach.ts';
import type {DrainEvent} from './events.ts';
import {catchSignals, Interrupted} from './interrupt.ts';
import {type DrainPlan, type DrainStep, type DrainTimes, messageWith, planDrain} from './plan.ts';
import {type Preview, planEvent, preview, sessionsNow} from './preview.ts';
import {beginRecord, type DrainRecord, endRecord, findRecords, notePhase, ownRecordFile} from './record.ts';
import {DrainReport} from './report.ts';
import {Drain, type DrainOutcome} from './run.ts';
import {cancelDrain, reopen, showDrains, takeBack} from './takeBack.ts';
import {userName} from './words.ts';

export interface DrainOptions extends GlobalOptions, DrainTimes {
  readonly then?: string | undefined;
  readonly reopen: boolean;
  readonly 'dry-run': boolean;
  readonly detach: boolean;
  readonly show: boolean;
  readonly cancel: boolean;
}

/** Exit statuses: sessions are left, or what was to be done was not. */
const EXIT_FAILED = 1;
const EXIT_DENIED = 5;

/** Drain a server, show what drains there are, or take one back. @throws FtpdctlError before anything has begun */
export async function drain(options: DrainOptions): Promise<void> {
  const starter = Starter.take();
  const log = options['dry-run'] || options.show || options.detach ? null : writeSyslog;
  const report = new DrainReport(options, log, starter);
  try {
    if (options.show) showDrains(report.emit);
    else if (options.cancel) await cancel(options, report);
    else if (options.detach && !options['dry-run'] && !canAsk(options)) await detach(options, report);
    else await start(options, report, starter);
  } catch (error) {
    await starter?.tellRefused(understand(error));
    // With `--json` a line like the others.
    if (!options.json || !(error instanceof FtpdctlError)) throw error;
    report.emit({event: 'error', error: errorFields(error)});
    process.exitCode = error.exitStatus;
  }
  report.end();
}

async function cancel(options: DrainOptions, {emit}: DrainReport): Promise<void> {
  const heed = outliveOutput();
  try {
    const isOpen = await cancelDrain((socket) => askAt(options, socket), emit);
    process.exitCode = isOpen ? 0 : EXIT_FAILED;
  } finally {
    heed();
  }
}

/** A connection that explains no wait: the line of the drain says what goes on. */
function askAt(options: GlobalOptions, socket: string | null | undefined, signal?: AbortSignal): Ask {
  const connect = () =>
    askWith({...options, quiet: true, socket: socket ?? options.socket, isLasting: true}, signal);
  let ask = connect();
  return async (work) => {
    try {
      return await ask(work);
    } catch (error) {
      // It may have been started anew.
      if (!(error instanceof FtpdctlError && error.code === 'PROFTPD_NOT_RUNNING')) throw error;
      ask = connect();
      return ask(work);
    }
  };
}

/** The same drain as another process, which needs nobody to look after it. */
async function detach(options: DrainOptions, {emit}: DrainReport): Promise<void> {
  const {pid, plan} = await startDetached(options);
  const {end, cut, cannot} = plan;
  // In lines, the plan is a page; here it was shown with the question, and elsewhere --dry-run has it.
  if (options.json) emit(plan);
  emit({event: 'started', pid, startedAt: Date.now(), end, cut, cannot});
}

async function start(
  options: DrainOptions,
  report: DrainReport,
  starter: Starter | undefined,
): Promise<void> {
  const plan = planDrain(options, Date.now());
  const stop = new AbortController();
  const ask = askAt(options, undefined, stop.signal);
  refuseSecond();
  const {abilities, identity: server, planned} = await preview(plan, options, ask);
  if (options['dry-run']) return report.emit(planned);
  const isWanted = await confirmWith('Begin?', options, (output) => report.showPlan(planned, output));
  if (!isWanted) throw new FtpdctlError('DECLINED', 'nothing was done');
  // A person may have thought about it for long.
  const current = planDrain(options, Date.now());
  if (options.at !== undefined && current.end !== plan.end)
    throw new FtpdctlError('TOO_LATE', `${options.at} is over: nothing was done`, EXIT_DENIED);
  if (options.detach) return detach(options, report);
  const event = planEvent(current, abilities, planned);
  starter?.refuseUnlessWaiting();
  await carryOut(current, abilities, options, {ask, report, stop, server, planned: event});
}

/** @throws FtpdctlError `DRAINING` */
function refuseSecond(): void {
  const [found] = findRecords();
  if (found === undefined) return;
  const {record, isRunning} = found;
  const whose = `of ${userName(record.uid)} (pid ${record.pid})`;
  const why = isRunning
    ? `a drain ${whose} is under way`
    : record.phase === 'over'
      ? `logins are closed since the drain ${whose}`
      : `a drain ${whose} was ended before it was over`;
  throw new FtpdctlError('DRAINING', why, EXIT_DENIED, {
    hint: 'ftpdctl drain --show tells more, ftpdctl drain --cancel takes it back',
  });
}

interface Running {
  readonly ask: Ask;
  readonly report: DrainReport;
  readonly stop: AbortController;
  /** Where it is a ProFTPD of this machine. */
  readonly server: Preview['identity'];
  readonly planned: Preview['planned'];
}

async function carryOut(
  plan: DrainPlan,
  abilities: MaintenanceAbilities,
  options: DrainOptions,
  {ask, report, stop, server, planned}: Running,
): Promise<void> {
  const file = ownRecordFile();
  const record = firstRecord(plan, await socketOf(abilities.logins, options));
  if (!beginRecord(file, record)) refuseSecond();
  const uncatch = catchSignals(stop);
  const heed = outliveOutput();
  const {emit} = report;
  const drain = new Drain(
    plan,
    abilities,
    record,
    {
      ask,
      emit,
      file,
      signal: stop.signal,
      onLook: (sessions) => report.progress(plan, sessions, undefined),
      onTick: (next) => void showProgress(plan, next, {ask, report, stop}),
    },
    server,
  );
  emit(planned);
  try {
    const outcome = await drain.run();
    await finish(outcome, drain, options, {emit, ask, file, signal: stop.signal});
  } catch (error) {
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
    await undo(reason, drain.record, {options, report, file});
  } finally {
    uncatch();
    heed();
  }
}

/** At a terminal, while a step is waited for. */
async function showProgress(
  plan: DrainPlan,
  next: DrainStep,
  {ask, report, stop}: Pick<Running, 'ask' | 'report' | 'stop'>,
): Promise<void> {
  if (!report.isWatched) return;
  const sessions = await sessionsNow(ask).catch(() => []);
  if (!stop.signal.aborted) report.progress(plan, sessions, next);
}

/** The controls socket that it was of, for whoever has another environment; a file closes and opens without one. */
async function socketOf(
  {kind}: MaintenanceAbilities['logins'],
  {socket}: DrainOptions,
): Promise<string | null> {
  const named = namedSocket(socket, process.env)?.path;
  return named ?? (kind === 'down' ? await new ControlsClient().socket() : undefined) ?? null;
}

function firstRecord({end, cut, message}: DrainPlan, socket: string | null): DrainRecord {
  return {
    pid: process.pid,
    startTicks: processStat(process.pid)?.startTicks ?? 0,
    uid: process.geteuid?.() ?? 0,
    startedAt: Date.now(),
    end,
    cut,
    message: messageWith({message}, 0),
    isTold: false,
    socket,
    phase: 'warning',
    closed: null,
  };
}

interface Finishing {
  readonly emit: (event: DrainEvent) => void;
  readonly ask: Ask;
  readonly file: ReturnType<typeof ownRecordFile>;
  readonly signal: AbortSignal;
}

/** What comes when everybody is gone, or somebody is not. */
async function finish(
  outcome: DrainOutcome,
  {record}: Drain,
  {then, reopen: isReopening, json}: DrainOptions,
  {emit, ask, file, signal}: Finishing,
): Promise<void> {
  const isDrained = outcome.kind === 'drained';
  emit(
    outcome.kind === 'drained'
      ? {event: 'drained'}
      : {event: 'remaining', sessions: outcome.sessions, unlisted: outcome.unlisted},
  );
  if (isDrained && then !== undefined) notePhase(file, {...record, phase: 'command'}, emit);
  const isDone = isDrained && (then === undefined || (await runCommand(then, json, emit)));
  signal.throwIfAborted();
  process.exitCode = isDone ? 0 : EXIT_FAILED;
  if (record.closed === null) return endRecord(file);
  if (!(isReopening && isDone)) {
    notePhase(file, {...record, phase: 'over'}, emit);
    return emit({event: 'logins-kept-closed'});
  }
  notePhase(file, {...record, phase: 'opening'}, emit);
  if (!(await reopen(record.closed, {ask, emit}))) process.exitCode = EXIT_FAILED;
  endRecord(file);
}

/** @returns whether it has succeeded */
async function runCommand(
  command: string,
  json: boolean,
  emit: (event: DrainEvent) => void,
): Promise<boolean> {
  // Standard output is for events alone, then.
  const child = spawn('/bin/sh', ['-c', command], {stdio: ['inherit', json ? 2 : 'inherit', 'inherit']});
  const [status] = (await once(child, 'close')) as [number | null];
  emit({event: 'command', command, status});
  return status === 0;
}

/** The second signal came before the server has answered. */
const GIVEN_UP = 'nobody has waited for the server; "ftpdctl drain --cancel" asks it again';

/** A signal, `--cancel` or a failure: what was done is taken back, and everybody is told. */
async function undo(
  reason: unknown,
  record: DrainRecord,
  {options, report, file}: {options: DrainOptions; report: DrainReport; file: Finishing['file']},
): Promise<void> {
  const isSignal = reason instanceof Interrupted;
  const {emit} = report;
  const by = isSignal ? `by ${reason.signal}` : 'it failed';
  if (!isSignal) emit({event: 'error', error: errorFields(understand(reason))});
  process.exitCode = isSignal ? 128 + constants.signals[reason.signal] : understand(reason).exitStatus;
  // A second signal ends the telling, which may take as long as a server's poll.
  const impatience = new AbortController();
  const uncatch = catchSignals(impatience);
  try {
    const ask = askAt(options, record.socket, impatience.signal);
    if (!(await takeBack(record, file, by, {ask, emit}))) process.exitCode = EXIT_FAILED;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    emit({event: 'logins-still-closed', reason: GIVEN_UP});
  } finally {
    uncatch();
  }
}
