import {FtpdctlError} from '../errors.ts';

export type ProtocolErrorCode =
  /** The peer closed before the frame was whole. */
  | 'PROTOCOL_TRUNCATED'
  /** A length or a count is over the limit. */
  | 'PROTOCOL_TOO_LONG'
  /** The bytes are no frame of either dialect. */
  | 'PROTOCOL_MALFORMED';

/** The peer's bytes are not a well-formed frame. */
export class ProtocolError extends FtpdctlError {
  override readonly name = 'ProtocolError';

  constructor(
    override readonly code: ProtocolErrorCode,
    message: string,
    options: {cause?: unknown} = {},
  ) {
    super(code, message, 1, options);
  }
}
