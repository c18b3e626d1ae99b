import type {Unsupported} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/message.ts';
import {nearMiss} from '../../text.ts';

/** The command line is wrong: exit status 3, as ProFTPD says of wrong parameters. */
export class UsageError extends FtpdctlError {
  override readonly name = 'UsageError';

  constructor(message: string, hint?: string) {
    super('USAGE', message, -STATUS.WRONG_PARAMETERS, hint === undefined ? {} : {hint});
  }
}

/** What a daemon cannot do, as an error: exit status 7, as ProFTPD says of an unsupported action. */
export function unsupported({reason, hint}: Unsupported): FtpdctlError {
  return new FtpdctlError(
    'UNSUPPORTED',
    reason,
    -STATUS.UNSUPPORTED_OPERATION,
    hint === undefined ? {} : {hint},
  );
}

/** A hint that asks after the nearest known word, or says something else where none is near or the word is known. */
export function didYouMean(word: string, known: Iterable<string>, otherwise: string): string {
  const meant = nearMiss(word, known);
  return meant === undefined || meant === word ? otherwise : `did you mean "${meant}"?`;
}
