import type {Session} from '../../daemon/daemon.ts';
import {reasonOf} from '../../errors.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {isWatched, printable, printableJson, printError, printLine} from '../output/output.ts';
import {sessionTable} from '../output/sessionTable.ts';
import {StatusLine} from '../output/terminal.ts';
import type {Starter} from './detach.ts';
import type {DrainEvent} from './events.ts';
import type {DrainPlan, DrainStep} from './plan.ts';
import {clockTime, countdown} from './plan.ts';
import {isFailure, progressTexts, userName, wordsOf} from './words.ts';

export type ReportOptions = Pick<GlobalOptions, 'json' | 'quiet' | 'verbose'>;

/** Tells what happens in a drain: in lines or JSON, in the system's log, and, at a terminal, in a line that stays. */
export class DrainReport {
  readonly #options: ReportOptions;
  readonly #line = new StatusLine();
  readonly #log: ((line: string) => void) | null;
  readonly #starter: Starter | undefined;

  /** The plan was shown with the question. */
  #isPlanShown = false;

  /**
   * @param log writes to the system's log, where that is to be told, too
   * @param starter hears that it has begun; nobody reads what a detached drain prints
   */
  constructor(options: ReportOptions, log: ((line: string) => void) | null, starter?: Starter) {
    this.#options = options;
    this.#log = log;
    this.#starter = starter;
  }

  /** Show the plan where a person is asked about it. */
  showPlan(plan: Extract<DrainEvent, {event: 'plan'}>, output: NodeJS.WritableStream): void {
    for (const line of wordsOf(plan)) output.write(`${printable(line)}\n`);
    if (plan.sessions?.length) output.write(sessionTable(plan.sessions));
    this.#isPlanShown = true;
  }

  readonly emit = (event: DrainEvent): void => {
    this.#line.clear();
    const words = wordsOf(event);
    if (this.#log) logTo(this.#log, event, words);
    if (this.#starter) {
      if (event.event === 'plan') this.#starter.tellBegun(event);
      return;
    }
    if (this.#options.json) {
      this.#printEvent(event);
      return;
    }
    if (event.event === 'plan' && this.#isPlanShown) return;
    const isFailed = isFailure(event);
    if (this.#options.quiet && !isFailed) return;
    for (const line of words) (isFailed ? printError : printLine)(line);
    if (event.event === 'plan' && event.sessions !== null && event.sessions.length > 0)
      process.stdout.write(sessionTable(event.sessions));
  };

  /** Whether anybody sees the line that stays. */
  get isWatched(): boolean {
    return isWatched() && !this.#options.json && !this.#options.quiet && !this.#options.verbose;
  }

  /** Draw the line that stays. */
  progress(plan: DrainPlan, sessions: readonly Session[], next: DrainStep | undefined): void {
    if (!this.isWatched) return;
    const now = Date.now();
    const isEnding = now >= plan.end;
    const left = (isEnding ? plan.cut : plan.end) - now;
    const step = next === undefined ? undefined : `${NEXT[next.kind]} ${clockTime(next.at)}`;
    const texts = progressTexts(countdown(left), isEnding ? 'for transfers' : 'left', sessions, step);
    this.#line.draw(texts, step === undefined ? 'ending sessions' : `next: ${step}`);
  }

  /** The last word: with `--json` the exit status. */
  end(): void {
    this.#line.clear();
    if (this.#options.json) this.#printEvent({event: 'exit', exitStatus: Number(process.exitCode ?? 0)});
  }

  #printEvent(event: DrainEvent): void {
    process.stdout.write(`${printableJson(JSON.stringify({at: Date.now(), ...event}))}\n`);
  }
}

const NEXT: Readonly<Record<DrainStep['kind'], string>> = {
  warn: 'warning',
  close: 'close logins',
  end: 'end',
  cut: 'cut',
};

/** The plan is a page; the log needs to know that there is one. */
function logTo(write: (line: string) => void, event: DrainEvent, words: readonly string[]): void {
  const said = event.event === 'plan' ? `begins, ends at ${clockTime(event.end)}` : words.join('; ');
  try {
    write(`drain by ${userName(process.getuid?.() ?? 0)}: ${said}`);
  } catch (error) {
    // The log is for whoever looks later: a drain does not stop for it.
    printError(`cannot write to the system's log: ${reasonOf(error)}`);
  }
}
