import type {ControlAnswer} from '../client/client.ts';
import type {ProcessIdentity} from '../proftpd/daemon.ts';
import type {SessionInfo} from '../proftpd/sessions/list.ts';
import type {AclCheckDetails, AclListDetails, ReceiptDetails} from '../protocol/details.ts';
import type {Dialect} from '../protocol/message.ts';

/**
 * One interface to whatever answers: `ftpdctl serve` or a ProFTPD. Who asks does not know which it is, nor by which way
 * the answer came; what a daemon cannot do it says by an `Unsupported`.
 */
export interface Daemon {
  /**
   * Send a control action with its arguments, as they are.
   * @throws RequestRefused, ClientError
   */
  request(action: string, args?: readonly string[]): Promise<ControlAnswer>;

  /**
   * Who is connected. A ProFTPD of this machine is not asked: its scoreboard tells.
   * @throws ClientError, ProftpdError
   */
  sessions(filter?: SessionFilter, options?: SessionsOptions): Promise<SessionsResult>;

  /** Which texts it takes as a message. Asks who answers where that is not known. @throws ClientError */
  textRules(): Promise<TextRules>;

  /** Who would get a message; nothing is sent. @throws RequestRefused, ClientError */
  recipients(message: OutgoingMessage): Promise<DeliveryResult | Unsupported>;

  /**
   * Send a message.
   * @throws RequestRefused where the text would harm the server or arrive cut; ClientError
   */
  message(message: OutgoingMessage, options?: SendingOptions): Promise<DeliveryResult>;

  /** Whether `receipt` will be answered, before anything is sent. @throws ClientError */
  receipts(): Promise<Supported | Unsupported>;

  /**
   * What has become of a message so far.
   * @param id as in `DeliveryResult.receiptId`
   * @param timeout milliseconds to wait for the answer
   * @throws ClientError; FtpdctlError `NO_RECEIPT` where nothing is known of it
   */
  receipt(id: string, timeout?: number): Promise<ReceiptDetails>;

  /**
   * End sessions at once: by the action `kick`, or one session by its id, which a ProFTPD of this machine lets root do.
   * @param words after `kick`: `user`, `host` or `class`, options of ProFTPD's own and names; or `session` and an id
   * @throws RequestRefused, ClientError
   */
  kick(words: readonly string[]): Promise<KickResult | Unsupported>;

  /** Whom `kick` would end; nobody is. @throws ClientError; FtpdctlError `USAGE`, `UNKNOWN_HOST` */
  kickTargets(words: readonly string[]): Promise<DeliveryResult | Unsupported>;

  /** Its maintenance: close logins, end sessions. Nothing is touched yet. @throws ClientError */
  maintenance(): Promise<Maintenance>;

  /** Who may run which action, as the running daemon judges; of a ProFTPD of this machine, by its configuration. @throws ClientError */
  access(question: AccessQuestion): Promise<AccessResult | Unsupported>;
}

export interface Supported {
  readonly kind: 'supported';
}

/** What a daemon cannot do. */
export interface Unsupported {
  readonly kind: 'unsupported';
  /** One English sentence without a full stop. */
  readonly reason: string;
  /** What to do instead. */
  readonly hint?: string;
}

/** Whose sessions: those that match every name given. */
export interface SessionFilter {
  /** A login name, `(none)` for sessions that have not logged in. */
  readonly user?: string | undefined;
  /** A client's host name or address. */
  readonly host?: string | undefined;
  readonly class?: string | undefined;
}

export interface SessionsOptions {
  /** Ask no server that may answer at its next poll only: `unsupported`, then. */
  readonly withoutPoll?: boolean;
}

export type SessionsResult =
  | {
      readonly kind: 'sessions';
      readonly sessions: readonly Session[];
      /** Sessions that the answer had no room for. */
      readonly omitted: number;
    }
  | {readonly kind: 'refused'; readonly answer: ControlAnswer}
  | Unsupported;

/** A connected FTP session. */
export interface Session extends SessionInfo {
  /** `MessageEngine` of its server; `null` where that is not known. */
  readonly engine: boolean | null;
  /** Messages not yet shown; `null` where nobody counts them. */
  readonly waiting: number | null;
  /** Who says so. */
  readonly source: 'serve' | 'scoreboard';
}

/** `all`, or `user`, `host`, `class` or `session` and a name. */
export type AudienceWords = readonly string[];

export interface OutgoingMessage {
  readonly audience: AudienceWords;
  /** Lines are separated by `\n`. */
  readonly text: string;
}

export interface SendingOptions {
  /**
   * Whether `receipt` will be asked for it; default true. Of a direct delivery the scoreboard and the kernel's counters
   * of all connections are then read whenever sessions have taken it.
   */
  readonly receipt?: boolean;
}

/** What a daemon takes as the text of a message. */
export interface TextRules {
  readonly severalLines: boolean;
  /** UTF-8; else printable ASCII only. */
  readonly utf8: boolean;
  /** Bytes that still fit beside the text; below 0 when it is too long. */
  room(message: OutgoingMessage): number;
  /** Why it would not be sent. */
  refusal(message: OutgoingMessage): string | undefined;
}

/** By which way a message goes: `auto` is directly where that is possible and allowed, else by the controls socket. */
export type Via = 'auto' | 'controls' | 'direct';

/** What a daemon says, or, of a direct delivery, what it would say. */
export interface DaemonAnswer extends Omit<ControlAnswer, 'dialect' | 'socket'> {
  /** Of an answer that came by a controls socket. */
  readonly dialect?: Dialect;
  /** The controls socket that it came by. */
  readonly socket?: string;
  /** A direct delivery: no daemon has answered. */
  readonly via?: 'direct';
  /** Exit status of the program, where none of ProFTPD's fits: 75 for what may be tried again. */
  readonly exitStatus?: number;
}

/** Receipt of a direct delivery, which is known to the process alone that has made it. */
export const DIRECT_RECEIPT_ID = 'direct';

/** The answer to a message, and what is known of its recipients. */
export interface DeliveryResult {
  readonly kind: 'answered';
  readonly answer: DaemonAnswer;
  /** Sessions that it was queued for (of `recipients`: would be); absent where the daemon does not count them. */
  readonly recipients?: number;
  /** Sessions that it was not queued for because too much waits for them. */
  readonly refused?: number;
  /** Session processes that do not answer: nobody knows whether they have sessions that are meant. */
  readonly unanswered?: number;
  /** Names the message in `receipt`; absent where nobody will know what becomes of it. */
  readonly receiptId?: string;
  /** Of `recipients`: who they are, as many as fit into an answer. */
  readonly sessions?: readonly Session[];
}

export interface KickResult {
  readonly kind: 'answered';
  readonly answer: DaemonAnswer;
  /** Sessions that were there before and are not any more, of those that were meant; absent where nobody can look. */
  readonly ended?: number;
  readonly meant?: number;
}

/** What can be done to a daemon for its maintenance. */
export interface Maintenance {
  /** Of a ProFTPD of this machine. */
  readonly identity: ProcessIdentity | null;
  /**
   * What can be done, before anything is.
   * @throws FtpdctlError `SHUTMSG_FOREIGN` where logins are closed by what is not ours; ClientError
   */
  abilities(): Promise<MaintenanceAbilities>;
  /** End these sessions and wait for their end, some seconds at the most: who is left, the next look tells. */
  endSessions(sessions: readonly Session[], options: EndOptions): Promise<void>;
}

export interface MaintenanceAbilities {
  readonly logins: LoginGate | Unsupported;
  /** Whether sessions can be seen and ended. */
  readonly ending: Supported | Unsupported;
  /** Whether a session that is in a transfer can be told from one that is not. */
  readonly seesTransfers: boolean;
}

export interface EndOptions {
  /** Tell them first where that can be (421); otherwise they end without a word. */
  readonly withReply: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How logins are closed. It is all that is needed to open them again. */
export type LoginGate =
  /** A file that closes every ProFTPD that sees it. */
  | {readonly kind: 'shutmsg'; readonly path: string; readonly closes: readonly ClosedDaemon[]}
  /** The action `down`, server by server. */
  | {readonly kind: 'down'; readonly servers: readonly string[]};

/** A ProFTPD of this machine to which the file closes logins. */
export interface ClosedDaemon {
  readonly pid: number;
  readonly ports: readonly number[];
}

export type AccessQuestion =
  | {
      readonly kind: 'check';
      readonly action: string;
      /** Neither: whoever asks. */
      readonly user?: string | undefined;
      readonly group?: string | undefined;
    }
  | {readonly kind: 'list'};

export interface AccessResult {
  readonly kind: 'access';
  /** The answer in words. */
  readonly lines: readonly string[];
  readonly details: AclCheckDetails | AclListDetails;
}
