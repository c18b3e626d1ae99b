import type {Caller} from '../acl/names.ts';
import type {AccessControl} from '../acl/resolve.ts';
import type {Location} from '../config/errors.ts';
import type {LoadedConfig, ModuleLine} from '../config/load.ts';
import type {Dialect} from '../protocol/message.ts';

/** What could be found out about the ProFTPD of this machine, as far as whoever asks may know it. */
export interface Facts {
  /** Who would send messages. */
  readonly caller: Caller & {readonly user: string; readonly group: string};
  /** Milliseconds that the caller's client waits for an answer. */
  readonly timeout: number;
  /** What installs programs here; `null`: nothing known. */
  readonly packages: 'apt' | 'dnf' | null;
  /** `null`: none is installed. */
  readonly program: ProgramFacts | null;
  readonly configuration: ConfigurationFacts;
  readonly daemon: DaemonFacts;
  readonly socket: SocketFacts;
  readonly queue: QueueFacts;
  readonly scoreboard: ScoreboardFacts;
  readonly direct: DirectFacts;
  /** Of the files that directives name, those that cannot be used. */
  readonly files: readonly FileProblem[];
  /** `null`: the daemon was not asked. */
  readonly probe: ProbeFacts | null;
}

/** What the program says of itself. `null`: it does not tell, or was not to be run. */
export interface ProgramFacts {
  readonly path: string;
  readonly version: string | null;
  /** Built with `--enable-ctrls`. */
  readonly controls: boolean | null;
  /** Those that are part of it: `mod_core.c`. */
  readonly modules: ReadonlySet<string> | null;
  /** Where the others are. */
  readonly moduleDirectory: string | null;
  /** The scoreboard that no directive has named. */
  readonly scoreboard: string | null;
}

export type ConfigurationFacts =
  | {
      readonly kind: 'read';
      readonly file: string;
      /** Nothing but its place says that the daemon has read it. */
      readonly isAssumed: boolean;
      readonly loaded: LoadedConfig;
      readonly access: AccessControl;
      /** The file that was written last, and when: milliseconds since the epoch. */
      readonly newest: {readonly file: string; readonly at: number} | null;
      /** Files that others than the caller and root may write. */
      readonly exposed: readonly string[];
      /** A condition that nobody can decide, and that messages depend on; `null`: none. */
      readonly undecided: {readonly text: string; readonly at: Location} | null;
      /** Lines that load a module whose file is not there. */
      readonly missingModules: readonly ModuleLine[];
      /** Whether the file of mod_msg is where this ProFTPD looks for modules; `null`: nobody knows where that is. */
      readonly hasMsgFile: boolean | null;
    }
  | {
      readonly kind: 'broken';
      readonly file: string;
      readonly at: {readonly file: string; readonly line?: number};
      readonly problem: string;
    }
  | {readonly kind: 'unknown'; readonly why: string};

export type DaemonFacts =
  | {
      readonly kind: 'running';
      readonly pid: number;
      readonly dialect: Dialect | null;
      /** Milliseconds since the epoch. */
      readonly startedAt: number;
      /** By SIGSTOP: it does nothing until somebody has it go on. */
      readonly isSuspended: boolean;
      /** When it read its configuration again, if it did: milliseconds since the epoch. */
      readonly restartedAt: number | null;
      /** What root types to restart it. */
      readonly restart: string;
    }
  /**
   * @property start what root types to start it
   * @property others that run, and are not meant; `socket`: the controls socket, where it has one that is known
   */
  | {
      readonly kind: 'stopped';
      readonly start: string | null;
      readonly others: readonly {readonly pid: number; readonly socket: string | null}[];
    }
  /** In another pid namespace. */
  | {readonly kind: 'elsewhere'; readonly pid: number; readonly prefix: string}
  /** A user has started it whose word is not taken. */
  | {readonly kind: 'untrusted'; readonly pid: number; readonly why: string};

export type SocketFacts =
  /** There is nothing to look at: no daemon, or none is wanted. */
  | {readonly kind: 'none'}
  | {readonly kind: 'unknown'; readonly why: string}
  | {
      readonly kind: 'there';
      readonly path: string;
      /** What the client would take unasked in its place; `null`: nothing. Without the key it takes this one. */
      readonly taken?: string | null;
      /** Of a daemon that has another /tmp than we: its pid. */
      readonly privateTmp: number | null;
    }
  | {
      readonly kind: 'missing';
      readonly path: string;
      readonly directory: string;
      readonly hasDirectory: boolean;
    }
  /** A file is there, and nobody listens. */
  | {readonly kind: 'stale'; readonly path: string}
  /** The daemon listens, in another mount namespace. */
  | {readonly kind: 'elsewhere'; readonly path: string; readonly prefix: string}
  /** @property what: the directory, or the socket itself, that does not let the caller through */
  | {readonly kind: 'forbidden'; readonly path: string; readonly what: string};

export type QueueFacts =
  | {readonly kind: 'none'}
  | {readonly kind: 'unset'}
  | {readonly kind: 'unknown'; readonly why: string}
  | {readonly kind: 'no directory'; readonly path: string; readonly directory: string}
  /** Its file is there, and the kernel has no queue for it. @property isSure `false`: it may be another file now. */
  | {readonly kind: 'missing'; readonly path: string; readonly isSure: boolean}
  /** Another user has made it. @property key as ipcrm(1) takes it */
  | {readonly kind: 'foreign'; readonly path: string; readonly uid: number; readonly key: string}
  | {readonly kind: 'elsewhere'; readonly prefix: string}
  | {
      readonly kind: 'there';
      readonly path: string;
      readonly bytes: number;
      readonly capacity: number;
      readonly messages: number;
      /** Messages for processes that have ended. */
      readonly leftovers: number;
      /** A short message to one session would make the daemon spin. */
      readonly isFull: boolean;
    };

export type ScoreboardFacts =
  | {readonly kind: 'none'}
  /** The configuration wants none. */
  | {readonly kind: 'off'}
  | {readonly kind: 'unreadable'; readonly why: string}
  /** The file is gone, is another one now, or makes no sense. @property isSure `false`: it may be elsewhere. */
  | {readonly kind: 'lost'; readonly path: string; readonly why: string; readonly isSure: boolean}
  /** @property others sessions that show no messages, as SFTP's */
  | {readonly kind: 'read'; readonly path: string; readonly sessions: number; readonly others: number};

export type DirectFacts = {readonly kind: 'possible'} | {readonly kind: 'impossible'; readonly why: string};

export interface FileProblem {
  readonly directive: 'ControlsLog' | 'MessageLog' | 'ScoreboardFile';
  readonly path: string;
  readonly directory: string;
  /** `open`: everybody may write to its directory; `shared`: the same, of a directory as /tmp. */
  readonly problem: 'missing' | 'open' | 'shared' | 'link';
}

/** What came of asking: for a message to a user whom nobody is. */
export type ProbeFacts =
  | {readonly kind: 'accepted'; readonly milliseconds: number}
  | {readonly kind: 'denied'; readonly line: string}
  | {readonly kind: 'unsupported'; readonly line: string}
  | {readonly kind: 'failed'; readonly why: string};
