import {FtpdctlError} from '../errors.ts';

export type ScoreboardErrorCode =
  /** Too short, or another kind of file. */
  | 'SCOREBOARD_NOT_ONE'
  /** A scoreboard of another version of the format. */
  | 'SCOREBOARD_VERSION'
  /** A scoreboard whose slots have no layout known here. */
  | 'SCOREBOARD_LAYOUT'
  /** Larger than is read. */
  | 'SCOREBOARD_TOO_LARGE';

/** Bytes that cannot be read as a scoreboard. Exit status 1. */
export class ScoreboardError extends FtpdctlError {
  override readonly name = 'ScoreboardError';

  constructor(
    override readonly code: ScoreboardErrorCode,
    message: string,
    options: {cause?: unknown; hint?: string} = {},
  ) {
    super(code, message, 1, options);
  }
}
