import {FtpdctlError} from '../errors.ts';

export type ClientErrorCode =
  /** No controls socket was found at any of the places looked at. */
  | 'NO_SOCKET'
  /** The socket path given is not absolute, or too long. */
  | 'BAD_SOCKET_PATH'
  /** Nothing stands at the socket's path. */
  | 'SOCKET_MISSING'
  /** A socket file is there, but nobody listens: a daemon has died, or controls are off. */
  | 'SOCKET_STALE'
  /** The file system does not let us connect. */
  | 'SOCKET_FORBIDDEN'
  /** Any other failure to connect. */
  | 'CONNECT_FAILED'
  /** The server closed every connection without a byte. */
  | 'NO_ANSWER'
  /** The answer broke off, or is no answer: the request may have been carried out. */
  | 'ANSWER_LOST'
  /** The details of an answer are not what `ftpdctl serve` says: the request may have been carried out. */
  | 'ANSWER_INVALID'
  /** The deadline has passed: the request may still be carried out. */
  | 'TIMEOUT'
  /** The caller's signal has ended the wait. */
  | 'ABORTED';

/** `EX_TEMPFAIL` of `sysexits.h`: timed out, try again. */
export const EXIT_TEMPFAIL = 75;

/** A request got no answer. `exitStatus` is 1, or 75 for a timeout. */
export class ClientError extends FtpdctlError {
  override readonly name = 'ClientError';

  constructor(
    override readonly code: ClientErrorCode,
    message: string,
    options: {cause?: unknown; hint?: string; exitStatus?: number} = {},
  ) {
    super(code, message, options.exitStatus ?? (code === 'TIMEOUT' ? EXIT_TEMPFAIL : 1), options);
  }
}
