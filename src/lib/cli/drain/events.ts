import type {ClosedDaemon, LoginGate, Session} from '../../daemon/daemon.ts';
import type {DrainPhase} from './record.ts';

/** What happens in a drain: a line each, on standard output and in the system's log. */
export type DrainEvent =
  | {
      readonly event: 'plan';
      readonly end: number;
      readonly cut: number;
      readonly steps: readonly PlannedStep[];
      /** Absent where logins stay open. */
      readonly closes?: PlannedGate;
      readonly command?: string;
      readonly reopen: boolean;
      readonly cannot: readonly string[];
      /** `null` where nobody can see them. */
      readonly sessions: readonly Session[] | null;
    }
  /** It goes on as a process of its own: what it does is told by the system's log. */
  | {
      readonly event: 'started';
      readonly pid: number;
      readonly startedAt: number;
      readonly end: number;
      readonly cut: number;
      readonly cannot: readonly string[];
    }
  | {
      readonly event: 'warning';
      /** Seconds. */
      readonly left: number;
      /** Who got it; `null` where nobody counts. */
      readonly sessions: number | null;
      readonly message: string;
    }
  | {readonly event: 'warning-failed'; readonly left: number; readonly reason: string}
  | {readonly event: 'logins-closed'; readonly by: LoginGate['kind']}
  | {readonly event: 'ending'; readonly sessions: number; readonly transfers: number}
  | {readonly event: 'ending-failed'; readonly reason: string}
  /** So many have been seen to end since the last look. */
  | {
      readonly event: 'sessions';
      readonly ended: number;
      readonly sessions: number;
      readonly transfers: number;
    }
  | {readonly event: 'grace-over'; readonly sessions: number; readonly transfers: number}
  | {readonly event: 'drained'}
  | {
      readonly event: 'remaining';
      readonly sessions: readonly Session[] | null;
      /** How many more, that no list has. */
      readonly unlisted: number;
    }
  | {readonly event: 'command'; readonly command: string; readonly status: number | null}
  | {readonly event: 'logins-kept-closed'}
  | {readonly event: 'logins-opened'}
  | {readonly event: 'logins-still-closed'; readonly reason: string}
  | {readonly event: 'cancelled'; readonly by: string}
  | {readonly event: 'told'; readonly sessions: number | null; readonly message: string}
  | {readonly event: 'telling-failed'; readonly reason: string}
  /** What `--show` says of a drain. */
  | {
      readonly event: 'drain';
      readonly pid: number;
      readonly uid: number;
      readonly isRunning: boolean;
      readonly startedAt: number;
      readonly end: number;
      readonly cut: number;
      readonly phase: DrainPhase;
      readonly loginsClosed: boolean;
      readonly message: string;
    }
  /** What `--show` says where none is known. */
  | {readonly event: 'none'; readonly shutmsg: 'none' | 'ours' | 'foreign'; readonly text?: string}
  | {readonly event: 'error'; readonly error: Readonly<Record<string, string>>}
  /** With `--json` the last line. */
  | {readonly event: 'exit'; readonly exitStatus: number};

export interface PlannedStep {
  readonly step: 'warn' | 'close' | 'end' | 'cut';
  readonly at: number;
  /** Of a warning: seconds. */
  readonly left?: number;
  readonly message?: string;
}

export type PlannedGate =
  | {readonly by: 'shutmsg'; readonly path: string; readonly daemons: readonly ClosedDaemon[]}
  | {readonly by: 'down'; readonly servers: readonly string[]};
