import type {ControlAnswer} from '../../client/client.ts';
import type {DeliveryResult} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/message.ts';
import {countOf} from '../../text.ts';
import {audienceOf} from '../message/draft.ts';
import type {Ask} from '../options/ask.ts';
import {errorLine} from '../output/failure.ts';
import {printable, printError, printLine} from '../output/output.ts';
import {sessionTable} from '../output/sessionTable.ts';
import {askAudience, askText, freely} from './draftQuestions.ts';
import type {Choice, Questions} from './questions.ts';
import type {Recent} from './recent.ts';

/** Actions that only tell something: they need no second thought. */
const HARMLESS = new Set(['help', 'lsctrl', 'receipt', 'status', 'who']);

const LEAVE = Symbol('leave');

/** Prompt mode: choose an action, give it its words, see what comes of it, and go round again. */
export class Conversation {
  readonly #questions: Questions;
  readonly #ask: Ask;
  readonly #recent: Recent;

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
      const action = await this.#questions.pick('Which action to send?', choices);
      if (typeof action === 'symbol') return;
      try {
        await (action === 'msg' ? this.#message() : this.#control(action));
      } catch (error) {
        if (!(error instanceof FtpdctlError)) throw error;
        printError(errorLine(error));
      }
    }
  }

  async #message(): Promise<void> {
    const tools = {questions: this.#questions, ask: this.#ask, recent: this.#recent};
    const draft = await askAudience({}, tools);
    const audience = audienceOf({...draft, words: []});
    const text = await askText(this.#questions, await this.#ask((daemon) => daemon.textRules()), audience);
    const isReady = await this.#dryRun(audience, text);
    if (!isReady || !(await this.#questions.confirm(`Send it to ${audience.join(' ')}?`, true))) return;
    const result = await this.#ask((daemon) => daemon.message({audience, text}));
    tell(result);
    const {answer} = result;
    if (answer.verdict === STATUS.OK && draft.name !== undefined) this.#recent.add(draft.kind!, draft.name);
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

  async #control(action: string): Promise<void> {
    const {line, args} = await this.#words(action);
    const whole = printable(`${action} ${line}`.trimEnd());
    // Of what may end sessions or the server itself, Enter alone is no wish.
    if (!HARMLESS.has(action) && !(await this.#questions.confirm(`Send "${whole}"?`, false))) return;
    const answer = await this.#ask((daemon) => daemon.request(action, args));
    tell({kind: 'answered', answer});
    if (answer.verdict === STATUS.OK && line !== '') this.#recent.add(`words of ${action}`, line);
  }

  async #words(action: string): Promise<{line: string; args: string[]}> {
    const find = freely(this.#recent.of(`words of ${action}`));
    const none = {value: '', name: '(none)'};
    for (;;) {
      const line = await this.#questions.search(`Words for ${printable(action)}:`, (typed) =>
        typed === '' ? [none, ...find('')] : find(typed),
      );
      const args = splitWords(line);
      if (args !== undefined) return {line, args};
      printError('a quote is not closed, or a backslash ends the line');
    }
  }
}

/** The server's own list; where it has none to give, a message is all we know of. */
function actionChoices({responses}: ControlAnswer): Choice<string | symbol>[] {
  const listed = responses.flatMap((line) => {
    const [, name, description] = /^(\S+): (.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{value: name, description: printable(description!)}];
  });
  const known = listed.length > 0 ? listed : [{value: 'msg', description: 'send a message'}];
  const width = Math.max(...known.map(({value}) => value.length));
  return known
    .map(({value, description}) => {
      const short = printable(value);
      return {value, short, name: `${short.padEnd(width)}  ${description}`};
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
