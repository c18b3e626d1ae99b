import type {ControlAnswer} from '../../client/client.ts';
import type {DeliveryResult, OutgoingMessage} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/message.ts';
import {countOf} from '../../text.ts';
import {type AudienceKind, audienceOf, type Draft} from '../message/draft.ts';
import {usageOf} from '../options/actions.ts';
import type {Ask} from '../options/ask.ts';
import {errorLine} from '../output/failure.ts';
import {printable, printError, printLine} from '../output/output.ts';
import {sessionTable} from '../output/sessionTable.ts';
import {allServers} from '../servers.ts';
import {askAudience, askText, freely} from './draftQuestions.ts';
import {type Choice, orStepBack, type Questions} from './questions.ts';
import type {Recent} from './recent.ts';

/** Actions that only tell something: they need no second thought. */
const HARMLESS = new Set(['help', 'lsctrl', 'receipt', 'status', 'who']);

const LEAVE = Symbol('leave');

/** Prompt mode: choose an action, give it its words, see what comes of it, and go round again. */
export class Conversation {
  readonly #questions: Questions;
  readonly #ask: Ask;
  readonly #recent: Recent;
  /** A message that was written and not sent; it is there again when the next one is asked for. */
  #unsent = '';
  /** The same, of the words of each action. */
  readonly #unsentWords = new Map<string, string>();

  constructor(tools: {readonly questions: Questions; readonly ask: Ask; readonly recent: Recent}) {
    this.#questions = tools.questions;
    this.#ask = tools.ask;
    this.#recent = tools.recent;
  }

  /** @throws PromptAborted when the person leaves; ClientError when no server answers at the start */
  async run(): Promise<void> {
    const help = await this.#ask((daemon) => daemon.request('help'));
    const choices = [...actionChoices(help), {value: LEAVE, name: 'leave'}];
    for (;;) {
      const action = await orStepBack(this.#questions.pick('Which action to send?', choices));
      // There is no step before the first.
      if (action === undefined) continue;
      if (typeof action === 'symbol') return;
      try {
        await orStepBack(action === 'msg' ? this.#message() : this.#control(action));
      } catch (error) {
        if (!(error instanceof FtpdctlError)) throw error;
        printError(errorLine(error));
      }
    }
  }

  /** @throws StepBack from the first question */
  async #message(): Promise<void> {
    const tools = {questions: this.#questions, ask: this.#ask, recent: this.#recent};
    let kind: AudienceKind | undefined;
    for (;;) {
      const draft = await askAudience({}, tools, kind);
      if ((await this.#write(draft)) === 'done') return;
      kind = draft.kind;
    }
  }

  /** Have a message written and send it; or `back`, to choose somebody else who gets it. */
  async #write(draft: Pick<Draft, 'kind' | 'name'>): Promise<'done' | 'back'> {
    const audience = audienceOf({...draft, words: []});
    for (;;) {
      const text = await orStepBack(this.#text(audience));
      if (text === undefined || !(await this.#dryRun(audience, text))) return 'back';
      const isWanted = await orStepBack(this.#questions.confirm(`Send it to ${audience.join(' ')}?`, true));
      if (isWanted === undefined) continue;
      if (isWanted) await this.#send(draft, {audience, text});
      return 'done';
    }
  }

  async #text(audience: readonly string[]): Promise<string> {
    return askText(this.#questions, await this.#ask((daemon) => daemon.textRules()), {
      audience,
      initial: this.#unsent,
      onChange: (typed) => {
        this.#unsent = typed;
      },
    });
  }

  async #send(draft: Pick<Draft, 'kind' | 'name'>, message: OutgoingMessage): Promise<void> {
    const result = await this.#ask((daemon) => daemon.message(message, {receipt: false}));
    tell(result);
    if (result.answer.verdict !== STATUS.OK) return;
    this.#unsent = '';
    // The id of a session means nothing once it has ended.
    if (draft.name !== undefined && draft.kind !== 'session') this.#recent.add(draft.kind!, draft.name);
  }

  /** Show who would get it. Returns whether anybody would, as far as the daemon can tell. */
  async #dryRun(audience: readonly string[], text: string): Promise<boolean> {
    const result = await this.#ask((daemon) => daemon.recipients({audience, text}));
    if (result.kind === 'unsupported') {
      process.stdout.write('This server cannot say who will get it.\n');
      return true;
    }
    const {answer, recipients = 0, sessions = []} = result;
    for (const line of answer.responses) printLine(line);
    if (sessions.length > 0) process.stdout.write(sessionTable(sessions));
    return answer.verdict === STATUS.OK && recipients > 0;
  }

  /** @throws StepBack from the first question */
  async #control(action: string): Promise<void> {
    for (;;) {
      const {line, args} = await this.#words(action);
      const whole = printable(`${action} ${line}`.trimEnd());
      this.#unsentWords.set(action, line);
      // Of what may end sessions or the server itself, Enter alone is no wish.
      const isWanted =
        HARMLESS.has(action) || (await orStepBack(this.#questions.confirm(`Send "${whole}"?`, false)));
      if (isWanted === undefined) continue;
      if (isWanted) await this.#sendControl(action, line, args);
      return;
    }
  }

  async #sendControl(action: string, line: string, args: readonly string[]): Promise<void> {
    const isAll = args.length === 1 && args[0] === 'all';
    const answer =
      isAll && (action === 'up' || action === 'down')
        ? await allServers(action, this.#ask)
        : await this.#ask((daemon) => daemon.request(action, args));
    tell({kind: 'answered', answer});
    if (answer.verdict !== STATUS.OK) return;
    this.#unsentWords.delete(action);
    if (line !== '') this.#recent.add(`words of ${action}`, line);
  }

  async #words(action: string): Promise<{line: string; args: string[]}> {
    const usage = usageOf(action);
    if (usage.length === 1 && usage[0] === action) return {line: '', args: []};
    const used = this.#recent.of(`words of ${action}`);
    const find = freely([...new Set([...wholeLines(action, usage), ...used])]);
    const canBeNone = usage.length === 0 || usage.includes(action);
    const none = canBeNone ? [{value: '', name: '(none)'}] : [];
    const hint =
      usage.length > 0
        ? usage.join(', or ')
        : `${printable(action)}: its words are not known here, type them`;
    for (;;) {
      const line = await this.#questions.search(
        `Words for ${printable(action)}:`,
        (typed) => (typed === '' ? [...none, ...find('')] : find(typed)),
        {hint, initial: this.#unsentWords.get(action) ?? ''},
      );
      const args = splitWords(line);
      if (args !== undefined) return {line, args};
      printError('a quote is not closed, or a backslash ends the line');
      this.#unsentWords.set(action, line);
    }
  }
}

/** The words of those ways to write an action that leave nothing open. */
function wholeLines(action: string, usage: readonly string[]): string[] {
  return usage
    .filter((line) => line.startsWith(`${action} `) && !/[A-Z|[]/.test(line))
    .map((line) => line.slice(action.length + 1));
}

/** The server's own list; where it has none to give, a message is all we know of. */
function actionChoices({responses}: ControlAnswer): Choice<string | symbol>[] {
  const listed = responses.flatMap((line) => {
    const [, name, description] = /^(\S+): (.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{value: name, summary: printable(description!)}];
  });
  const known = listed.length > 0 ? listed : [{value: 'msg', summary: 'send a message'}];
  const width = Math.max(...known.map(({value}) => value.length));
  return known
    .map(({value, summary}) => {
      const short = printable(value);
      const usage = usageOf(value);
      return {
        value,
        short,
        name: `${short.padEnd(width)}  ${summary}`,
        ...(usage.length === 0 ? {} : {description: usage.join(', or ')}),
      };
    })
    .sort((a, b) => Number(b.value === 'msg') - Number(a.value === 'msg'));
}

function tell({answer, receiptId, recipients = 0}: DeliveryResult): void {
  for (const line of answer.responses) printLine(line);
  if (receiptId !== undefined) printLine(`queued for ${countOf(recipients, 'session')}`);
}

/**
 * The words of a line, parted by white space. Quotes of either kind keep white space in a word, a backslash takes
 * the next character as it is (within double quotes, too), as in a shell; nothing else has a meaning.
 * @returns undefined when a quote is not closed, or a backslash ends the line
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let rest = line.trimStart();
  while (rest !== '') {
    const word = WORD.exec(rest)?.[0];
    if (word === undefined) return undefined;
    words.push(word.replace(PIECE, unquote));
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}

const PIECE = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g;
const WORD = /^(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+(?=\s|$)/;

function unquote(_piece: string, single?: string, double?: string, escaped?: string): string {
  return single ?? double?.replace(/\\(.)/g, '$1') ?? escaped ?? '';
}
