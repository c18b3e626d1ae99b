import {emitKeypressEvents, type Key} from 'node:readline';
import {type AbortReason, PromptAborted} from './questions.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The keyboard for as long as questions are asked: Ctrl-C and Ctrl-D leave at any time, between two questions, too,
 * while a server is waited for. What is typed then is thrown away, so that no answer is given before its question.
 */
export class Keyboard {
  readonly #aborted = new AbortController();
  readonly #onKey = (_text: unknown, key: Key | undefined): void => {
    if (key?.ctrl && key.name === 'c') this.#abort('SIGINT');
    if (key?.ctrl && key.name === 'd') this.#abort('end');
  };
  readonly #onEnd = (): void => this.#abort('end');
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#abort(signal as AbortReason);

  constructor(private readonly input: NodeJS.ReadStream) {
    emitKeypressEvents(input);
    input.on('keypress', this.#onKey).on('end', this.#onEnd);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    this.hold();
  }

  /** Aborted with a `PromptAborted` as its reason. */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  /** Listen on: whoever asks a question lets go of the terminal at its end. */
  hold(): void {
    if (this.signal.aborted) return;
    this.input.setRawMode?.(true);
    this.input.resume();
  }

  release(): void {
    this.input.off('keypress', this.#onKey).off('end', this.#onEnd);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.input.setRawMode?.(false);
    this.input.pause();
  }

  #abort(reason: AbortReason): void {
    this.#aborted.abort(new PromptAborted(reason));
  }
}
