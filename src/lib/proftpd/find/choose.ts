import {ifKnown, notRunning, type ProftpdDaemon, ProftpdError} from '../daemon.ts';
import type {PassedOver} from './candidates.ts';
import {isSamePath} from './configuration.ts';
import type {FoundDaemons} from './find.ts';

/**
 * The one daemon that is meant.
 *
 * @param socket the controls socket that was asked for (`-s`)
 * @throws ProftpdError `PROFTPD_NOT_RUNNING`, `PROFTPD_NAMESPACE`, `PROFTPD_UNTRUSTED`, `PROFTPD_NOT_FOUND`, and
 *   `PROFTPD_AMBIGUOUS` (exit status 3), which lists them
 */
export function chooseDaemon({daemons, passedOver}: FoundDaemons, socket?: string): ProftpdDaemon {
  const [first, ...others] =
    socket === undefined ? daemons : daemons.filter((each) => listensAt(each, socket));
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined) throw ambiguous([first, ...others]);
  const elsewhere = passedOver.find(
    ({controlsSocket}) => socket !== undefined && controlsSocket && isSamePath(controlsSocket, socket),
  );
  if (elsewhere !== undefined) throw refused(elsewhere);
  if (daemons.length > 0) {
    throw new ProftpdError(
      'PROFTPD_NOT_FOUND',
      `no ProFTPD has the controls socket ${socket}: ${list(daemons)}`,
      {
        hint: 'give the socket of one of them with -s',
      },
    );
  }
  const [any] = passedOver;
  if (any !== undefined) throw refused(any);
  throw notRunning();
}

function refused({because, why, hint}: PassedOver): ProftpdError {
  return new ProftpdError(because === 'namespace' ? 'PROFTPD_NAMESPACE' : 'PROFTPD_UNTRUSTED', why, {hint});
}

function listensAt({controlsSocket}: ProftpdDaemon, socket: string): boolean {
  const path = ifKnown(controlsSocket);
  return typeof path === 'string' && isSamePath(path, socket);
}

function ambiguous(daemons: readonly ProftpdDaemon[]): ProftpdError {
  const socket = daemons
    .map(({controlsSocket}) => ifKnown(controlsSocket))
    .find((path) => typeof path === 'string');
  return new ProftpdError(
    'PROFTPD_AMBIGUOUS',
    `${daemons.length} ProFTPDs run on this machine: ${list(daemons)}`,
    {
      exitStatus: 3,
      hint: `say which one by its controls socket: -s ${socket ?? 'SOCKET'}`,
    },
  );
}

function list(daemons: readonly ProftpdDaemon[]): string {
  return daemons.map(showDaemon).join('; ');
}

/** `pid 812, port 21, /run/proftpd.sock` */
function showDaemon({pid, ports, controlsSocket}: ProftpdDaemon): string {
  const numbers = ifKnown(ports) ?? [];
  const port = numbers.length === 0 ? [] : [`port${numbers.length > 1 ? 's' : ''} ${numbers.join(', ')}`];
  const path = ifKnown(controlsSocket);
  return [
    `pid ${pid}`,
    ...port,
    path === null ? 'no controls socket' : (path ?? 'controls socket not known'),
  ].join(', ');
}
