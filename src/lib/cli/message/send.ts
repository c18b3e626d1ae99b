import {EXIT_TEMPFAIL} from '../../client/errors.ts';
import {nearestName} from '../../daemon/audience.ts';
import type {DeliveryResult, OutgoingMessage} from '../../daemon/daemon.ts';
import {STATUS} from '../../protocol/message.ts';
import {countOf} from '../../text.ts';
import type {Ask} from '../options/ask.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {UsageError, unsupported} from '../options/usageError.ts';
import {errorFields} from '../output/failure.ts';
import {printLine} from '../output/output.ts';
import {sessionTable} from '../output/sessionTable.ts';
import {canAsk} from '../prompt/terminal.ts';
import {
  audienceOf,
  type Draft,
  draftOf,
  hasAudience,
  hasNoText,
  joinLines,
  messageOf,
  readMessage,
  STANDARD_INPUT,
} from './draft.ts';
import {awaitReceipt, DeliveryProgress, shownTo, type Waited} from './receipt.ts';

/** The options of `msg`. */
export interface SendOptions extends GlobalOptions {
  readonly file?: string | undefined;
  readonly 'join-lines': boolean;
  readonly transliterate: boolean;
  readonly 'dry-run': boolean;
  /** Milliseconds. */
  readonly wait?: number | undefined;
}

/** What the command that sends has to offer. */
export interface SendTools {
  readonly ask: Ask;
  /** The text, where it was read already. */
  readonly text?: string | undefined;
  /** Print an answer and set the exit status. @param more of the JSON object, another exit status, and what to do */
  readonly report: (
    request: {readonly action: string; readonly args: readonly string[]},
    answer: DeliveryResult['answer'],
    more?: {
      readonly fields?: Readonly<Record<string, unknown>>;
      readonly exitStatus?: number;
      readonly hint?: string | undefined;
    },
  ) => void;
}

/**
 * Send a message, or say who would get it, and report what became of it.
 * @param words those after `msg` and its options
 * @throws FtpdctlError before anything is sent
 */
export async function sendMessage(
  words: readonly string[],
  options: SendOptions,
  tools: SendTools,
): Promise<void> {
  const {ask} = tools;
  const draft = await completeDraft(draftOf(words), options);
  const message = {audience: audienceOf(draft), text: await textOf(draft, options, tools)};
  if (options['dry-run']) return dryRun(message, options, tools);
  if (options.wait !== undefined) await demandReceipts(ask);
  const result = await ask((daemon) => daemon.message(message, {receipt: options.wait !== undefined}));
  if (options.wait === undefined || result.receiptId === undefined)
    reportSent(message, result, options, tools, await nearestConnected(message.audience, result.answer, ask));
  else await follow(message, result, {...options, wait: options.wait}, tools);
}

/**
 * Where nobody of a name is connected: the name that was probably meant, of those who are. Nobody is asked who may
 * answer at a poll only.
 * @param audience a kind and names
 */
export async function nearestConnected(
  audience: readonly string[],
  {verdict}: Pick<DeliveryResult['answer'], 'verdict'>,
  ask: Ask,
): Promise<string | undefined> {
  if (verdict !== STATUS.SUBJECT_NOT_FOUND || audience.length < 2) return undefined;
  const result = await ask((daemon) => daemon.sessions({}, {withoutPoll: true})).catch(() => undefined);
  if (result?.kind !== 'sessions') return undefined;
  const near = nearestName(audience, result.sessions);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

/** Missing words are asked for at a terminal; elsewhere they are an error later. */
async function completeDraft(draft: Draft, options: SendOptions): Promise<Draft> {
  const hasText = options.file !== undefined;
  // Last, since looking at standard input opens it.
  if ((hasAudience(draft) && (hasText || !hasNoText(draft))) || !canAsk(options)) return draft;
  const {askMissingWords} = await import('../prompt/draftQuestions.ts');
  return askMissingWords(draft, {options, hasText});
}

async function textOf(draft: Draft, options: SendOptions, {ask, text: known}: SendTools): Promise<string> {
  let text = known ?? (await sourceText(draft, options.file));
  if (options.transliterate) {
    const {default: anyAscii} = await import('any-ascii');
    text = anyAscii(text);
  }
  if (!options['join-lines'] || !text.includes('\n')) return text;
  const {severalLines} = await ask((daemon) => daemon.textRules());
  return severalLines ? text : joinLines(text);
}

/** The message as it was given: words, a file, or standard input. */
export async function sourceText(draft: Draft, file: string | undefined): Promise<string> {
  // The one message that is no words: `msg all -F FILE`, where a person puts the option last.
  const [first, second, ...more] = draft.words;
  if (file === undefined && first === '-F' && second !== undefined && more.length === 0)
    return readMessage(second);
  if (file !== undefined) {
    if (draft.words.length === 0) return readMessage(file);
    throw new UsageError('the message is given twice: by -F and as words', 'leave one of them out');
  }
  const isInput = draft.words.length === 1 && draft.words[0] === STANDARD_INPUT;
  return isInput ? readMessage(STANDARD_INPUT) : messageOf(draft);
}

/** @throws FtpdctlError before anything is sent, where nobody could say what becomes of it. */
async function demandReceipts(ask: Ask): Promise<void> {
  const answer = await ask((daemon) => daemon.receipts());
  if (answer.kind === 'unsupported')
    throw unsupported({...answer, reason: `${answer.reason}; nothing was sent`});
}

async function dryRun(message: OutgoingMessage, options: SendOptions, tools: SendTools): Promise<void> {
  const result = await tools.ask((daemon) => daemon.recipients(message));
  if (result.kind === 'unsupported')
    throw unsupported({...result, reason: `${result.reason}; nothing was sent`});
  const {sessions = []} = result;
  tools.report(requestOf(message), result.answer, {
    ...exitStatusIn(result, options),
    hint: await nearestConnected(message.audience, result.answer, tools.ask),
    // What serve answers has them by itself.
    ...(result.answer.via === 'direct' ? {fields: {sessions}} : {}),
  });
  if (sessions.length > 0 && !options.json && !options.quiet) process.stdout.write(sessionTable(sessions));
}

/** Report the answer, and how many sessions it was queued for where the daemon has counted them. */
function reportSent(
  message: OutgoingMessage,
  result: DeliveryResult,
  options: GlobalOptions,
  {report}: SendTools,
  hint?: string,
): void {
  const {answer, receiptId, recipients = 0} = result;
  const {json, quiet} = options;
  report(requestOf(message), answer, {...exitStatusIn(result, options), hint});
  if (receiptId !== undefined && answer.via !== 'direct' && !json && !quiet)
    printLine(`queued for ${countOf(recipients, 'session')}`);
}

async function follow(
  message: OutgoingMessage,
  result: DeliveryResult,
  options: SendOptions & {readonly wait: number},
  tools: SendTools,
): Promise<void> {
  if (!options.json) reportSent(message, result, options, tools);
  const waited = await waitUntilShown(result, options, tools.ask);
  if (options.json) reportAll(message, result, waited, {options, tools});
  else if (waited.error) throw waited.error;
  else if (waited.receipt && !options.quiet) printLine(shownTo(waited.receipt));
}

async function waitUntilShown(
  {receiptId: id = '', recipients = 0, refused = 0}: DeliveryResult,
  {quiet, json, wait}: SendOptions & {readonly wait: number},
  ask: Ask,
): Promise<Waited> {
  const progress = quiet || json ? undefined : await DeliveryProgress.start();
  try {
    return await awaitReceipt({
      recipients: recipients + refused,
      wait,
      ask: (left) => ask((daemon) => daemon.receipt(id, left)),
      onReceipt: (receipt) => progress?.update(receipt),
    });
  } finally {
    progress?.end();
  }
}

function reportAll(
  message: OutgoingMessage,
  result: DeliveryResult,
  {receipt, error}: Waited,
  {options, tools}: {readonly options: GlobalOptions; readonly tools: SendTools},
): void {
  tools.report(requestOf(message), result.answer, {
    fields: {...(receipt ? {receipt} : {}), ...(error ? {error: errorFields(error)} : {})},
    ...(error ? {exitStatus: error.exitStatus} : exitStatusIn(result, options)),
  });
}

/** Sessions that nobody could be asked about may have been meant: that is no success, and another try may reach them. */
function exitStatusIn({unanswered = 0}: DeliveryResult, options: GlobalOptions): {exitStatus?: number} {
  return unanswered > 0 && !options['stock-exit-status'] ? {exitStatus: EXIT_TEMPFAIL} : {};
}

function requestOf({audience, text}: OutgoingMessage) {
  return {action: 'msg', args: [...audience, text]};
}
