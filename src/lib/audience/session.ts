/** What is known of one FTP session: enough to decide whether a message is meant for it. */
export interface SessionIdentity {
  /** Process that serves the session. */
  readonly pid: number;
  /** Login name; `null` until the login has succeeded. The real module shows such a session as `(none)`. */
  readonly user: string | null;
  /** Client address: IPv4 or IPv6, never an IPv4-mapped one. */
  readonly address: string;
  /** Client host name where it is known, else its address. */
  readonly host: string;
  /** Name of the `<Class>` the client's address falls into, or `null`. */
  readonly class: string | null;
  /** The (virtual) server the client is connected to, written `ADDRESS#PORT`. */
  readonly server: string;
  /** `MessageEngine` of that server: when false, messages are neither queued nor shown. */
  readonly engine: boolean;
}
