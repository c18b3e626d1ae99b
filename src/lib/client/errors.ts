import {FtpdctlError} from '../errors.ts';
import type {SystemCallError} from '../transport/libc.ts';

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

function wordingOf(error: SystemCallError): Wording {
  return connectFailures[error.code] ?? {code: 'CONNECT_FAILED', says: error.message, hint: NAME_IT};
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
    const wording = wordingOf(first.error);
    const {path} = first.candidate;
    return new ClientError(wording.code, `cannot reach the server at ${path}: ${wording.says}`, {
      cause: first.error,
      hint: hintAt(path, wording),
    });
  }
  // Of many places the one that holds something is the one to speak of first.
  const telling = failures.find(({error}) => wordingOf(error).code !== 'SOCKET_MISSING') ?? first;
  const sayings = [...new Set(failures.map(({error}) => wordingOf(error).says))];
  const looked = sayings.map((says) => {
    const places = failures.filter(({error}) => wordingOf(error).says === says);
    return `${says}: ${places.map(({candidate}) => candidate.path).join(', ')}`;
  });
  return new ClientError('NO_SOCKET', `no server answers; ${looked.join('; ')}`, {
    cause: first?.error,
    ...(telling ? {hint: wordingOf(telling.error).hint} : {}),
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
