import {FtpdctlError} from '../errors.ts';
import {CONTROLS, escapeControls} from '../text.ts';

/** Where in the configuration something stands: file and line, as ProFTPD counts lines (from 1). */
export interface Location {
  readonly file: string;
  readonly line: number;
}

/** `FILE:LINE`, the form every message uses. */
export function formatLocation(at: Location): string {
  return `${at.file}:${at.line}`;
}

/** A configuration that ProFTPD would not start with, or a file of it that cannot be read. */
export class ConfigError extends FtpdctlError {
  override readonly name = 'ConfigError';

  /**
   * @param at the place; without a line where the file as a whole is meant
   * @param problem what was expected there, without the place
   */
  constructor(
    readonly at: Location | {readonly file: string},
    readonly problem: string,
    options: {cause?: unknown; hint?: string} = {},
  ) {
    super('CONFIG_INVALID', `${'line' in at ? formatLocation(at) : at.file}: ${problem}`, 1, options);
  }
}

/** A value is not what is taken there; the message says what is. `parseAt` adds where it stands. */
export class UnexpectedValue extends Error {
  override readonly name = 'UnexpectedValue';
}

/**
 * Reads a value that stands somewhere.
 *
 * @param subject what takes it: the directive's name
 * @throws ConfigError where `read` throws `UnexpectedValue`
 */
export function parseAt<T>(at: Location, subject: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnexpectedValue)
      throw new ConfigError(at, `${subject}: ${error.message}`, {cause: error});
    throw error;
  }
}

/** An error that the value of a directive has led to, with the place where that stands; others are left as they are. */
export function withLocation(at: Location | null, directive: string, error: unknown): unknown {
  if (!(error instanceof FtpdctlError) || at === null) return error;
  const {message, hint} = error;
  return new ConfigError(at, `${directive}: ${message}`, {
    cause: error,
    ...(hint === undefined ? {} : {hint}),
  });
}

/** Something to look at that does not keep the configuration from being used. */
export interface ConfigWarning {
  readonly at: Location;
  readonly message: string;
}

const MAX_SHOWN = 80;

/** A word from a file as a message may show it: in quotes, on one line, not longer than a line. */
export function quoted(word: string): string {
  const shown = word.length > MAX_SHOWN ? `${word.slice(0, MAX_SHOWN)}…` : word;
  return `'${escapeControls(shown, CONTROLS.ascii)}'`;
}
