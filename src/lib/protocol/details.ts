/**
 * What `ftpdctl serve` says beyond the lines, under `ftpdctl.details` of a JSON answer; and what our client may ask
 * beyond the arguments, under `ftpdctl` of a JSON request. One shape an action.
 */

/** `who`: the sessions the server knows. */
export interface WhoDetails {
  readonly sessions: readonly WhoSession[];
  /** Sessions that the answer had no room for. */
  readonly omitted: number;
}

export interface WhoSession {
  /** What `session ID` means. */
  readonly id: string;
  readonly pid: number;
  /** `null` before the login. */
  readonly user: string | null;
  /** The client's host name where it is known, else its address. */
  readonly host: string;
  readonly address: string;
  readonly class: string | null;
  /** `ADDRESS#PORT` of the (virtual) server. */
  readonly server: string;
  /** `MessageEngine` of that server. */
  readonly engine: boolean;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  /** Seconds since the client's last command; of a ProFTPD 0 during one. */
  readonly idle: number;
  /** Messages not yet shown. */
  readonly waiting: number;
}

/** `status`. */
export interface StatusDetails {
  /** Seconds since the server started. */
  readonly uptime: number;
  readonly sessions: number;
  /** Messages not yet shown, over all sessions. */
  readonly waiting: number;
  /** `MessageEngine` of the main server. */
  readonly engine: boolean;
}

/** `kick`. */
export interface KickDetails {
  /** Sessions that have ended, of those that were meant. */
  readonly ended: number;
  readonly meant: number;
}

/** Keys that a `msg` request may carry. */
export interface MessageRequestOptions {
  /** The lines of a message of several lines; then the text is not among the arguments. */
  readonly lines?: readonly string[];
  /** Say who would get the message, and send nothing. */
  readonly dryRun?: boolean;
}

/** `msg`. */
export interface MessageDetails {
  /** Names the message in `receipt`; absent after a dry run or when nothing was sent. */
  readonly id?: string;
  /** Sessions that the message was queued for (a dry run: would be). */
  readonly recipients: number;
  /** Sessions left out because their server has `MessageEngine off`. */
  readonly engineOff: number;
  /** Sessions whose queue is full: the message was not queued for them. */
  readonly refused: number;
  /** Session processes that do not answer: nobody knows whether they have sessions that are meant. */
  readonly unanswered: number;
  /** A dry run: who they are. */
  readonly sessions?: readonly WhoSession[];
}

/** `receipt ID`: how far a message has come. Sessions that are none of `shown`, `lost`, `unknown` may still show it. */
export interface ReceiptDetails {
  readonly id: string;
  /** Sessions that it was sent to, those included that could not take it. */
  readonly recipients: number;
  /** Of a direct delivery: sessions that have taken it, those among them that have shown it. */
  readonly taken?: number;
  /** Sessions whose client has been shown the message. */
  readonly shown: number;
  /** Of a direct delivery: sessions that have answered a command since, though perhaps one whose reply carries no message. */
  readonly probablyShown?: number;
  /** Sessions that will never show it. */
  readonly lost: number;
  /** Sessions that an earlier server sent it to, and of which this one knows nothing; and the interrupted. */
  readonly unknown: number;
  /** The first of those that ended before it was known whether their client had seen the message. */
  readonly interrupted?: readonly SessionName[];
  /** Session processes that have not answered this server yet: they may know of some of those. */
  readonly unanswered: number;
  /** The first of the lost, as many as fit into an answer, and why. */
  readonly undelivered: readonly (SessionName & {readonly reason: string})[];
  /** The first of those that may still show it. */
  readonly waiting: readonly SessionName[];
}

export interface SessionName {
  /** `null` before the login. */
  readonly user: string | null;
  readonly host: string;
}

/** `acl check ACTION`. */
export interface AclCheckDetails {
  readonly action: string;
  readonly user: string;
  readonly group: string;
  /** `null`: nobody can say. */
  readonly allowed: boolean | null;
  /** One English sentence. */
  readonly why: string;
  /** The directive that decided, as written, and where it stands. */
  readonly decidedBy?: {readonly file: string; readonly line: number; readonly text: string};
  /** What is odd about the lines concerned. Only who may see the configuration is told these two. */
  readonly notes?: readonly string[];
  /** The version of ProFTPD whose verdict it is, where a configuration was judged. */
  readonly proftpd?: string;
}

/** `acl list`. */
export interface AclListDetails {
  readonly actions: readonly {
    readonly action: string;
    /** Who gets through to it, by the socket's ACL and its own, in words. */
    readonly who: string;
    readonly rules: readonly {readonly file: string; readonly line: number; readonly text: string}[];
  }[];
  /** What in the configuration does not do what it seems to. */
  readonly findings: readonly string[];
  /** The version of ProFTPD whose verdicts they are, where a configuration was judged. */
  readonly proftpd?: string;
}

/*
 * The shapes of `details.ts` as JSON schemas: what a client makes sure of before it uses what a server says. Further
 * members are no fault, since a later server may have more to say.
 */

const text = {type: 'string'} as const;
const textOrNull = {type: 'string', nullable: true} as const;
const number = {type: 'number'} as const;
const count = {type: 'integer', minimum: 0} as const;
const truth = {type: 'boolean'} as const;
const truthOrNull = {type: 'boolean', nullable: true} as const;

const list = <T>(items: T) => ({type: 'array', items}) as const;

function object(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return {type: 'object', properties, required} as const;
}

const whoSession = object({
  id: text,
  pid: count,
  user: textOrNull,
  host: text,
  address: text,
  class: textOrNull,
  server: text,
  engine: truth,
  connectedAt: number,
  idle: number,
  waiting: count,
});

const rule = object({file: text, line: count, text});

export const DETAILS_SCHEMAS = {
  who: object({sessions: list(whoSession), omitted: count}),
  status: object({uptime: number, sessions: count, waiting: count, engine: truth}),
  kick: object({ended: count, meant: count}),
  msg: object(
    {
      id: text,
      recipients: count,
      engineOff: count,
      refused: count,
      unanswered: count,
      sessions: list(whoSession),
    },
    ['id', 'sessions'],
  ),
  receipt: object(
    {
      id: text,
      recipients: count,
      taken: count,
      shown: count,
      probablyShown: count,
      lost: count,
      unknown: count,
      unanswered: count,
      interrupted: list(object({user: textOrNull, host: text})),
      waiting: list(object({user: textOrNull, host: text})),
      undelivered: list(object({user: textOrNull, host: text, reason: text})),
    },
    ['taken', 'probablyShown', 'interrupted'],
  ),
  aclCheck: object(
    {
      action: text,
      user: text,
      group: text,
      allowed: truthOrNull,
      why: text,
      decidedBy: rule,
      notes: list(text),
      proftpd: text,
    },
    ['decidedBy', 'notes', 'proftpd'],
  ),
  aclList: object(
    {
      actions: list(object({action: text, who: text, rules: list(rule)})),
      findings: list(text),
      proftpd: text,
    },
    ['proftpd'],
  ),
} as const;
