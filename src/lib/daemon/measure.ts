import {namedSocket} from '../client/discovery.ts';
import {FtpdctlError} from '../errors.ts';
import {ifKnown, type Known, type ProftpdDaemon, ProftpdError} from '../proftpd/daemon.ts';
import {type SessionInfo, sessionInfo, sessionsOf} from '../proftpd/sessions/list.ts';
import {SystemCallError} from '../transport/libc.ts';
import {isSuspended} from '../transport/processes/proc.ts';
import {SystemVQueue} from '../transport/systemV.ts';
import {findProftpd} from './find.ts';

/** What its scoreboard and its queue say of a ProFTPD of this machine at one moment. */
export type Measurement =
  | {readonly kind: 'down'; readonly why: string}
  | {
      readonly kind: 'up';
      readonly pid: number;
      /** Milliseconds since the epoch. */
      readonly startedAt: number;
      /** By SIGSTOP: it answers nobody. */
      readonly isSuspended: boolean;
      readonly sessions: readonly SessionInfo[];
      /** `MaxInstances`; `null`: none, or not known. */
      readonly limit: number | null;
      /** Path; `null`: it has none. */
      readonly socket: Known<string | null>;
      /** `null`: it has none. */
      readonly queue: Known<QueueMeasurement | null>;
    };

export interface QueueMeasurement {
  readonly bytes: number;
  readonly capacity: number;
  readonly messages: number;
}

/**
 * Measure without asking the daemon.
 * @param socket the controls socket of the one that is meant, if it is named
 * @throws FtpdctlError where nobody can say: several run, its scoreboard cannot be read, …
 */
export async function measure(socket: string | undefined, env: NodeJS.ProcessEnv): Promise<Measurement> {
  const configuration = env['PROFTPD_CONF'] || undefined;
  const daemon = await findProftpd({socket: namedSocket(socket, env)?.path, configuration});
  if (daemon instanceof ProftpdError) return down(daemon);
  try {
    return measureDaemon(daemon);
  } catch (error) {
    // It may end in between.
    if (error instanceof ProftpdError) return down(error);
    throw error;
  }
}

/** That it does not run is an answer, too; all else is none. */
function down(error: ProftpdError): Measurement {
  if (error.code !== 'PROFTPD_NOT_RUNNING' && error.code !== 'PROFTPD_NOT_FOUND') throw error;
  return {kind: 'down', why: error.message};
}

function measureDaemon(daemon: ProftpdDaemon): Measurement {
  const {pid, startedAt, configuration, controlsSocket} = daemon;
  return {
    kind: 'up',
    pid,
    startedAt,
    isSuspended: isSuspended(pid),
    sessions: sessionsOf(daemon).map((session) => sessionInfo(session)),
    limit: ifKnown(configuration)?.settings.maxInstances.value ?? null,
    socket: controlsSocket,
    queue: measureQueue(daemon),
  };
}

function measureQueue({queue}: ProftpdDaemon): Known<QueueMeasurement | null> {
  if (!queue.known) return queue;
  if (queue.value === null) return {known: true, value: null};
  try {
    const found = SystemVQueue.open(queue.value.key);
    if (found === undefined) return {known: false, why: 'it has been removed'};
    const {bytes, capacity, messages} = found.status();
    return {known: true, value: {bytes, capacity, messages}};
  } catch (error) {
    // It may be removed in between, or its layout may not be known here.
    if (error instanceof FtpdctlError || error instanceof SystemCallError)
      return {known: false, why: error.message};
    throw error;
  }
}
