/** One of several answers. */
export interface Choice<T> {
  readonly value: T;
  readonly name: string;
  /** The answer as it stands behind its question afterwards; the name where there is none. */
  readonly short?: string;
  /** Said of the choice while it is looked at. */
  readonly description?: string;
}

/** A question for the text of a message. */
export interface MessageQuestion {
  readonly message: string;
  /** Whether the server takes a message of several lines. */
  readonly severalLines: boolean;
  /** Bytes that still fit; below 0 when it is too long. */
  readonly room: (text: string) => number;
  /** Why the server cannot take it. */
  readonly refusal: (text: string) => string | undefined;
  /** What was written before; it can be changed. */
  readonly initial?: string;
  /** Called with what is written so far, so that it is not lost when the person goes back. */
  readonly onChange?: (text: string) => void;
}

/** What there is to know beside a question. */
export interface SearchOptions {
  /** What may be typed; or why there is nothing to choose from. */
  readonly hint?: string;
  /** What was typed before; it can be changed. */
  readonly initial?: string;
}

/** The ways to ask a person. Each rejects with a `PromptAborted` when the person leaves, a `StepBack` to go back. */
export interface Questions {
  /** Aborted, with a `PromptAborted` as its reason, when the person leaves. */
  readonly signal: AbortSignal;
  pick<T>(message: string, choices: readonly Choice<T>[]): Promise<T>;
  /** Pick one of what is found for what is typed. */
  search(
    message: string,
    find: (typed: string) => readonly Choice<string>[],
    options?: SearchOptions,
  ): Promise<string>;
  text(question: MessageQuestion): Promise<string>;
  confirm(message: string, byDefault: boolean): Promise<boolean>;
  /** Give the terminal back. */
  close(): void;
}

/** Exit status of a program that a signal ends, as shells write it: 128 and the signal's number. */
const EXIT_STATUS = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const;

/** What ends a prompt: a signal (Ctrl-C is SIGINT), or the end of the input (Ctrl-D). */
export type AbortReason = keyof typeof EXIT_STATUS | 'end';

/** The signals that end it. */
export const ABORT_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The user has left the prompt. It is not reported as an error: nothing is printed. */
export class PromptAborted extends Error {
  override readonly name = 'PromptAborted';

  constructor(readonly reason: AbortReason) {
    super(`prompt aborted: ${reason}`);
  }

  /** A command that was not carried out has not succeeded: 1 for the end of the input. */
  get exitStatus(): number {
    return this.reason === 'end' ? 1 : EXIT_STATUS[this.reason];
  }
}

/** Escape: the user wants the question before. Where there is none, this leaves as the end of the input does. */
export class StepBack extends PromptAborted {
  constructor() {
    super('end');
  }
}

/** @returns `undefined` when the user goes back */
export async function orStepBack<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StepBack) return undefined;
    throw error;
  }
}
