import type {Answer} from '../../client/client.ts';
import type {Remembered} from '../../client/memory.ts';
import {FtpdctlError} from '../../errors.ts';
import type {MessageDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/status.ts';
import {audienceOf} from '../message/draft.ts';
import {errorLine} from '../output/failure.ts';
import {printError, printLine} from '../output/output.ts';
import {printable} from '../output/printable.ts';
import {sessionCount, sessionTable} from '../output/sessionTable.ts';
import {askAudience, freely} from './audienceQuestion.ts';
import type {Call} from './call.ts';
import type {Choice, Questions} from './questions.ts';
import type {Recent} from './recent.ts';
import {splitWords} from './splitWords.ts';
import {askText} from './textQuestion.ts';

/** Actions that only tell something: they need no second thought. */
const HARMLESS = new Set(['help', 'lsctrl', 'receipt', 'status', 'who']);

const LEAVE = Symbol('leave');

/** Prompt mode: choose an action, give it its words, see what comes of it, and go round again. */
export class Conversation {
  readonly #questions: Questions;
  readonly #call: Call;
  readonly #recent: Recent;

  constructor(tools: {readonly questions: Questions; readonly call: Call; readonly recent: Recent}) {
    this.#questions = tools.questions;
    this.#call = tools.call;
    this.#recent = tools.recent;
  }

  /** @throws PromptAborted when the person leaves; ClientError when no server answers at the start */
  async run(): Promise<void> {
    const help = await this.#call((client) => client.request('help'));
    const server = await this.#call((client) => client.meet());
    const choices = [...actionChoices(help), {value: LEAVE, name: 'leave'}];
    for (;;) {
      const action = await this.#questions.pick('What shall the server do?', choices);
      if (typeof action === 'symbol') return;
      try {
        await (action === 'msg' ? this.#message(server) : this.#control(action));
      } catch (error) {
        if (!(error instanceof FtpdctlError)) throw error;
        printError(errorLine(error));
      }
    }
  }

  async #message(server: Remembered): Promise<void> {
    const isServe = server.serve !== undefined;
    const tools = {questions: this.#questions, call: this.#call, recent: this.#recent, isServe};
    const draft = await askAudience({}, tools);
    const audience = audienceOf({...draft, words: []});
    const text = await askText(this.#questions, server, audience);
    const isReady = isServe ? await this.#rehearse(audience, text) : sayUntold();
    if (!isReady || !(await this.#questions.confirm(`Send it to ${audience.join(' ')}?`, true))) return;
    const answer = await this.#call((client) => client.message(audience, text));
    tell(answer);
    if (answer.verdict === STATUS.OK && draft.name !== undefined) this.#recent.add(draft.kind!, draft.name);
  }

  /** Show who would get it. Returns whether anybody would. */
  async #rehearse(audience: readonly string[], text: string): Promise<boolean> {
    const answer = await this.#call((client) => client.message(audience, text, {options: {dryRun: true}}));
    for (const line of answer.responses) printLine(line);
    const {recipients = 0, sessions = []} = detailsOf(answer);
    if (sessions.length > 0) process.stdout.write(sessionTable(sessions));
    return answer.verdict === STATUS.OK && recipients > 0;
  }

  async #control(action: string): Promise<void> {
    const {line, args} = await this.#words(action);
    const whole = printable(`${action} ${line}`.trimEnd());
    // Of what may end sessions or the server itself, Enter alone is no wish.
    if (!HARMLESS.has(action) && !(await this.#questions.confirm(`Send "${whole}"?`, false))) return;
    const answer = await this.#call((client) => client.request(action, args));
    tell(answer);
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
function actionChoices({responses}: Answer): Choice<string | symbol>[] {
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

function sayUntold(): boolean {
  process.stdout.write('This server cannot say who will get it.\n');
  return true;
}

function tell(answer: Answer): void {
  for (const line of answer.responses) printLine(line);
  const {id, recipients = 0} = detailsOf(answer);
  if (id !== undefined) printLine(`queued for ${sessionCount(recipients)}`);
}

function detailsOf({server}: Answer): Partial<MessageDetails> {
  return (server?.details as MessageDetails | undefined) ?? {};
}
