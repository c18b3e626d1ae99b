import type {LoadedConfig} from '../config/load.ts';
import {FtpdctlError} from '../errors.ts';
import type {Dialect} from '../protocol/message.ts';

/** Something that was found out about a daemon, or why it was not. */
export type Known<T> =
  | {readonly known: true; readonly value: T}
  | {readonly known: false; readonly why: string};

/** A process that cannot be taken for another one: a pid alone may be used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the start of the machine to the start of the process: field 22 of `/proc/PID/stat`. */
  readonly startTicks: number;
}

/** The file of sessions. */
export interface ScoreboardFile {
  /** As the configuration or the kernel has it. */
  readonly path: string;
  /** The daemon's descriptor of it, where we may look: `/proc/PID/fd/FD` can be read even when the file is deleted. */
  readonly fd: number | null;
}

/** A configuration file, read. */
export interface ReadConfiguration extends Pick<LoadedConfig, 'settings' | 'warnings'> {
  readonly file: string;
}

/** The SysV message queue of mod_msg. */
export interface MessageQueue {
  /** `MessageQueue`, which names the queue; `null` where only the queue itself was found. */
  readonly path: string | null;
  /** ftok(3) of it: a signed 32-bit number, as `/proc/sysvipc/msg` has it. */
  readonly key: number;
}

/** A `MessageEngine`, by the server it belongs to. */
export interface ServerEngine {
  /** `ServerName` */
  readonly name: string;
  /** As written in the configuration, not resolved; empty: all. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly engine: boolean;
}

/** A ProFTPD that runs on this machine, in the same pid and IPC namespace, with all that could be found out about it. */
export interface ProftpdDaemon extends ProcessIdentity {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** `1.3.8` */
  readonly version: Known<string>;
  /** What its controls socket speaks. */
  readonly dialect: Known<Dialect>;
  /** Path; `null`: it has none. */
  readonly controlsSocket: Known<string | null>;
  /** TCP ports it listens on, ascending. */
  readonly ports: Known<readonly number[]>;
  /** `null`: it has none (`ScoreboardFile none`, or `/dev/null`). */
  readonly scoreboard: Known<ScoreboardFile | null>;
  /** `null`: it has none. */
  readonly queue: Known<MessageQueue | null>;
  /** What its configuration file says now; the daemon may have read another text of it. */
  readonly configuration: Known<ReadConfiguration>;
  /** The main server first. */
  readonly engines: Known<readonly ServerEngine[]>;
}

/** The value, or nothing where it is not known. */
export function ifKnown<T>(known: Known<T>): T | undefined {
  return known.known ? known.value : undefined;
}

export type ProftpdErrorCode =
  /** No ProFTPD that we may trust runs here, in our pid namespace. */
  | 'PROFTPD_NOT_RUNNING'
  /** One runs, but in another pid namespace: its pids are not ours. */
  | 'PROFTPD_NAMESPACE'
  /** One runs, but a user has started it whom we do not trust. */
  | 'PROFTPD_UNTRUSTED'
  /** Several run, and nothing says which is meant. */
  | 'PROFTPD_AMBIGUOUS'
  /** None has the controls socket that was given. */
  | 'PROFTPD_NOT_FOUND'
  /** One may have it, whose socket is not known. */
  | 'PROFTPD_UNCERTAIN'
  /** It has no scoreboard, or none that can be found. */
  | 'NO_SCOREBOARD'
  /** The file is another one now, or not written by whom it should be. */
  | 'SCOREBOARD_FOREIGN'
  /** It cannot be read. */
  | 'SCOREBOARD_UNREADABLE';

/** Something about a ProFTPD of this machine. Exit status 1, or what is given. */
export class ProftpdError extends FtpdctlError {
  override readonly name = 'ProftpdError';

  constructor(
    override readonly code: ProftpdErrorCode,
    message: string,
    options: {cause?: unknown; hint?: string; exitStatus?: number} = {},
  ) {
    super(code, message, options.exitStatus ?? 1, options);
  }
}

export function notRunning(): ProftpdError {
  return new ProftpdError('PROFTPD_NOT_RUNNING', 'no ProFTPD runs on this machine', {
    hint: 'start it, or ask the machine where it runs',
  });
}
