import {FtpdctlError} from '../errors.ts';

export type ProftpdErrorCode =
  /** No ProFTPD that we may trust runs here, in our pid namespace. */
  | 'PROFTPD_NOT_RUNNING'
  /** One runs, but in another pid namespace: its pids are not ours. */
  | 'PROFTPD_NAMESPACE'
  /** One runs, but a user has started it whom we do not trust. */
  | 'PROFTPD_UNTRUSTED'
  /** Several run, and nothing says which is meant. */
  | 'PROFTPD_AMBIGUOUS'
  /** None has the controls socket that was given. */
  | 'PROFTPD_NOT_FOUND'
  /** It has no scoreboard, or none that can be found. */
  | 'NO_SCOREBOARD'
  /** The file is another one now, or not written by whom it should be. */
  | 'SCOREBOARD_FOREIGN'
  /** It cannot be read. */
  | 'SCOREBOARD_UNREADABLE'
  /** No session has that id. */
  | 'SESSION_ID';

/** Something about a ProFTPD of this machine. Exit status 1, or what is given. */
export class ProftpdError extends FtpdctlError {
  override readonly name = 'ProftpdError';

  constructor(
    override readonly code: ProftpdErrorCode,
    message: string,
    options: {cause?: unknown; hint?: string; exitStatus?: number} = {},
  ) {
    super(code, message, options.exitStatus ?? 1, options);
  }
}
