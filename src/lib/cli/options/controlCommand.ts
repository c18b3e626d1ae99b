import type {ControlAnswer} from '../../client/client.ts';
import type {Daemon, DaemonAnswer} from '../../daemon/daemon.ts';
import {exitStatusOf, normalizeStatus, STATUS, statusName} from '../../protocol/message.ts';
import {hintFor, shownLines} from '../output/answer.ts';
import {printError, printJson, printLine} from '../output/output.ts';
import {splitAtFirstWord} from './argv.ts';
import {BaseCommand} from './baseCommand.ts';
import type {GlobalOptions} from './flags.ts';

/** A command that sends one control action: its own options end at its first word. */
export abstract class ControlCommand extends BaseCommand {
  /** The words after the options, untouched: oclif's parser would put equal words side by side. */
  protected words: readonly string[] = [];

  protected override async init(): Promise<void> {
    const {options, words} = splitAtFirstWord(this.argv, {...this.ctor.baseFlags, ...this.ctor.flags});
    this.argv = options;
    this.words = words;
    await super.init();
  }

  /** Send, explain the wait, print the answer. Returns the answer; the exit status is set. */
  protected async send(
    options: GlobalOptions,
    request: {readonly action: string; readonly args: readonly string[]},
  ): Promise<ControlAnswer> {
    const answer = await this.ask(options, (daemon) => daemon.request(request.action, request.args));
    this.report(options, request, answer);
    return answer;
  }

  /** Send and explain the wait; print nothing. */
  protected async ask<T>(options: GlobalOptions, work: (daemon: Daemon) => Promise<T>): Promise<T> {
    return this.asking(options)(work);
  }

  /**
   * Print the response lines, or one JSON object, and set the exit status.
   * @param more of the JSON object; an exit status in place of the answer's; what to do, where the answer tells nothing
   */
  protected report(
    options: GlobalOptions,
    request: {readonly action: string; readonly args: readonly string[]},
    answer: DaemonAnswer,
    more: {
      readonly fields?: Readonly<Record<string, unknown>>;
      readonly exitStatus?: number;
      readonly hint?: string | undefined;
    } = {},
  ): void {
    const exitStatus = more.exitStatus ?? answer.exitStatus ?? exitStatusFor(answer, options, request);
    const hint = hintFor(request.action, answer, this.config.commandIDs, options.socket) ?? more.hint;
    const json = {
      action: request.action,
      args: request.args,
      status: answer.status,
      verdict: statusName(-exitStatus) ?? statusName(answer.verdict),
      exitStatus,
      responses: answer.responses,
      ...pick(answer, 'via', 'dialect', 'socket', 'server'),
      ...(hint === undefined ? {} : {hint}),
      ...more.fields,
    };
    if (this.elsewhere) {
      const lines = shownLines(request.action, answer);
      this.elsewhere.onAnswer({exitStatus, lines, json, ...(hint === undefined ? {} : {hint})});
      return;
    }
    process.exitCode = exitStatus;
    if (options.json) printJson(json);
    else if (!(options.quiet && exitStatus === 0)) {
      // With -q standard output stays empty: of a failure the lines are an error.
      for (const line of shownLines(request.action, answer)) (options.quiet ? printError : printLine)(line);
      if (hint !== undefined) printError(hint);
    }
  }
}

/**
 * The exit status of an answer. `msg all` with nobody connected is no failure. The stock client of 1.3.8 exits with
 * 0 whatever the answer, that of 1.3.9 and later with the status negated.
 */
function exitStatusFor(
  answer: DaemonAnswer,
  options: GlobalOptions,
  request: {readonly action: string; readonly args: readonly string[]},
): number {
  if (options['stock-exit-status']) return answer.dialect === 'binary' ? 0 : exitStatusOf(answer.status);
  const toAll = request.action === 'msg' && request.args[0] === 'all';
  if (toAll && answer.verdict === STATUS.SUBJECT_NOT_FOUND && normalizeStatus(answer.status) === STATUS.OK)
    return 0;
  return exitStatusOf(answer.verdict);
}

/** Of these keys those that there are. */
function pick<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Partial<Pick<T, K>> {
  return Object.fromEntries(
    keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])),
  ) as Partial<Pick<T, K>>;
}
