import {existsSync, readFileSync} from 'node:fs';
import type {ConfigurationFacts, DaemonFacts, ProgramFacts, SocketFacts} from '../../diagnosis/facts.ts';
import {shellWord} from '../../diagnosis/mends.ts';
import {ifKnown, type ProftpdDaemon} from '../../proftpd/daemon.ts';
import type {FoundDaemons} from '../../proftpd/find/find.ts';
import {isSuspended} from '../../transport/processes/proc.ts';
import {statOf} from './configuration.ts';

export function daemonFacts(
  daemon: ProftpdDaemon | undefined,
  {daemons, passedOver}: FoundDaemons,
  configuration: ConfigurationFacts,
  program: ProgramFacts | null,
  socket: SocketFacts,
  given: string | undefined,
): DaemonFacts {
  const file = configuration.kind === 'unknown' ? undefined : configuration.file;
  const start = startCommand(program, file);
  if (daemon === undefined) {
    const [other] = passedOver;
    if (other === undefined) {
      const others = daemons.map(({pid, controlsSocket}) => ({pid, socket: ifKnown(controlsSocket) ?? null}));
      // A second one with the configuration of one that runs would take its socket away (measured).
      const isOthers = given === undefined && others.length > 0;
      const isSafe = configuration.kind !== 'broken' && !isOthers;
      return {kind: 'stopped', start: isSafe ? (start ?? null) : null, others};
    }
    const {pid, because, why} = other;
    return because === 'untrusted'
      ? {kind: 'untrusted', pid, why}
      : {kind: 'elsewhere', pid, prefix: `nsenter -t ${pid} -p -i unshare --mount-proc`};
  }
  const {pid, startedAt, dialect} = daemon;
  return {
    kind: 'running',
    pid,
    startedAt,
    dialect: ifKnown(dialect) ?? null,
    isSuspended: isSuspended(pid),
    restartedAt: restartOf(startedAt, socket),
    restart: restartCommand(pid, start),
  };
}

/** Milliseconds from the start of a daemon to its socket, at the most; what is later comes of reading it again. */
const SOCKET_TOLERANCE_MS = 3000;

/** A daemon that reads its configuration again makes its socket anew (measured), and nothing else that could be seen. */
function restartOf(startedAt: number, socket: SocketFacts): number | null {
  if (socket.kind !== 'there') return null;
  const madeAt = statOf(socket.path)?.mtimeMs ?? 0;
  return madeAt > startedAt + SOCKET_TOLERANCE_MS ? madeAt : null;
}

/** Whether systemd runs this machine. */
const SYSTEMD = '/run/systemd/system';

function startCommand(program: ProgramFacts | null, file: string | undefined): string | undefined {
  if (program === null) return undefined;
  if (existsSync(SYSTEMD) && (file === undefined || file === DEBIAN_FILE)) return 'systemctl start proftpd';
  return [program.path, ...(file === undefined ? [] : ['-c', file])].map(shellWord).join(' ');
}

const DEBIAN_FILE = '/etc/proftpd/proftpd.conf';

function restartCommand(pid: number, start: string | undefined): string {
  const unit = unitOf(pid);
  if (unit !== undefined) return `systemctl restart ${shellWord(unit)}`;
  return `kill ${pid} && tail --pid=${pid} -f /dev/null${start === undefined ? '' : ` && ${start}`}`;
}

/** The systemd unit that a process is of; not one that a user's login is. */
function unitOf(pid: number): string | undefined {
  if (!existsSync(SYSTEMD)) return undefined;
  try {
    return /\/system\.slice\/(?:.*\/)?([^/\n]+\.service)$/m.exec(
      readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    )?.[1];
  } catch {
    return undefined;
  }
}
