import {FtpdctlError} from '../errors.ts';

export type HostErrorCode =
  /** ssh has not got there: nothing was done. */
  | 'UNREACHABLE'
  /** ssh itself cannot be run here. */
  | 'NO_SSH'
  /** There is no client of any kind on the other side. */
  | 'NO_CLIENT'
  /** sudo does not run it there. */
  | 'SUDO_REFUSED'
  /** The connection broke, or the answer did: it may have been carried out. */
  | 'CONNECTION_LOST'
  /** No answer by the deadline; `mayBeDone` says whether it may have been carried out. */
  | 'TIMEOUT'
  /** Given up by the user. */
  | 'INTERRUPTED'
  /** The other side says what nobody expects of it. */
  | 'ANSWER_INVALID'
  /** The stock client there has failed before its server answered. */
  | 'CLIENT_FAILED';

/** `EX_UNAVAILABLE` of `sysexits.h`: a host cannot be reached. */
const EXIT_UNREACHABLE = 69;
const EXIT_TEMPFAIL = 75;

const EXIT_STATUS: Readonly<Record<HostErrorCode, number>> = {
  UNREACHABLE: EXIT_UNREACHABLE,
  NO_SSH: EXIT_UNREACHABLE,
  NO_CLIENT: 7,
  SUDO_REFUSED: 2,
  CONNECTION_LOST: EXIT_TEMPFAIL,
  TIMEOUT: EXIT_TEMPFAIL,
  INTERRUPTED: 130,
  ANSWER_INVALID: 1,
  CLIENT_FAILED: 1,
};

/** What keeps a command from being carried out, or its answer from being known, on one host. */
export class HostError extends FtpdctlError {
  override readonly name = 'HostError';
  /** Whether it may have been carried out all the same. */
  readonly mayBeDone: boolean;

  constructor(
    override readonly code: HostErrorCode,
    message: string,
    options: {
      readonly hint?: string | undefined;
      readonly mayBeDone?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    const {hint, mayBeDone = false, cause} = options;
    super(code, message, EXIT_STATUS[code], {...(hint === undefined ? {} : {hint}), cause});
    this.mayBeDone = mayBeDone;
  }
}

/** What ssh says (OpenSSH 7 to 10), and what to do about it. */
const ADVICE: readonly (readonly [RegExp, (host: string) => string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    (host) =>
      `if it was installed anew, "ssh-keygen -R ${host}" forgets its old key; if not, somebody else may answer in its place`,
  ],
  [
    /Host key verification failed|host key is known/,
    (host) => `its key is not known here: compare and accept it once with "ssh ${host}"`,
  ],
  [
    /Permission denied|Too many authentication failures/,
    (host) => `it must let you in without a question, by a key or an agent: try "ssh ${host} true"`,
  ],
  [/Could not resolve hostname/, () => 'a host is a name of ~/.ssh/config or of the DNS, or an address'],
  [/kex_exchange_identification|ssh_exchange_identification|Not allowed at this time/, () => BUSY],
  [/Connection refused/, () => 'does sshd run there, and at this port?'],
  [
    /timed out|No route to host|Network is unreachable|Host is down/i,
    () => 'is it up, and is this network the right one?',
  ],
];

const BUSY =
  'its sshd, or that of a jump host, may take no more connections at a time (MaxStartups): try --fanout 8';

/** Lines that say nothing by themselves. */
const DECORATION = /^\s*@+\s*$|^@\s|^\s*$|^Warning: Permanently added |^debug\d: /;
const MAX_LINES = 3;

/** Why ssh has not got to a host, in its own words. @param said its standard error */
export function unreachable(host: string, said: string, status: number | null): HostError {
  const changed = /REMOTE HOST IDENTIFICATION HAS CHANGED!?/.exec(said)?.[0];
  const lines = said.split(/\r?\n/).filter((line) => !DECORATION.test(line));
  const told = changed === undefined ? lines.slice(-MAX_LINES) : [changed, ...changedKeyLines(lines)];
  const words = told.map((line) => line.trim().replace(/[.\s]+$/, '')).join('; ');
  const advice = ADVICE.find(([pattern]) => pattern.test(said))?.[1](host);
  return new HostError('UNREACHABLE', words || `ssh ended with ${status ?? 'a signal'} and said nothing`, {
    hint: advice,
  });
}

/** Of the half page that ssh prints: where the old key stands. */
function changedKeyLines(lines: readonly string[]): string[] {
  return lines.filter((line) => /^Offending .* key in |^Host key verification failed/.test(line));
}

/**
 * Whether the other side had no room for a connection, and another try may find it: sshd drops some of those that are not
 * logged in yet beyond `MaxStartups`.
 */
export function isBusy({code, message}: HostError): boolean {
  return (
    code === 'UNREACHABLE' &&
    /(?:kex|ssh)_exchange_identification: |Connection (?:closed|reset) by .* port \d+|stdio forwarding failed/.test(
      message,
    )
  );
}
