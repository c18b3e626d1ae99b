import {emitKeypressEvents, type Key} from 'node:readline';
import {Leave, type WayOut} from './abort.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The keyboard for as long as questions are asked: Ctrl-C and Ctrl-D leave at any time, between two questions, too,
 * while a server is waited for. What is typed then is thrown away, so that no answer is given before its question.
 */
export class Keyboard {
  readonly #left = new AbortController();
  readonly #onKey = (_text: unknown, key: Key | undefined): void => {
    if (key?.ctrl && key.name === 'c') this.#leave('SIGINT');
    if (key?.ctrl && key.name === 'd') this.#leave('end');
  };
  readonly #onEnd = (): void => this.#leave('end');
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#leave(signal as WayOut);

  constructor(private readonly input: NodeJS.ReadStream) {
    emitKeypressEvents(input);
    input.on('keypress', this.#onKey).on('end', this.#onEnd);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    this.hold();
  }

  /** Aborted with a `Leave` as its reason. */
  get signal(): AbortSignal {
    return this.#left.signal;
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

  #leave(way: WayOut): void {
    this.#left.abort(new Leave(way));
  }
}
