import type {Mailbox} from '../session/mailbox/mailbox.ts';
import type {FileTree} from './tree/tree.ts';

/** One (virtual) server: sessions belong to it by the address and port they came in on. */
export interface VirtualServer {
  /** IPv4 or IPv6; a wildcard (`0.0.0.0`, `::`) takes every address that no other server on this port names. */
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** `ADDRESS#PORT`, as `status` and `down` of the control server name it; absent: that of `address` and `port`. */
  readonly controlsName?: string;
  /** `ServerName`, shown in greeting and STAT. */
  readonly name: string;
  /** `MessageEngine`. */
  readonly engine: boolean;
}

/** Seconds; all of them are found out by one sweep over the sessions, at most a second late. */
export interface MockTimeouts {
  /** From connecting to the end of the login (ProFTPD's TimeoutLogin). */
  readonly login: number;
  /** From the last command, with none being carried out (TimeoutIdle). */
  readonly idle: number;
  /** Without a byte on a data connection, or without one being opened (TimeoutStalled). */
  readonly stalled: number;
}

export interface MockLimits {
  /** Sessions at a time. */
  readonly sessions: number;
  /** Sessions at a time from one address. */
  readonly sessionsPerAddress: number;
}

export interface MockOptions {
  readonly servers: readonly VirtualServer[];
  /** Name of the `<Class>` that a client address falls into. */
  readonly classOf: (address: string) => string | null;
  readonly tree: FileTree;
  readonly mailbox: Mailbox;
  readonly timeouts?: Partial<MockTimeouts>;
  readonly limits?: Partial<MockLimits>;
  /** Takes a line for each session, command and reply. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Listen on addresses that other machines can reach. There is no password: off unless asked for. */
  readonly beyondLoopback?: boolean;
}

/** ProFTPD's own defaults, but for the stall, where it waits an hour. */
export const DEFAULT_TIMEOUTS: MockTimeouts = {login: 300, idle: 600, stalled: 300};

/** The benchmark runs 10,000 sessions in one process. */
export const DEFAULT_LIMITS: MockLimits = {sessions: 20_000, sessionsPerAddress: 20_000};
