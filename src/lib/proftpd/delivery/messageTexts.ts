import {FtpdctlError} from '../../errors.ts';

/** The longest text that mod_msg shows whole; from the next byte on the reply loses its line end and the client hangs. */
export const MAX_TEXT_BYTES = 5113;

/** CR and LF go out as they are and forge replies; NUL ends a text. */
const FORBIDDEN = /[\r\n\0]/;

/**
 * What lies on the queue for each line of a message: its bytes and a NUL.
 *
 * @throws FtpdctlError `MESSAGE_TEXT`, exit status 3, when ProFTPD could not show a line as it is
 */
export function encodeTexts(lines: readonly string[]): Buffer[] {
  if (lines.length === 0) throw unfit('a message needs a line', 'say something');
  return lines.map((line) => {
    if (FORBIDDEN.test(line)) {
      throw unfit('a line of a message holds CR, LF or NUL', 'send several lines as several texts');
    }
    const bytes = Buffer.from(`${line}\0`);
    if (bytes.length - 1 > MAX_TEXT_BYTES) {
      const size = `a line of ${bytes.length - 1} bytes is longer than ProFTPD can show`;
      throw unfit(size, `use at most ${MAX_TEXT_BYTES} bytes a line`);
    }
    return bytes;
  });
}

function unfit(message: string, hint: string): FtpdctlError {
  return new FtpdctlError('MESSAGE_TEXT', message, 3, {hint});
}
