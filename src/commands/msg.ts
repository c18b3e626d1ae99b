import {boolean, custom, string} from '@oclif/core/flags';
import {DeliveryProgress} from '../lib/cli/message/deliveryProgress.ts';
import {
  audienceOf,
  type Draft,
  draftOf,
  hasAudience,
  hasNoText,
  messageOf,
} from '../lib/cli/message/draft.ts';
import {awaitReceipt, shownTo, type Waited} from '../lib/cli/message/receipt.ts';
import {joinLines, readMessage, STANDARD_INPUT} from '../lib/cli/message/text.ts';
import type {GlobalOptions} from '../lib/cli/options/baseCommand.ts';
import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {parseSeconds} from '../lib/cli/options/seconds.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';
import {errorFields} from '../lib/cli/output/failure.ts';
import {printLine} from '../lib/cli/output/output.ts';
import {sessionCount, sessionTable} from '../lib/cli/output/sessionTable.ts';
import {canAsk} from '../lib/cli/prompt/terminal.ts';
import {type Answer, DEFAULT_TIMEOUT} from '../lib/client/client.ts';
import {FtpdctlError} from '../lib/errors.ts';
import type {MessageDetails} from '../lib/protocol/details.ts';
import {exitStatusOf, STATUS} from '../lib/protocol/status.ts';

/** Seconds that `--wait` alone stands for. */
const WAIT_SECONDS = '60';

interface MsgOptions extends GlobalOptions {
  readonly file?: string | undefined;
  readonly 'join-lines': boolean;
  readonly transliterate: boolean;
  /** Milliseconds. */
  readonly wait?: number | undefined;
}

/** A message on its way. */
interface Sending {
  readonly audience: readonly string[];
  readonly text: string;
}

export default class Msg extends ControlCommand {
  static override summary = 'Send a message to connected FTP clients';
  static override description =
    "The message joins the reply to each client's next FTP command. Every word after the audience belongs to it, " +
    'dashes and all; but "-" alone is standard input, and "-F FILE" alone a file. Exits with 7, and sends nothing, where a server ' +
    'cannot say who gets it (--dry-run) or who was shown it (--wait).';
  static override usage = 'msg [OPTION...] user|host|class NAME MESSAGE...\nmsg [OPTION...] all MESSAGE...';
  static override examples = [
    '<%= config.bin %> msg user dave please delete some files',
    '<%= config.bin %> msg class staff the disk is nearly full',
    '<%= config.bin %> msg -F notice.txt all',
    '<%= config.bin %> msg --wait=30 all going down in 5 minutes',
  ];
  static override flags = {
    file: string({
      char: 'F',
      helpValue: 'FILE',
      summary: 'read the message from a file',
    }),
    'join-lines': boolean({
      summary: 'make one line of several for a ProFTPD',
    }),
    transliterate: boolean({
      summary: 'write it in ASCII, which every server takes',
    }),
    'dry-run': boolean({
      summary: 'say who would get it, and send nothing',
      exclusive: ['wait'],
    }),
    wait: {
      ...custom<number>({
        helpValue: '[SECONDS]',
        summary:
          `wait until each was shown it, ${WAIT_SECONDS} s or this long; exit with 75 if time is over, ` +
          'with 4 if somebody never will',
        parse: async (input) => parseSeconds('--wait', input),
      })(),
      bare: WAIT_SECONDS,
    },
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Msg);
    const draft = await this.#complete(flags);
    const audience = audienceOf(draft);
    const sending = {audience, text: await this.#textOf(draft, flags)};
    if (flags['dry-run']) return this.#rehearse(flags, sending);
    if (flags.wait !== undefined) await this.#demandReceipts(flags);
    const answer = await this.ask(flags, (client) => client.message(audience, sending.text));
    const {id} = detailsOf(answer);
    if (flags.wait === undefined || id === undefined) this.#tell(flags, sending, answer);
    else await this.#follow(flags, sending, answer, id, flags.wait);
  }

  /** Missing words are asked for at a terminal; elsewhere they are an error, by and by. */
  async #complete(options: MsgOptions): Promise<Draft> {
    const draft = draftOf(this.words);
    if (!canAsk(options) || (hasAudience(draft) && (options.file !== undefined || !hasNoText(draft))))
      return draft;
    const {askMissingWords} = await import('../lib/cli/prompt/missingWords.ts');
    return askMissingWords(draft, {
      options,
      hasText: options.file !== undefined,
      makeClient: (...how) => this.client(options, ...how),
    });
  }

  async #textOf(draft: Draft, options: MsgOptions): Promise<string> {
    let text = await sourceText(draft, options.file);
    if (options.transliterate) {
      const {default: anyAscii} = await import('any-ascii');
      text = anyAscii(text);
    }
    const isJoined = options['join-lines'] && text.includes('\n') && !(await this.#isServe(options));
    return isJoined ? joinLines(text) : text;
  }

  async #isServe(options: MsgOptions): Promise<boolean> {
    return (await this.ask(options, (client) => client.identify())) !== undefined;
  }

  /** @throws FtpdctlError before anything is sent, where nobody could say what becomes of it. */
  async #demandReceipts(options: MsgOptions): Promise<void> {
    if (await this.#isServe(options)) return;
    throw new FtpdctlError(
      'NO_RECEIPTS',
      'a ProFTPD cannot say whether a message was shown; nothing was sent',
      exitStatusOf(STATUS.UNSUPPORTED_OPERATION),
      {hint: 'send it without --wait'},
    );
  }

  async #rehearse(options: MsgOptions, sending: Sending): Promise<void> {
    const answer = await this.ask(options, (client) =>
      client.message(sending.audience, sending.text, {options: {dryRun: true}}),
    );
    this.#report(options, sending, answer);
    const {sessions} = detailsOf(answer);
    if (sessions?.length && !options.json && !options.quiet) process.stdout.write(sessionTable(sessions));
  }

  /** Report the answer, and how many sessions took the message where the server has counted them. */
  #tell(options: MsgOptions, sending: Sending, answer: Answer): void {
    this.#report(options, sending, answer);
    const {id, recipients = 0} = detailsOf(answer);
    if (id !== undefined && !options.json && !options.quiet) {
      printLine(`queued for ${sessionCount(recipients)}`);
    }
  }

  async #follow(options: MsgOptions, sending: Sending, answer: Answer, id: string, wait: number) {
    if (!options.json) this.#tell(options, sending, answer);
    const waited = await this.#wait(options, id, wait);
    if (options.json) this.#reportAll(options, sending, answer, waited);
    else if (waited.error) throw waited.error;
    else if (waited.receipt && !options.quiet) printLine(shownTo(waited.receipt));
  }

  async #wait(options: MsgOptions, id: string, wait: number): Promise<Waited> {
    const progress = options.quiet || options.json ? undefined : await DeliveryProgress.start();
    const {timeout = DEFAULT_TIMEOUT} = options;
    try {
      return await awaitReceipt(id, {
        wait,
        ask: (left) => this.client({...options, timeout: Math.min(timeout, left)}).request('receipt', [id]),
        onReceipt: (receipt) => progress?.update(receipt),
      });
    } finally {
      progress?.end();
    }
  }

  #report(options: MsgOptions, {audience, text}: Sending, answer: Answer): void {
    this.report(options, {action: 'msg', args: [...audience, text]}, answer);
  }

  #reportAll(options: MsgOptions, {audience, text}: Sending, answer: Answer, {receipt, error}: Waited): void {
    this.report(options, {action: 'msg', args: [...audience, text]}, answer, {
      fields: {...(receipt ? {receipt} : {}), ...(error ? {error: errorFields(error)} : {})},
      ...(error ? {exitStatus: error.exitStatus} : {}),
    });
  }
}

/** The message as it was given: words, a file, or standard input. */
async function sourceText(draft: Draft, file: string | undefined): Promise<string> {
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

function detailsOf({server}: Answer): Partial<MessageDetails> {
  return (server?.details as MessageDetails | undefined) ?? {};
}
