import {setTimeout as sleep} from 'node:timers/promises';
import type {LoginGate, MaintenanceAbilities, Session} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/message.ts';
import type {RecordFile} from '../../transport/files/recordFile.ts';
import {processName} from '../../transport/processes/proc.ts';
import type {Ask} from '../options/ask.ts';
import {errorLine} from '../output/failure.ts';
import type {DrainEvent} from './events.ts';
import {type DrainPlan, type DrainStep, messageAtEnd, messageWith} from './plan.ts';
import {type DrainPhase, type DrainRecord, updateRecord} from './record.ts';

/** Milliseconds between two looks at the sessions while they are ended, and between two at the clock before. */
const LOOK_MS = 200;
const TICK_MS = 1000;
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
  | {readonly kind: 'remaining'; readonly sessions: readonly Session[] | null};

/** Carries out a plan, step by step at their times, until nobody is left or nothing more can be done. */
export class Drain {
  readonly #plan: DrainPlan;
  readonly #abilities: MaintenanceAbilities;
  readonly #tools: DrainTools;
  /** Sessions that have been told to end and may still be about to. */
  readonly #ending = new Set<string>();
  #record: DrainRecord;
  #last: readonly Session[] = [];

  constructor(plan: DrainPlan, abilities: MaintenanceAbilities, record: DrainRecord, tools: DrainTools) {
    this.#plan = plan;
    this.#abilities = abilities;
    this.#record = record;
    this.#tools = tools;
  }

  /** What must be undone, as it is written down. */
  get record(): DrainRecord {
    return this.#record;
  }

  /** @throws the reason of the signal when it is aborted; FtpdctlError where logins cannot be closed as planned */
  async run(): Promise<DrainOutcome> {
    for (const step of this.#plan.steps) {
      await this.#until(step);
      const outcome = await this.#carryOut(step);
      if (outcome !== undefined) return outcome;
    }
    return {kind: 'remaining', sessions: null};
  }

  async #carryOut(step: DrainStep): Promise<DrainOutcome | undefined> {
    switch (step.kind) {
      case 'warn':
        // Who does not take it for long keeps nobody else waiting.
        void this.#tell(step.left);
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

  /** Tell everybody how much time is left; 0: none. What keeps a word from arriving keeps no drain from going on. */
  async #tell(left: number): Promise<void> {
    const message = messageWith(this.#plan, left);
    const {ask, emit, signal} = this.#tools;
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
    await this.#tools.ask(async (daemon) => {
      const maintenance = await daemon.maintenance();
      await maintenance.closeLogins(logins, messageAtEnd(this.#plan));
    });
    this.#tools.emit({event: 'logins-closed', by: logins.kind});
  }

  /** Until nobody is left, or the time for transfers is over. */
  async #endThoseWhoWait(): Promise<DrainOutcome | undefined> {
    if (this.#abilities.ending.kind === 'unsupported') return {kind: 'remaining', sessions: null};
    this.#write({phase: 'ending'});
    const sessions = await this.#look();
    this.#tools.emit({event: 'ending', ...counts(sessions)});
    if (!this.#plan.isSilent && sessions.length > 0) {
      const {signal} = this.#tools;
      await Promise.race([this.#tell(0), sleep(LAST_WORD_MS, undefined, {signal})]);
    }
    const isDue = ({command, transfer}: Session) => command === null && transfer === null;
    return this.#endUntil(this.#plan.cut, isDue, this.#hasShutmsg());
  }

  async #endTheRest(): Promise<DrainOutcome> {
    this.#tools.emit({event: 'grace-over', ...counts(await this.#look())});
    const outcome = await this.#endUntil(Date.now() + CUT_TIMEOUT_MS, () => true, false);
    return outcome ?? {kind: 'remaining', sessions: await this.#look()};
  }

  /** @returns `undefined` when the time is over */
  async #endUntil(
    deadline: number,
    isDue: (session: Session) => boolean,
    withReply: boolean,
  ): Promise<DrainOutcome | undefined> {
    const {signal} = this.#tools;
    let emptyLooks = 0;
    for (;;) {
      const sessions = await this.#look();
      emptyLooks = sessions.length === 0 ? emptyLooks + 1 : 0;
      if (emptyLooks >= EMPTY_LOOKS) return {kind: 'drained'};
      if (Date.now() >= deadline) return undefined;
      void this.#end(
        sessions.filter((each) => isDue(each) && !this.#ending.has(keyOf(each, withReply))),
        withReply,
      );
      await sleep(Math.min(LOOK_MS, Math.max(1, deadline - Date.now())), undefined, {signal});
    }
  }

  /** One that does not end keeps nobody else waiting; whether they have ended is seen at the next look. */
  async #end(sessions: readonly Session[], withReply: boolean): Promise<void> {
    if (sessions.length === 0) return;
    const {ask, emit, signal} = this.#tools;
    const keys = sessions.map((session) => keyOf(session, withReply));
    for (const key of keys) this.#ending.add(key);
    try {
      await ask(async (daemon) => {
        const maintenance = await daemon.maintenance();
        await maintenance.endSessions(sessions, {withReply, signal});
      });
    } catch (error) {
      if (!signal.aborted) emit({event: 'ending-failed', reason: reason(error)});
    } finally {
      for (const key of keys) this.#ending.delete(key);
    }
  }

  #hasShutmsg(): boolean {
    return this.#abilities.logins.kind === 'shutmsg';
  }

  /** Who is there. Of a ProFTPD that has ended, those of the last look that have not. */
  async #look(): Promise<readonly Session[]> {
    this.#tools.signal.throwIfAborted();
    const sessions = await this.#list();
    const ended = this.#last.filter(({id}) => !sessions.some((session) => session.id === id)).length;
    this.#last = sessions;
    this.#tools.onLook(sessions);
    if (ended > 0 && this.#record.phase === 'ending')
      this.#tools.emit({event: 'sessions', ended, ...counts(sessions)});
    return sessions;
  }

  async #list(): Promise<readonly Session[]> {
    try {
      const result = await this.#tools.ask((daemon) => daemon.sessions());
      if (result.kind === 'sessions') return result.sessions;
      const why = result.kind === 'unsupported' ? result.reason : result.answer.responses.join('; ');
      throw new FtpdctlError('NO_SESSIONS', `nobody can see who is left: ${why}`);
    } catch (error) {
      if (!(error instanceof FtpdctlError && error.code === 'PROFTPD_NOT_RUNNING')) throw error;
      return this.#last.filter(({pid}) => processName(pid)?.startsWith('proftpd'));
    }
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

  #write(change: {readonly phase: DrainPhase; readonly closed?: LoginGate}): void {
    this.#record = {...this.#record, ...change};
    updateRecord(this.#tools.file, this.#record);
  }
}

/** A session that was told to end with a word may be told again without one. */
function keyOf({id}: Session, withReply: boolean): string {
  return `${id} ${withReply}`;
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
