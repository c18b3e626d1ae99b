import type {SystemCallError} from '../transport/libc.ts';
import type {SocketCandidate} from './discovery.ts';
import {ClientError, type ClientErrorCode} from './errors.ts';

/** The wording of every way in which a request gets no answer: what went wrong, where, and what to do next. */
interface Wording {
  readonly code: ClientErrorCode;
  readonly says: string;
  readonly hint: string;
}

const connectFailures: Record<string, Wording> = {
  ENOENT: {
    code: 'SOCKET_MISSING',
    says: 'there is no such socket',
    hint: 'is ProFTPD running with ControlsEngine on? Name its ControlsSocket with -s',
  },
  ENOTDIR: {
    code: 'SOCKET_MISSING',
    says: 'there is no such socket',
    hint: 'name the ControlsSocket of the server with -s',
  },
  ECONNREFUSED: {
    code: 'SOCKET_STALE',
    says: 'nobody listens there',
    hint: 'the server has stopped, or its controls were switched off: start it again',
  },
  EACCES: {
    code: 'SOCKET_FORBIDDEN',
    says: 'permission denied',
    hint: 'run this as a user who may reach the socket (see ControlsSocketOwner and the directories above it)',
  },
  EPROTOTYPE: {
    code: 'CONNECT_FAILED',
    says: 'it is a datagram socket, no controls socket',
    hint: 'name the ControlsSocket of the server with -s',
  },
  ENAMETOOLONG: {
    code: 'BAD_SOCKET_PATH',
    says: 'the path is too long for a Unix socket (107 bytes)',
    hint: 'give the server a shorter ControlsSocket',
  },
};

function wordingOf(error: SystemCallError): Wording {
  return (
    connectFailures[error.code] ?? {
      code: 'CONNECT_FAILED',
      says: error.message,
      hint: 'name the ControlsSocket of the server with -s',
    }
  );
}

/** None of the sockets looked at could be reached. */
export function connectError(
  failures: readonly {candidate: SocketCandidate; error: SystemCallError}[],
): ClientError {
  const [first] = failures;
  if (failures.length === 1 && first) {
    const {code, says, hint} = wordingOf(first.error);
    return new ClientError(code, `cannot reach the server at ${first.candidate.path}: ${says}`, {
      cause: first.error,
      hint,
    });
  }
  // Of many places the one that holds something is the one to speak of first.
  const telling = failures.find(({error}) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR');
  const sayings = [...new Set(failures.map(({error}) => wordingOf(error).says))];
  const looked = sayings.map((says) => {
    const places = failures.filter(({error}) => wordingOf(error).says === says);
    return `${says}: ${places.map(({candidate}) => candidate.path).join(', ')}`;
  });
  return new ClientError('NO_SOCKET', `no server answers; ${looked.join('; ')}`, {
    cause: first?.error,
    hint: telling ? wordingOf(telling.error).hint : 'name the ControlsSocket of the server with -s',
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
