import {statSync} from 'node:fs';
import {FtpdctlError} from '../errors.ts';
import type {SystemCallError} from '../transport/libc.ts';

export type ClientErrorCode =
  /** No controls socket was found at any of the places looked at. */
  | 'NO_SOCKET'
  /** The socket path given is not absolute, or too long. */
  | 'BAD_SOCKET_PATH'
  /** Nothing stands at the socket's path. */
  | 'SOCKET_MISSING'
  /** Something is there, but nobody listens: a daemon has died, or controls are off; or it is no socket at all. */
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

/** The wording of every way in which a request gets no answer: what went wrong, where, and what to do next. */
interface Wording {
  readonly code: ClientErrorCode;
  readonly says: string;
  readonly hint: string;
}

const NAME_IT = 'name the ControlsSocket of the server with -s';

const connectFailures: Record<string, Wording> = {
  ENOENT: {
    code: 'SOCKET_MISSING',
    says: 'there is no such socket',
    hint: `is ProFTPD running, with ControlsEngine on? If so, ${NAME_IT}`,
  },
  ENOTDIR: {
    code: 'SOCKET_MISSING',
    says: 'there is no such socket',
    hint: NAME_IT,
  },
  ECONNREFUSED: {
    code: 'SOCKET_STALE',
    says: 'nobody listens there',
    hint: 'the server has died, or "rmctrl all" has closed its socket: restart it',
  },
  EACCES: {
    code: 'SOCKET_FORBIDDEN',
    says: 'permission denied',
    hint: 'run this as a user who may reach the socket (see ControlsSocketOwner and the directories above it)',
  },
  EPROTOTYPE: {
    code: 'CONNECT_FAILED',
    says: 'it is a datagram socket, no controls socket',
    hint: NAME_IT,
  },
  ENAMETOOLONG: {
    code: 'BAD_SOCKET_PATH',
    says: 'the path is too long for a Unix socket (107 bytes)',
    hint: 'give the server a shorter ControlsSocket',
  },
};

const NOTHING_THERE =
  'start ProFTPD with ControlsEngine on ("ftpdctl doctor" says what it lacks), or ftpdctl serve; name a ControlsSocket that is elsewhere with -s; -v says where it was looked for';

const NO_SOCKET_BUT: Wording = {code: 'SOCKET_STALE', says: 'it is no socket', hint: NAME_IT};

function wordingOf(path: string, error: SystemCallError): Wording {
  if (error.code === 'ECONNREFUSED' && !isSocket(path)) return NO_SOCKET_BUT;
  return connectFailures[error.code] ?? {code: 'CONNECT_FAILED', says: error.message, hint: NAME_IT};
}

/** Connecting to a file or a directory fails as if nobody listened there. */
function isSocket(path: string): boolean {
  return statSync(path, {throwIfNoEntry: false})?.isSocket() ?? true;
}

/** Why a socket could not be connected to, in words. */
export function connectReason(path: string, error: SystemCallError): string {
  return wordingOf(path, error).says;
}

/** In `/tmp` there may be a socket all the same: in a `/tmp` that the daemon has for itself. */
function hintAt(path: string, {code, hint}: Wording): string {
  if (code !== 'SOCKET_MISSING' || !/^(\/var)?\/tmp\//.test(path)) return hint;
  return `${hint}; a server with a /tmp of its own (systemd PrivateTmp, a container) needs a ControlsSocket elsewhere`;
}

/** None of the sockets looked at could be reached. */
export function connectError(
  failures: readonly {candidate: {readonly path: string}; error: SystemCallError}[],
): ClientError {
  const [first] = failures;
  if (failures.length === 1 && first) {
    const {path} = first.candidate;
    const wording = wordingOf(path, first.error);
    return new ClientError(wording.code, `cannot reach the server at ${path}: ${wording.says}`, {
      cause: first.error,
      hint: hintAt(path, wording),
    });
  }
  // Of many places those that hold something are worth a word; all of them are what -v is for.
  const told = failures
    .map(({candidate: {path}, error}) => ({path, wording: wordingOf(path, error)}))
    .filter(({wording}) => wording.code !== 'SOCKET_MISSING');
  const distinct = told.filter(
    ({wording}, at) => told.findIndex((other) => other.wording.says === wording.says) === at,
  );
  const words = distinct.map(({path, wording}) => `; ${path}: ${wording.says}`);
  return new ClientError('NO_SOCKET', `no server answers${words.join('')}`, {
    cause: first?.error,
    hint: told[0]?.wording.hint ?? NOTHING_THERE,
  });
}

/** The server took the connection and closed it without a byte, in either dialect. */
export function noAnswerError(bound: boolean): ClientError {
  return new ClientError(
    'NO_ANSWER',
    'the server closed the connection without an answer',
    bound
      ? {
          hint:
            'ProFTPD 1.3.10 and later does so when it cannot see the client in /tmp (systemd PrivateTmp, a container), ' +
            'and any daemon that is being restarted; see its ControlsLog',
        }
      : {
          hint: 'ProFTPD 1.3.10 and later wants clients to be bound in /tmp, and /tmp cannot be written to here',
        },
  );
}

/** @param timeout milliseconds */
export function timeoutError(timeout: number): ClientError {
  return new ClientError(
    'TIMEOUT',
    `no answer within ${timeout / 1000} s; the request may still be carried out`,
    {
      hint: 'ProFTPD looks at its socket every ControlsInterval seconds (10 by default): allow more with --timeout',
    },
  );
}
