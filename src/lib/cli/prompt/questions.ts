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
}

/** The ways to ask a person. Each rejects with a `PromptAborted` when the person leaves. */
export interface Questions {
  /** Aborted, with a `PromptAborted` as its reason, when the person leaves. */
  readonly signal: AbortSignal;
  pick<T>(message: string, choices: readonly Choice<T>[]): Promise<T>;
  /** Pick one of what is found for what is typed. */
  search(message: string, find: (typed: string) => readonly Choice<string>[]): Promise<string>;
  text(question: MessageQuestion): Promise<string>;
  confirm(message: string, byDefault: boolean): Promise<boolean>;
  /** Give the terminal back. */
  close(): void;
}
