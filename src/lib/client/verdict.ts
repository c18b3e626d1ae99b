import {type ControlResponse, normalizeStatus, STATUS, type Status} from '../protocol/message.ts';

/**
 * What a real server's lines mean where its status does not say it: ProFTPD ≤ 1.3.8 answers every failure with −1,
 * or with 0: so mod_msg, in every version, and `kick` where nobody is found. The lines are measured on 1.3.8; the
 * statuses are those of 1.3.10 for the same line where that is known.
 */
const meanings: readonly (readonly [RegExp, Status])[] = [
  [/^access denied$/, STATUS.ACCESS_DENIED],
  [/^unable to send message: no such client connected$/, STATUS.SUBJECT_NOT_FOUND],
  // "Success" is what `msg all` says when nobody is connected, which is no failure. "Invalid argument": its queue is gone.
  [/^error sending message: (?!Success$)/, STATUS.GENERIC_ERROR],
  [/^(?:user|host|class) '.*' not connected$/, STATUS.SUBJECT_NOT_FOUND],
  [/^(?:status|up): no server associated with /, STATUS.SUBJECT_NOT_FOUND],
  [/^(?:status|down): no such server: /, STATUS.SUBJECT_NOT_FOUND],
  [/^up: unable to resolve address for '/, STATUS.SUBJECT_NOT_FOUND],
  [/^(?:msg|kick) host: error resolving '/, STATUS.SUBJECT_NOT_FOUND],
  [/^ban: unknown host '/, STATUS.SUBJECT_NOT_FOUND],
  [/^unable to resolve '.*' to an IP address$/, STATUS.SUBJECT_NOT_FOUND],
  [/^no such control: '/, STATUS.SUBJECT_NOT_FOUND],
  [/^error (?:un)?loading '/, STATUS.GENERIC_ERROR],
  [/^unsupported action requested$/, STATUS.UNSUPPORTED_OPERATION],
  [/^'\w+' control cannot be removed$/, STATUS.OPERATION_DENIED],
  [
    /^(?:\w+(?: \w+)?: )?missing (?:required )?(?:parameters|message|(?:user|host|class) name(?:\(s\))?|host\(s\))$/,
    STATUS.WRONG_PARAMETERS,
  ],
  [/^(?:\w+: )?wrong number of parameters$/, STATUS.WRONG_PARAMETERS],
  [/^unknown \w+ type requested: '/, STATUS.WRONG_PARAMETERS],
  [/^unknown \w+ action(?: requested)?:? '/, STATUS.WRONG_PARAMETERS],
  [/^unsupported (?:option: |parameter )'/, STATUS.WRONG_PARAMETERS],
  [/^bad number: /, STATUS.WRONG_PARAMETERS],
  [/^trace: badly formatted parameter: '/, STATUS.WRONG_PARAMETERS],
  [/^\w+: error: expected Boolean parameter: '/, STATUS.WRONG_PARAMETERS],
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
