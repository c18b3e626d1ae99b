import type {ScoreboardSession, ScoreboardTransfer} from '../../scoreboard/scoreboard.ts';
import {ProftpdError} from '../errors.ts';

/** A session of a ProFTPD, as `who` tells of it. */
export interface SessionInfo {
  /** What `session ID` means: see `sessionId`. */
  readonly id: string;
  readonly pid: number;
  /** `null` before the login. */
  readonly user: string | null;
  /** The client's host name where ProFTPD has looked it up, else its address. */
  readonly host: string;
  readonly address: string;
  readonly class: string | null;
  /** `ADDRESS#PORT` of the (virtual) server. */
  readonly server: string;
  /** `ftp`, `ftps`, `sftp`, `ssh2`, `scp`; `null` in the first moment. */
  readonly protocol: string | null;
  /** The command being carried out, with its arguments as far as the scoreboard has room; `null` when idle. */
  readonly command: string | null;
  /** Seconds since the client's last command; 0 during one, since the connection before the login. */
  readonly idle: number;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  readonly transfer: TransferInfo | null;
  readonly source: 'scoreboard';
}

/** A file on its way. */
export interface TransferInfo {
  readonly direction: ScoreboardTransfer['direction'];
  /** Bytes of the file that are done. */
  readonly bytes: number;
  /** Bytes of the whole file, where ProFTPD knows it. */
  readonly size: number | null;
  /** Bytes a second since it began; `null` before ProFTPD has told of any. */
  readonly rate: number | null;
}

/** @param now milliseconds since the epoch */
export function sessionInfo(session: ScoreboardSession, now: number = Date.now()): SessionInfo {
  const {pid, user, host, address, server, protocol, command, commandArgs, connectedAt, idleSince} = session;
  const quietSince = idleSince ?? (command === '' ? connectedAt : null) ?? now;
  return {
    id: sessionId(session),
    pid,
    user,
    host: host || address,
    address,
    class: session.class,
    server: `${server.address}#${server.port}`,
    protocol: protocol || null,
    command: command === '' || idleSince !== null ? null : [command, commandArgs].filter(Boolean).join(' '),
    idle: Math.max(0, Math.floor((now - quietSince) / 1000)),
    connectedAt: connectedAt ?? now,
    transfer: session.transfer === null ? null : transferInfo(session.transfer),
    source: 'scoreboard',
  };
}

function transferInfo({direction, done, size, transferred, elapsed}: ScoreboardTransfer): TransferInfo {
  return {
    direction,
    bytes: done,
    size,
    rate: elapsed > 0 ? Math.round((transferred * 1000) / elapsed) : null,
  };
}

/**
 * The name of one session: its pid and, in base 36, the second it began. A pid that is used again makes another name; the
 * scoreboard alone gives both. In its first moment a session has no second yet, and is named with 0.
 */
export function sessionId({pid, connectedAt}: Pick<ScoreboardSession, 'pid' | 'connectedAt'>): string {
  return `${pid}-${((connectedAt ?? 0) / 1000).toString(36)}`;
}

/**
 * The session that an id means. The pid alone is not enough: it may be another session's by now.
 *
 * @throws ProftpdError `SESSION_ID`, exit status 3 for what is no id and 4 when no such session is there (any more)
 */
export function sessionById<T extends Pick<ScoreboardSession, 'pid' | 'connectedAt'>>(
  id: string,
  sessions: readonly T[],
): T {
  if (!/^[1-9][0-9]*-[0-9a-z]+$/.test(id)) {
    throw new ProftpdError('SESSION_ID', `"${id}" is no session's id`, {
      exitStatus: 3,
      hint: 'ftpdctl who shows them; --json has them as "id"',
    });
  }
  const found = sessions.find((session) => sessionId(session) === id);
  if (found !== undefined) return found;
  throw new ProftpdError('SESSION_ID', `session ${id} is not there any more`, {
    exitStatus: 4,
    hint: 'ftpdctl who shows the sessions',
  });
}
