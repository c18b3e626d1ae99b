import type {Reply} from '../reply/reply.ts';
import type {DataPort} from './data/dataPort.ts';
import type {RunningTransfer} from './data/runningTransfer.ts';
import type {VirtualServer} from './options.ts';
import {ALL_FACTS, type FileTree, type ListedFact} from './tree/tree.ts';

export type Login =
  | {readonly kind: 'none'}
  | {readonly kind: 'named'; readonly user: string}
  | {readonly kind: 'done'; readonly user: string};

/** The part of a file that the next transfer is about: from an offset, to the end or so many bytes. */
export type TransferRange =
  | {readonly kind: 'REST'; readonly offset: number}
  | {readonly kind: 'RANG'; readonly offset: number; readonly length: number};

export const WHOLE: TransferRange = {kind: 'REST', offset: 0};

/** What the commands of one client have brought about, and REIN takes back. */
export interface SessionState {
  login: Login;
  workingDirectory: string;
  type: 'A' | 'I';
  /** REST or RANG: for the next RETR, STOR, APPE or STOU, whatever becomes of it. */
  range: TransferRange;
  /** RNFR, until RNTO. Without a path: it has been forgotten, and RNTO is awaited all the same. */
  renameFrom: {readonly path: string | null} | null;
  /** Octets of all transfers. */
  octets: number;
  /** RFC 2428 §4: after EPSV ALL no other way of opening a data connection. */
  epsvOnly: boolean;
  /** What `OPTS UTF8` said last. */
  utf8: boolean;
  /** Facts of MLSD and MLST, in the order in which they are written. */
  facts: readonly ListedFact[];
}

export function initialState(): SessionState {
  return {
    login: {kind: 'none'},
    workingDirectory: '/',
    type: 'A',
    range: WHOLE,
    renameFrom: null,
    octets: 0,
    epsvOnly: false,
    utf8: true,
    facts: ALL_FACTS,
  };
}

/** What the commands of one control connection share. */
export interface Session {
  readonly server: VirtualServer;
  readonly tree: FileTree;
  /** The client's address, and the one that it called. */
  readonly peerAddress: string;
  readonly localAddress: string;

  readonly state: SessionState;
  readonly dataPort: DataPort;
  /** The transfer that runs now. */
  transfer: RunningTransfer | null;

  /** A transfer begins; an ABOR that the client has sent already ends it. */
  begin(transfer: RunningTransfer): void;
  /** Send a 1xx reply ahead of the final one. */
  preliminary(reply: Reply): Promise<void>;
  /** How the next data connection is opened; `null`: by the default of RFC 959 §3.3, as after each transfer. */
  useDataPort(port: DataPort | null): void;
  /** Tell the queue the session's user; `null`: not logged in. */
  identify(user: string | null): void;
  /** Forget everything but the connection (REIN). */
  reset(): void;
  /** Close the control connection once everything written has been sent. */
  end(): void;
}

/** Carries out one command and gives its final reply. What it throws becomes a 4xx or 5xx. */
export type Handler = (session: Session, argument: string) => Reply | Promise<Reply>;

/** One FTP command. */
export interface Command {
  readonly verb: string;
  /** What HELP says after the verb. */
  readonly syntax: string;
  readonly run: Handler;
  /** The reply when there is no argument; absent: it may be left out. */
  readonly missing?: Reply;
  /** False: it is known, and refused. */
  readonly implemented?: boolean;
  /** It takes no argument. */
  readonly alone?: boolean;
  /** Carried out for anybody, logged in or not: always, or with this argument. */
  readonly beforeLogin?: boolean | ((argument: string) => boolean);
  /** Done when the final reply has been sent. */
  readonly after?: (session: Session) => void;
}
