import type {Session, SessionFilter} from '../daemon/daemon.ts';
import {HostError} from './errors.ts';
import type {RunClient} from './run.ts';
import {CONFIGURATIONS} from './stock.ts';

/** The configured scoreboard, where one is, and what the clock there shows. */
const FIND_SCOREBOARD = `for f in $(sed -n 's/^[[:space:]]*ScoreboardFile[[:space:]]*"\\{0,1\\}\\(\\/[^"[:space:]]*\\).*/\\1/p' ${CONFIGURATIONS} 2>/dev/null); do
[ -f "$f" ] && [ -r "$f" ] && { b=$f; break; }
done
s=$(date +%s)`;

/** ftpwho of ProFTPD, which reads the scoreboard and asks no daemon; it stands beside the client. */
const FTPWHO = {shell: `sh -c 'PATH=\${0%/*}:$PATH; exec ftpwho -o json "$@"'`};
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
const SCOREBOARD = {shell: '${b:+-f "$b"}'};
const NOT_FOUND = 127;

/**
 * The sessions of a ProFTPD on a machine that has its own programs only.
 * @throws HostError
 */
export async function sessionsByFtpwho(
  path: string,
  run: RunClient,
  filter: SessionFilter,
): Promise<Session[]> {
  const words = [FTPWHO, path, SCOREBOARD];
  const {status, stdout, stderr, note} = await run(words, {before: `b=\n${FIND_SCOREBOARD}`, instead: true});
  if (status === NOT_FOUND) {
    throw new HostError('CLIENT_FAILED', 'there is no ftpwho, which could say who is connected', {
      hint: 'install this program there, or the whole of ProFTPD',
    });
  }
  const sessions = status === 0 ? sessionsIn(stdout, Number(note) * 1000) : undefined;
  if (sessions === undefined) {
    const [why] = stderr.trim().split('\n');
    throw new HostError(
      'CLIENT_FAILED',
      `ftpwho does not say who is connected: ${why || `it ended with ${status}`}`,
    );
  }
  return sessions.filter(
    ({user, host, address, class: name}) =>
      (filter.user === undefined || (user ?? '(none)') === filter.user) &&
      (filter.host === undefined || host === filter.host || address === filter.host) &&
      (filter.class === undefined || name === filter.class),
  );
}

/** What `ftpwho -o json` of 1.3.8 prints; `undefined` where it is something else. @param now milliseconds, by its clock */
export function sessionsIn(output: string, now: number): Session[] | undefined {
  try {
    const {connections} = JSON.parse(output) as {connections?: unknown};
    if (!Array.isArray(connections)) return undefined;
    return connections.flatMap((connection) => sessionOf(connection as Record<string, unknown>, now) ?? []);
  } catch {
    return undefined;
  }
}

function sessionOf(connection: Readonly<Record<string, unknown>>, now: number): Session | undefined {
  const text = (key: string) => (typeof connection[key] === 'string' ? (connection[key] as string) : null);
  const number = (key: string) => (typeof connection[key] === 'number' ? (connection[key] as number) : null);
  const pid = number('pid');
  const address = text('remote_address');
  if (pid === null || address === null) return undefined;
  const isIdle = connection['idling'] === true;
  const command = text('command');
  const connectedAt = number('connected_since_ms') ?? now;
  const since = number('idle_since_ms') ?? connectedAt;
  const direction = connection['downloading'] === true ? 'download' : 'upload';
  const bytes = number('transfer_bytes');
  return {
    id: String(pid),
    pid,
    user: text('user'),
    host: text('remote_name') ?? address,
    address,
    class: text('class'),
    server: `${text('local_address') ?? '?'}#${number('local_port') ?? 0}`,
    protocol: text('protocol') ?? '',
    command: isIdle || command === null ? 'idle' : [command, text('command_args') ?? ''].join(' ').trim(),
    idle: isIdle ? Math.max(0, (now - since) / 1000) : 0,
    connectedAt,
    transfer: bytes === null ? null : {direction, bytes, size: null, rate: null},
    engine: null,
    waiting: null,
    source: 'scoreboard',
  };
}
