import {getSystemErrorMap} from 'node:util';

/**
 * The root of every error this project throws on purpose.
 *
 * `code` is stable and meant for programs, `exitStatus` is what the command line exits with (ProFTPD's own
 * negated, 0 … 8; 64 and above are the client's), `hint` says what to do next. Only `cli/` prints them.
 */
export class FtpdctlError extends Error {
  override readonly name: string = 'FtpdctlError';

  constructor(
    readonly code: string,
    message: string,
    readonly exitStatus: number = 1,
    options: {cause?: unknown; hint?: string} = {},
  ) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause});
    if (options.hint !== undefined) this.hint = options.hint;
  }

  readonly hint?: string;
}

/** `EX_SOFTWARE` of `sysexits.h`: a fault of this program. */
export const EXIT_SOFTWARE = 70;

/** What was not thrown on purpose, as an error of ours. */
export function internalError(cause: unknown): FtpdctlError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const line = message.trim().replaceAll(/\s*\n\s*/g, ' ');
  return new FtpdctlError('INTERNAL', `this should not happen: ${line}`, EXIT_SOFTWARE, {
    cause,
    hint: 'please report it, with the command you gave',
  });
}

/** What a failed system call says, in words, without its code and its path: `no such file or directory`. */
export function reasonOf(error: unknown): string {
  const {errno, message} = error as NodeJS.ErrnoException;
  return (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || message;
}
