import type {SessionIdentity} from '../../audience.ts';

/** One message on its way to a session. */
export interface Message {
  /** Unique over all servers and restarts. */
  readonly id: string;
  /** Text; lines are separated by `\n`, there are no other control characters. */
  readonly text: string;
}

/** The session side of the queue for one process: many sessions share one datagram socket. */
export interface Mailbox {
  /**
   * Say hello for a new session. Never throws and never blocks: a server that is absent now is found later.
   * @param onKick called when the server wants the session to end
   */
  register(identity: SessionIdentity, onKick?: () => void): SessionMailbox;
  /** Whether the control server has taken this server down: it takes no new sessions. @param server as `status` names it */
  isDown(server: string): boolean;
  /** Resolves when the control server has been told to shut down, and this process is to end with it. */
  readonly shutdown: Promise<void>;
  /** Say goodbye for every session still registered, then remove the socket. */
  close(): Promise<void>;
}

/** One session's end of the queue. */
export interface SessionMailbox {
  readonly id: string;
  /** Tell the server of a login, a class, another virtual host. */
  change(changes: Partial<SessionIdentity>): void;
  /** Tell the server that the client has just sent a command (it shows idle times; batched, at most one datagram a second). */
  active(): void;
  /** Messages waiting to be shown, oldest first. They stay here until `shown`. */
  pending(): readonly Message[];
  /**
   * These messages are about to be written to the client's control connection. The server hears of it first: if this process
   * is killed before it can say `shown`, nobody knows whether the client has seen them.
   * @returns whether they may be written now; not while there is a server that reads nothing
   */
  showing(ids: readonly string[]): Promise<boolean>;
  /** The client has these messages. */
  shown(ids: readonly string[]): void;
  /** The session has ended; what is still pending is reported as undelivered. Said again it does nothing. */
  goodbye(): void;
}

/** The mailbox of a server without `MessageQueue`: no message ever comes. */
export const noMailbox: Mailbox = {
  register: () => idle,
  isDown: () => false,
  shutdown: new Promise(() => {}),
  close: async () => {},
};

const idle: SessionMailbox = {
  id: '',
  change() {},
  active() {},
  pending: () => [],
  showing: async () => true,
  shown() {},
  goodbye() {},
};
