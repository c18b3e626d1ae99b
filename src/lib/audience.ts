import ipaddr from 'ipaddr.js';

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

/** Whom a message is for. */
export type Audience =
  | {readonly kind: 'user'; readonly name: string}
  | {readonly kind: 'host'; readonly name: string; readonly addresses: readonly string[]}
  | {readonly kind: 'class'; readonly name: string}
  /** One session by its id; of a real ProFTPD, mod_msg has no such audience. */
  | {readonly kind: 'session'; readonly name: string}
  | {readonly kind: 'all'};

/** What the real module calls the user of a session that has not logged in; it can be addressed by it. */
export const NOT_LOGGED_IN = '(none)';

/** What tells whether a session is meant. */
export interface AddressedSession extends Pick<SessionIdentity, 'user' | 'address' | 'class'> {
  readonly id?: string;
}

/**
 * Which sessions an audience means, as ProFTPD's mod_msg 0.5 has it (measured, 1.3.8 and 1.3.10rc5).
 *
 * - `user`: the exact login name. `*` is a name like any other, and so is the empty one; `(none)` means the
 *   sessions that have not logged in.
 * - `host`: the client's address is one of `addresses`, which the caller has resolved from `name`. A session's
 *   host name is not asked: whoever owns an address may give it any name.
 * - `class`: the exact name of the class.
 * - `session`: ours alone: the session with this id.
 * - `all`: everyone, logged in or not.
 */
export function audienceFilter(audience: Audience): (session: AddressedSession) => boolean {
  switch (audience.kind) {
    case 'user':
      return (session) => (session.user ?? NOT_LOGGED_IN) === audience.name;
    case 'host': {
      const wanted = new Set(audience.addresses.map(addressKey));
      return (session) => wanted.has(addressKey(session.address));
    }
    case 'class':
      return (session) => session.class === audience.name;
    case 'session':
      return (session) => session.id === audience.name;
    case 'all':
      return () => true;
  }
}

/** The sessions that `audience` means, in the order given. */
export function selectSessions<T extends AddressedSession>(audience: Audience, sessions: Iterable<T>): T[] {
  const meant = audienceFilter(audience);
  return [...sessions].filter(meant);
}

/**
 * One key for every way to write an address: IPv4-mapped is the IPv4 address (RFC 4291, section 2.5.5.2), and an
 * IPv6 zone does not count, as it is no part of the address itself (RFC 4007, section 11.2).
 */
function addressKey(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toByteArray().join('.') : address;
}
