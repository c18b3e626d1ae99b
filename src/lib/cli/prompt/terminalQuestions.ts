import {Writable} from 'node:stream';
import type {WriteStream} from 'node:tty';
import {styleText} from 'node:util';
import {printError} from '../output/output.ts';
import {cut, isColourful, wrapWords} from '../output/terminal.ts';
import {Keyboard} from './keyboard.ts';
import {messagePrompt, type TerminalMessageQuestion} from './messagePrompt.ts';
import {type Choice, type Questions, StepBack} from './questions.ts';

/** How inquirer's own prompts are called, which its collection of them does not say. */
type Prompt<Config, Value> = (
  config: Config,
  context: {
    input: NodeJS.ReadableStream;
    output: NodeJS.WritableStream;
    signal: AbortSignal;
    readonly clearPromptOnDone: boolean;
  },
) => Promise<Value>;

/** What inquirer's lists have in common. */
interface ListConfig {
  message: string;
  pageSize: number;
  theme: {style: {keysHelpTip: () => string}};
}

interface Prompts {
  select: Prompt<ListConfig & {choices: readonly Choice<unknown>[]; loop: boolean}, unknown>;
  search: Prompt<
    ListConfig & {source: (typed?: string) => readonly Choice<string>[]; initialValue: string},
    string
  >;
  confirm: Prompt<{message: string; default: boolean}, boolean>;
}

/** Choices shown at once: a terminal of 24 lines holds them. */
const MAX_PAGE = 12;
const MIN_PAGE = 3;
/** Lines of a list that are none of its choices: the question, an empty one, what is said of a choice, the keys. */
const OTHER_LINES = 9;
/** Columns in front of a choice, and an empty one behind it. */
const BESIDE_CHOICE = 3;

/** Characters of a name, or of the words of an action. */
const MAX_LINE = 1024;

/** More has come at once than fits into an answer. */
class AnswerTooLong extends Error {
  constructor(length: number) {
    super(`too long to be inserted: ${length} characters, of which ${MAX_LINE} would fit`);
  }
}

/** "Select graphic rendition" (ECMA-48, 8.3.117): colours and weights. */
const RENDITION = /\x1b\[[\d;]*m/g;

/** A terminal without its colours. inquirer on Node 20 does not ask for NO_COLOR itself. */
class ColourlessOutput extends Writable {
  readonly isTTY = true;

  readonly #terminal: WriteStream;

  constructor(terminal: WriteStream) {
    super({decodeStrings: false});
    this.#terminal = terminal;
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  override _write(text: string, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#terminal.write(text.replace(RENDITION, ''), written);
  }
}

/** Questions that inquirer draws. It is loaded now: no other command pays for it. */
export async function terminalQuestions(output: NodeJS.WriteStream): Promise<Questions> {
  const [{default: inquirer}, message] = await Promise.all([import('inquirer'), messagePrompt()]);
  const prompts = inquirer.createPromptModule().prompts as unknown as Prompts;
  const keyboard = new Keyboard(process.stdin, output);
  const {signal} = keyboard;
  const size = () => ({columns: output.columns || 80, rows: output.rows || 24});

  async function askOnce<Config, Value>(
    prompt: Prompt<Config, Value>,
    config: Config,
    maxText: number,
  ): Promise<Value> {
    // What was typed before the question stands is read, and thrown away, first.
    await new Promise(setImmediate);
    signal.throwIfAborted();
    const question = new AbortController();
    const either = AbortSignal.any([signal, question.signal]);
    keyboard.listen({
      maxText,
      onTooLong: (length) => question.abort(new AnswerTooLong(length)),
      onEscape: () => question.abort(new StepBack()),
    });
    try {
      return await prompt(config, {
        signal: either,
        input: keyboard.keys,
        output: isColourful(output) ? output : new ColourlessOutput(output),
        // Whoever leaves leaves no half-answered question behind.
        get clearPromptOnDone() {
          return either.aborted;
        },
      });
    } catch (error) {
      either.throwIfAborted();
      throw error;
    } finally {
      keyboard.ignore();
    }
  }

  async function ask<Config, Value>(
    prompt: Prompt<Config, Value>,
    config: Config,
    maxText = MAX_LINE,
  ): Promise<Value> {
    for (;;) {
      try {
        return await askOnce(prompt, config, maxText);
      } catch (error) {
        if (!(error instanceof AnswerTooLong)) throw error;
        printError(error.message);
      }
    }
  }

  /** @param total choices there are, looked up when they are drawn */
  function list(text: string, hint: string, keys: readonly string[], total: () => number): ListConfig {
    const {columns, rows} = size();
    const pageSize = Math.min(MAX_PAGE, Math.max(MIN_PAGE, rows - OTHER_LINES));
    const keysHelpTip = (): string => {
      const more = total() > pageSize ? [`${pageSize} of ${total()} shown: ↑↓ for more`] : [];
      return [...wrapWords(hint, columns - 1), ...more, ...wrapKeys(keys, columns - 1)]
        .map((line) => styleText('dim', line))
        .join('\n');
    };
    return {message: text, pageSize, theme: {style: {keysHelpTip}}};
  }

  /** A choice on one line; what does not fit is said while it is looked at. */
  function oneLine<T>(choice: Choice<T>): Choice<T> {
    const {columns} = size();
    const name = cut(choice.name, columns - BESIDE_CHOICE);
    const said = [name === choice.name ? '' : choice.name, choice.description ?? ''].filter(Boolean);
    const description = said.flatMap((text) => wrapWords(text.replace(/ +/g, ' '), columns - 1)).join('\n');
    return {
      ...choice,
      name,
      short: choice.short ?? choice.name,
      ...(description === '' ? {} : {description}),
    };
  }

  return {
    signal,
    pick: <T>(text: string, choices: readonly Choice<T>[]) =>
      ask(prompts.select, {
        ...list(text, '', ['↑↓ move', '⏎ choose', 'esc back'], () => choices.length),
        choices: choices.map(oneLine),
        loop: false,
      }) as Promise<T>,
    search(text, find, {hint = '', initial = ''} = {}) {
      let total = find(initial).length;
      return ask(prompts.search, {
        ...list(text, hint, ['↑↓ move', '⏎ choose', 'esc back'], () => total),
        source(typed = '') {
          const found = find(typed);
          total = found.length;
          return found.map(oneLine);
        },
        initialValue: initial,
      });
    },
    text: (question) =>
      ask(message as Prompt<TerminalMessageQuestion, string>, {...question, size}, Number.POSITIVE_INFINITY),
    confirm: (text, byDefault) => ask(prompts.confirm, {message: text, default: byDefault}),
    close: () => keyboard.release(),
  };
}

/** Keys and what they do, as many on a line as fit. */
function wrapKeys(keys: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const key of keys) {
    const longer = `${lines.at(-1) ?? ''} • ${key}`;
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(key);
  }
  return lines;
}
