import {existsSync} from 'node:fs';
import {runtimeDirectories} from '../transport/files/runtimeDirectory.ts';
import {ClientError} from './errors.ts';

/** A place where a server's controls socket may be, and why we look there. */
export interface SocketCandidate {
  readonly path: string;
  readonly because: string;
  /** Not to be connected to: what turned up at this path by now would be somebody else's. */
  readonly missing?: boolean;
}

/** Compiled-in and configured defaults: Debian's binary, Debian's configuration, RPM and Arch, FreeBSD, from source. */
const DEFAULTS = [
  '/run/proftpd.sock',
  '/var/run/proftpd/proftpd.sock',
  '/run/proftpd/proftpd.sock',
  '/var/run/proftpd.sock',
  '/usr/local/var/proftpd/proftpd.sock',
];

/** The name of the socket of `ftpdctl serve` with its embedded default configuration, in the runtime directory. */
export const SERVE_SOCKET_NAME = 'ftpdctl.sock';

/**
 * The sockets to try, in order: the one given, or `FTPDCTL_SOCKET`; else `ControlsSocket` of the installed
 * configuration, the known defaults, and that of one's own `ftpdctl serve`.
 * @throws ClientError `BAD_SOCKET_PATH` when the given path is not absolute.
 */
export async function candidateSockets(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<SocketCandidate[]> {
  const named = namedSocket(given, env);
  if (named !== undefined) return [named];
  const candidates = [
    ...(await configuredSockets()),
    ...DEFAULTS.map((path) => ({path, because: 'a default'})),
    ...runtimeDirectories(env).map(({path, isThere}) => ({
      path: `${path}/${SERVE_SOCKET_NAME}`,
      because: 'ftpdctl serve',
      missing: !isThere,
    })),
  ];
  return candidates.filter(({path}, i) => candidates.findIndex((other) => other.path === path) === i);
}

/** The socket that is asked for, if one is. @throws ClientError `BAD_SOCKET_PATH` */
export function namedSocket(given: string | undefined, env: NodeJS.ProcessEnv): SocketCandidate | undefined {
  if (given !== undefined) return absolute(given, '-s', '-s ');
  const fromEnv = env['FTPDCTL_SOCKET'];
  return fromEnv ? absolute(fromEnv, 'FTPDCTL_SOCKET', 'FTPDCTL_SOCKET=') : undefined;
}

function absolute(path: string, from: string, before: string): SocketCandidate {
  if (path.startsWith('/')) return {path, because: from};
  throw new ClientError('BAD_SOCKET_PATH', `the socket path "${path}" from ${from} is not absolute`, {
    hint: `write it from the root: ${before}/run/proftpd.sock`,
    exitStatus: 3,
  });
}

/**
 * The `ControlsSocket` of each configuration there is; one that cannot be read names none. What reads configurations is
 * loaded here: whoever names a socket does not wait for it.
 */
async function configuredSockets(): Promise<SocketCandidate[]> {
  const {CONFIGURATION_FILES, loadSettings} = await import('../config/load.ts');
  const {systemConfigSource} = await import('../transport/files/configSource.ts');
  const socketIn = (file: string): string | null => {
    try {
      return loadSettings(systemConfigSource, file).settings.controls.socket.value;
    } catch {
      return null;
    }
  };
  return CONFIGURATION_FILES.filter((file) => existsSync(file)).flatMap((because) => {
    const path = socketIn(because);
    return path ? [{path, because}] : [];
  });
}
