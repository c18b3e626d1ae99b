/** Exit status of a program that a signal ends, as shells write it: 128 and the signal's number. */
const EXIT_STATUS = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const;

/** What a person can leave with: a signal (Ctrl-C is SIGINT), or the end of the input (Ctrl-D). */
export type WayOut = keyof typeof EXIT_STATUS | 'end';

/** The person at the keyboard has had enough. That is no failure to speak of: nothing is printed. */
export class Leave extends Error {
  override readonly name = 'Leave';

  constructor(readonly way: WayOut) {
    super(`left by ${way}`);
  }

  /** A command that was not carried out has not succeeded: 1 for the end of the input. */
  get exitStatus(): number {
    return this.way === 'end' ? 1 : EXIT_STATUS[this.way];
  }
}
