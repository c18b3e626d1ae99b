import {emitKeypressEvents, type Key} from 'node:readline';
import {ColourlessOutput, isColourful} from '../output/terminal.ts';
import {messagePrompt} from './messagePrompt.ts';
import {
  ABORT_SIGNALS,
  type AbortReason,
  type Choice,
  type MessageQuestion,
  PromptAborted,
  type Questions,
} from './questions.ts';

/** How inquirer's own prompts are called, which its collection of them does not say. */
type Prompt<Config, Value> = (
  config: Config,
  context: {signal: AbortSignal; output: NodeJS.WritableStream; readonly clearPromptOnDone: boolean},
) => Promise<Value>;

interface Prompts {
  select: Prompt<
    {message: string; choices: readonly Choice<unknown>[]; pageSize: number; loop: boolean},
    unknown
  >;
  search: Prompt<
    {message: string; source: (typed?: string) => readonly Choice<string>[]; pageSize: number},
    string
  >;
  confirm: Prompt<{message: string; default: boolean}, boolean>;
}

/** Choices shown at once: a small terminal holds them. */
const PAGE = 12;

/** Questions that inquirer draws. It is loaded now: no other command pays for it. */
export async function terminalQuestions(output: NodeJS.WriteStream): Promise<Questions> {
  const [{default: inquirer}, message] = await Promise.all([import('inquirer'), messagePrompt()]);
  const prompts = inquirer.createPromptModule().prompts as unknown as Prompts;
  const keyboard = new Keyboard(process.stdin);
  const {signal} = keyboard;

  async function ask<Config, Value>(prompt: Prompt<Config, Value>, config: Config): Promise<Value> {
    signal.throwIfAborted();
    try {
      return await prompt(config, {
        signal,
        output: isColourful(output) ? output : new ColourlessOutput(output),
        // Whoever leaves leaves no half-answered question behind.
        get clearPromptOnDone() {
          return signal.aborted;
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      keyboard.hold();
    }
  }

  return {
    signal,
    pick: <T>(text: string, choices: readonly Choice<T>[]) =>
      ask(prompts.select, {message: text, choices, pageSize: PAGE, loop: false}) as Promise<T>,
    search: (text, find) =>
      ask(prompts.search, {message: text, source: (typed) => find(typed ?? ''), pageSize: PAGE}),
    text: (question: MessageQuestion) => ask(message as Prompt<MessageQuestion, string>, question),
    confirm: (text, byDefault) => ask(prompts.confirm, {message: text, default: byDefault}),
    close: () => keyboard.release(),
  };
}

/**
 * The keyboard for as long as questions are asked: Ctrl-C and Ctrl-D leave at any time, between two questions, too,
 * while a server is waited for. What is typed then is thrown away, so that no answer is given before its question.
 */
class Keyboard {
  readonly #aborted = new AbortController();
  readonly #onKey = (_text: unknown, key: Key | undefined): void => {
    if (key?.ctrl && key.name === 'c') this.#abort('SIGINT');
    if (key?.ctrl && key.name === 'd') this.#abort('end');
  };
  readonly #onEnd = (): void => this.#abort('end');
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#abort(signal as AbortReason);

  readonly #input: NodeJS.ReadStream;

  constructor(input: NodeJS.ReadStream) {
    this.#input = input;
    emitKeypressEvents(input);
    input.on('keypress', this.#onKey).on('end', this.#onEnd);
    for (const signal of ABORT_SIGNALS) process.on(signal, this.#onSignal);
    this.hold();
  }

  /** Aborted with a `PromptAborted` as its reason. */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  /** Listen on: whoever asks a question lets go of the terminal at its end. */
  hold(): void {
    if (this.signal.aborted) return;
    this.#input.setRawMode?.(true);
    this.#input.resume();
  }

  release(): void {
    this.#input.off('keypress', this.#onKey).off('end', this.#onEnd);
    for (const signal of ABORT_SIGNALS) process.off(signal, this.#onSignal);
    this.#input.setRawMode?.(false);
    this.#input.pause();
  }

  #abort(reason: AbortReason): void {
    this.#aborted.abort(new PromptAborted(reason));
  }
}
