import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/status.ts';

/** The command line is wrong: exit status 3, as ProFTPD says of wrong parameters. */
export class UsageError extends FtpdctlError {
  override readonly name = 'UsageError';

  constructor(message: string, hint?: string) {
    super('USAGE', message, -STATUS.WRONG_PARAMETERS, hint === undefined ? {} : {hint});
  }
}
