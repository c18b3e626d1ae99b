import type {ControlResponse} from '../protocol/message.ts';
import {normalizeStatus, STATUS, type Status} from '../protocol/status.ts';

/**
 * What a real server's lines mean where its status does not say it: ProFTPD ≤ 1.3.8 answers every failure with −1,
 * and mod_msg some with 0 in every version. The statuses are those of 1.3.10 for the same line (measured).
 */
const meanings: readonly (readonly [RegExp, Status])[] = [
  [/^access denied$/, STATUS.ACCESS_DENIED],
  [/^unable to send message: no such client connected$/, STATUS.SUBJECT_NOT_FOUND],
  [/^status: no server associated with /, STATUS.SUBJECT_NOT_FOUND],
  [/^msg host: error resolving '/, STATUS.SUBJECT_NOT_FOUND],
  [/^no such control: '/, STATUS.SUBJECT_NOT_FOUND],
  [/^unsupported action requested$/, STATUS.UNSUPPORTED_OPERATION],
  [/' control cannot be removed$/, STATUS.OPERATION_DENIED],
  [
    /^(?:\w+(?: \w+)?: )?missing required (?:parameters|message|user name|host name|class name)$/,
    STATUS.WRONG_PARAMETERS,
  ],
  [/^(?:\w+: )?wrong number of parameters$/, STATUS.WRONG_PARAMETERS],
  [/^unknown msg type requested: '/, STATUS.WRONG_PARAMETERS],
];

/**
 * The status a script should see. A failure that the server reports with 0 or −1 gets the status its words stand
 * for; every other status is left alone.
 */
export function verdictOf(response: ControlResponse): Status {
  const status = normalizeStatus(response.status);
  if (status !== STATUS.OK && status !== STATUS.GENERIC_ERROR) return status;
  for (const line of response.responses) {
    const meaning = meanings.find(([pattern]) => pattern.test(line));
    if (meaning) return meaning[1];
  }
  return status;
}

/**
 * Whether an answer means that nothing was carried out and the same request may be sent again: the server's poll came
 * between our connect and our write, or our connection had grown too old in a crowd (`ControlsAuthFreshness`).
 */
export function isNotExecuted(response: ControlResponse): boolean {
  const [line] = response.responses;
  return (
    response.status < 0 &&
    response.responses.length === 1 &&
    (line === 'blocked connection' || line === 'error: stale connection')
  );
}
