import {setTimeout as sleep} from 'node:timers/promises';
import type {LoginGate, Maintenance, MaintenanceAbilities, Session} from '../../daemon/daemon.ts';
import {closeMachine, closeServers, endUnlisted, unlistedProcesses} from '../../daemon/maintenance.ts';
import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/message.ts';
import type {RecordFile} from '../../transport/files/recordFile.ts';
import {isRunning} from '../../transport/processes/proc.ts';
import type {Ask} from '../options/ask.ts';
import {errorLine} from '../output/failure.ts';
import type {DrainEvent} from './events.ts';
import {type DrainPlan, type DrainStep, messageAtEnd, messageWith} from './plan.ts';
import {type DrainPhase, type DrainRecord, notePhase, updateRecord} from './record.ts';

/** Milliseconds between two looks at the sessions while they are ended, and between two at the clock before. */
const LOOK_MS = 200;
const TICK_MS = 1000;
/** Milliseconds after its time from which a warning says how much time is left, and not how much was to be. */
const LATE_MS = 5000;
/** Milliseconds that those in a transfer are given to take the last word: it takes them a few. */
const LAST_WORD_MS = 1000;
/** Milliseconds for the last sessions to end when the grace is over. */
const CUT_TIMEOUT_MS = 8000;
/** So many looks in a row must see nobody: a session may be about to enter the scoreboard. */
const EMPTY_LOOKS = 2;

export interface DrainTools {
  readonly ask: Ask;
  readonly emit: (event: DrainEvent) => void;
  /** Called about once a second while it waits for a step. */
  readonly onTick: (next: DrainStep) => void;
  /** Called with who is there whenever that has been looked for. */
  readonly onLook: (sessions: readonly Session[]) => void;
  readonly file: RecordFile;
  readonly signal: AbortSignal;
}

/** What a drain has come to. */
export type DrainOutcome =
  | {readonly kind: 'drained'}
  /** These are still there, or nobody can see who is. */
  | {readonly kind: 'remaining'; readonly sessions: readonly Session[] | null; readonly unlisted: number};

type ServerProcess = NonNullable<Maintenance['identity']>;

/** Who is there. */
interface Present {
  readonly sessions: readonly Session[];
  /** How many more, that no list has: nobody knows what they do. */
  readonly unlisted: number;
}

/** What is said of a ProFTPD of this machine that has ended, or is just starting. */
const GONE: ReadonlySet<string> = new Set([
  'PROFTPD_NOT_RUNNING',
  'PROFTPD_NOT_FOUND',
  'SCOREBOARD_UNREADABLE',
  'NO_SOCKET',
  'SOCKET_MISSING',
  'SOCKET_STALE',
]);

/** Stands for the sessions that no list has. */
const UNLISTED = 'unlisted';

const UNSEEN: DrainOutcome = {kind: 'remaining', sessions: null, unlisted: 0};

/** Carries out a plan, step by step at their times, until nobody is left or nothing more can be done. */
export class Drain {
  readonly #plan: DrainPlan;
  readonly #abilities: MaintenanceAbilities;
  readonly #tools: DrainTools;
  /** Who has been told to end and may still be about to: a session again when it is told otherwise. */
  readonly #ending = new Set<string>();
  #record: DrainRecord;
  #last: readonly Session[] = [];
  /** The ProFTPDs of this machine that were found at its socket, by their pids. */
  readonly #servers = new Map<number, ServerProcess>();
  #whyUnseen: string | undefined;

  /** @param server where it is a ProFTPD of this machine */
  constructor(
    plan: DrainPlan,
    abilities: MaintenanceAbilities,
    record: DrainRecord,
    tools: DrainTools,
    server: ServerProcess | null,
  ) {
    this.#plan = plan;
    this.#abilities = abilities;
    this.#record = record;
    this.#tools = tools;
    this.#found(server);
  }

  /** What must be undone, as it is written down. */
  get record(): DrainRecord {
    return this.#record;
  }

  /** @throws the reason of the signal when it is aborted; FtpdctlError where logins cannot be closed as planned */
  async run(): Promise<DrainOutcome> {
    for (const step of this.#plan.steps) {
      await this.#until(step);
      if (this.#isOvertaken(step)) continue;
      const outcome = await this.#carryOut(step);
      if (outcome !== undefined) return outcome;
    }
    return UNSEEN;
  }

  async #carryOut(step: DrainStep): Promise<DrainOutcome | undefined> {
    switch (step.kind) {
      case 'warn':
        // Who does not take it for long keeps nobody else waiting.
        void this.#tell(this.#timeLeft(step));
        return undefined;
      case 'close':
        await this.#closeLogins();
        return undefined;
      case 'end':
        return this.#endThoseWhoWait();
      case 'cut':
        return this.#endTheRest();
    }
  }

  /** A warning of which another takes the place: the machine was suspended, this process stopped, or the clock set. */
  #isOvertaken(step: DrainStep): boolean {
    const {steps} = this.#plan;
    return (
      step.kind === 'warn' &&
      steps.some((other) => other.kind !== 'close' && other.at > step.at && other.at <= Date.now())
    );
  }

  /** As planned, or as it is, where a warning comes late. */
  #timeLeft({at, left}: Extract<DrainStep, {kind: 'warn'}>): number {
    return Date.now() - at < LATE_MS ? left : this.#plan.end - Date.now();
  }

  /** Tell everybody how much time is left; 0: none. What keeps a word from arriving keeps no drain from going on. */
  async #tell(left: number): Promise<void> {
    const message = messageWith(this.#plan, left);
    const {ask, emit, file, signal} = this.#tools;
    this.#record = {...this.#record, isTold: true};
    notePhase(file, this.#record, emit);
    try {
      const {answer, recipients = null} = await ask((daemon) =>
        daemon.message({audience: ['all'], text: message}),
      );
      const {verdict, responses} = answer;
      const isTold = verdict === STATUS.OK || verdict === STATUS.SUBJECT_NOT_FOUND;
      if (isTold) emit({event: 'warning', left: left / 1000, sessions: recipients, message});
      else emit({event: 'warning-failed', left: left / 1000, reason: responses.join('; ')});
    } catch (error) {
      if (!signal.aborted) emit({event: 'warning-failed', left: left / 1000, reason: reason(error)});
    }
  }

  async #closeLogins(): Promise<void> {
    const {logins} = this.#abilities;
    if (logins.kind === 'unsupported') return;
    this.#write({phase: 'closed', closed: logins});
    if (logins.kind === 'shutmsg') await this.#closeMachine();
    else await this.#tools.ask((daemon) => closeServers(logins.servers, daemon));
    this.#tools.emit({event: 'logins-closed', by: logins.kind});
  }

  /** A file that was there before is not ours to remove. */
  async #closeMachine(): Promise<void> {
    try {
      await closeMachine(messageAtEnd(this.#plan));
    } catch (error) {
      if (error instanceof FtpdctlError && error.code.startsWith('SHUTMSG_'))
        this.#record = {...this.#record, closed: null};
      throw error;
    }
  }

  /** Until nobody is left, or the time for transfers is over. */
  async #endThoseWhoWait(): Promise<DrainOutcome | undefined> {
    if (this.#abilities.ending.kind === 'unsupported') return UNSEEN;
    this.#record = {...this.#record, phase: 'ending'};
    notePhase(this.#tools.file, this.#record, this.#tools.emit);
    const sessions = (await this.#look())?.sessions ?? [];
    this.#tools.emit({event: 'ending', ...counts(sessions)});
    if (!this.#plan.isSilent && sessions.length > 0) {
      const {signal} = this.#tools;
      await Promise.race([this.#tell(0), sleep(LAST_WORD_MS, undefined, {signal})]);
    }
    return this.#endUntil(() => this.#plan.cut - Date.now(), 'idle');
  }

  async #endTheRest(): Promise<DrainOutcome> {
    const {sessions, unlisted} = (await this.#look()) ?? {sessions: [], unlisted: 0};
    const {transfers} = counts(sessions);
    this.#tools.emit({event: 'grace-over', sessions: sessions.length + unlisted, transfers});
    const deadline = performance.now() + CUT_TIMEOUT_MS;
    const outcome = await this.#endUntil(() => deadline - performance.now(), 'all');
    if (outcome !== undefined) return outcome;
    const left = await this.#look();
    return left === undefined ? UNSEEN : {kind: 'remaining', ...left};
  }

  /** @param timeLeft milliseconds. @returns `undefined` when the time is over */
  async #endUntil(timeLeft: () => number, whom: 'idle' | 'all'): Promise<DrainOutcome | undefined> {
    const {signal} = this.#tools;
    let emptyLooks = 0;
    for (;;) {
      const {sessions, unlisted} = (await this.#look()) ?? {sessions: [], unlisted: Number.NaN};
      emptyLooks = sessions.length + unlisted === 0 ? emptyLooks + 1 : 0;
      if (emptyLooks >= EMPTY_LOOKS) return {kind: 'drained'};
      if (timeLeft() <= 0) return undefined;
      this.#endThese(sessions, whom);
      if (whom === 'all' && unlisted > 0) this.#endUnlisted();
      await sleep(Math.min(LOOK_MS, Math.max(1, timeLeft())), undefined, {signal});
    }
  }

  #endThese(sessions: readonly Session[], whom: 'idle' | 'all'): void {
    const withReply = whom === 'idle' && this.#abilities.logins.kind === 'shutmsg';
    const due = sessions.filter((session) => whom === 'all' || isIdle(session));
    const byKey = new Map(due.map((session) => [`${session.id} ${whom}`, session]));
    for (const key of this.#ending) byKey.delete(key);
    const {ask, signal} = this.#tools;
    void this.#end([...byKey.keys()], () =>
      ask(async (daemon) =>
        (await daemon.maintenance()).endSessions([...byKey.values()], {withReply, signal}),
      ),
    );
  }

  /** Nobody knows what those do, so that they are spared until the end of the time for transfers. */
  #endUnlisted(): void {
    if (this.#ending.has(UNLISTED)) return;
    void this.#end([UNLISTED], () =>
      endUnlisted([...this.#servers.values()], this.#last, {withReply: false, signal: this.#tools.signal}),
    );
  }

  /** Who does not end keeps nobody else waiting; whether they have ended is seen at the next look. */
  async #end(keys: readonly string[], end: () => Promise<void>): Promise<void> {
    if (keys.length === 0) return;
    const {emit, signal} = this.#tools;
    for (const key of keys) this.#ending.add(key);
    try {
      await end();
    } catch (error) {
      if (!signal.aborted) emit({event: 'ending-failed', reason: reason(error)});
    } finally {
      for (const key of keys) this.#ending.delete(key);
    }
  }

  /** Who is there; `undefined` where that cannot be seen now, which ends no drain: what is closed stays closed. */
  async #look(): Promise<Present | undefined> {
    const {signal, emit, onLook} = this.#tools;
    signal.throwIfAborted();
    try {
      const present = await this.#list();
      this.#compare(present.sessions);
      onLook(present.sessions);
      return present;
    } catch (error) {
      signal.throwIfAborted();
      const why = reason(error);
      if (why !== this.#whyUnseen) emit({event: 'ending-failed', reason: why});
      this.#whyUnseen = why;
      return undefined;
    }
  }

  async #list(): Promise<Present> {
    try {
      const {result, server} = await this.#tools.ask(async (daemon) => ({
        result: await daemon.sessions(),
        server: (await daemon.maintenance()).identity,
      }));
      this.#found(server);
      if (result.kind === 'sessions') return this.#present(result.sessions);
      const why = result.kind === 'unsupported' ? result.reason : result.answer.responses.join('; ');
      throw new FtpdctlError('NO_SESSIONS', why);
    } catch (error) {
      if (!(error instanceof FtpdctlError && this.#isGone(error))) throw error;
      return this.#present([]);
    }
  }

  #present(sessions: readonly Session[]): Present {
    return {sessions, unlisted: unlistedProcesses([...this.#servers.values()], sessions).length};
  }

  #found(server: ServerProcess | null): void {
    if (server !== null) this.#servers.set(server.pid, server);
  }

  /** A ProFTPD that has ended, or is just starting anew: its sessions may outlive it. */
  #isGone({code}: FtpdctlError): boolean {
    const servers = [...this.#servers.values()];
    return servers.length > 0 && (GONE.has(code) || !servers.some(isRunning));
  }

  #compare(sessions: readonly Session[]): void {
    const ids = new Set(sessions.map(({id}) => id));
    const ended = this.#last.filter(({id}) => !ids.has(id)).length;
    this.#last = sessions;
    if (ended > 0 && this.#record.phase === 'ending')
      this.#tools.emit({event: 'sessions', ended, ...counts(sessions)});
  }

  /** Sleeps by the clock, which may be set, or go on while the machine is suspended. */
  async #until(step: DrainStep): Promise<void> {
    const {signal, onTick} = this.#tools;
    for (let left = step.at - Date.now(); left > 0; left = step.at - Date.now()) {
      onTick(step);
      await sleep(Math.min(left, TICK_MS), undefined, {signal});
    }
    signal.throwIfAborted();
  }

  /** Before anything is changed: what is not written down is not done. */
  #write(change: {readonly phase: DrainPhase; readonly closed: LoginGate}): void {
    const record = {...this.#record, ...change};
    updateRecord(this.#tools.file, record);
    this.#record = record;
  }
}

function isIdle({command, transfer}: Session): boolean {
  return command === null && transfer === null;
}

function counts(sessions: readonly Session[]): {sessions: number; transfers: number} {
  return {
    sessions: sessions.length,
    transfers: sessions.filter(({transfer, command}) => transfer !== null || command !== null).length,
  };
}

function reason(error: unknown): string {
  return error instanceof FtpdctlError ? errorLine(error) : String(error);
}
