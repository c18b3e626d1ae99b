import {ColourlessOutput, isColourful} from '../output/colour.ts';
import {Keyboard} from './keyboard.ts';
import {messagePrompt} from './messagePrompt.ts';
import type {Choice, MessageQuestion, Questions} from './questions.ts';

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
export async function terminalQuestions(): Promise<Questions> {
  const [{default: inquirer}, message] = await Promise.all([import('inquirer'), messagePrompt()]);
  const prompts = inquirer.createPromptModule().prompts as unknown as Prompts;
  const keyboard = new Keyboard(process.stdin);
  const {signal} = keyboard;

  async function ask<Config, Value>(prompt: Prompt<Config, Value>, config: Config): Promise<Value> {
    signal.throwIfAborted();
    try {
      return await prompt(config, {
        signal,
        output: isColourful(process.stdout) ? process.stdout : new ColourlessOutput(process.stdout),
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
