/** Exit status of a program that a signal ends, as shells write it: 128 and the signal's number. */
const EXIT_STATUS = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const;

/** What ends a prompt: a signal (Ctrl-C is SIGINT), or the end of the input (Ctrl-D). */
export type AbortReason = keyof typeof EXIT_STATUS | 'end';

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
