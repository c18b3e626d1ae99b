/** Messages that may wait for one session: on their way to it, or with it and not yet shown. */
export const MAX_WAITING_MESSAGES = 32;

/** Bytes of all messages that wait for anyone; a message counts once, however many it is for. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** What keeping track of a message costs besides its text, in bytes, roughly. */
export const MESSAGE_OVERHEAD_BYTES = 256;

/** Bytes of a message's text as JSON. With the longest list of sessions it still fits into one datagram. */
export const MAX_TEXT_BYTES = 32 * 1024;

/** Ranges (first and last number) in one list of sessions: with 10-digit numbers 22 KB of JSON. */
export const MAX_RANGES = 1000;

/** Servers that `down` may have closed: with the longest IPv6 addresses 49 KB of JSON. */
export const MAX_DOWN = 1000;

/** UTF-16 units of a user, host or class name and the like. Longer ones are cut before they are sent. */
export const MAX_NAME_LENGTH = 1024;

/** Sessions that a server keeps track of, in all. */
export const MAX_SESSIONS = 100_000;

/** Receipts kept of messages that have come to their end: their bytes, roughly, and for how many milliseconds. */
export const SETTLED_RECEIPTS = {bytes: 16 * 1024 * 1024, lifetimeMs: 600_000} as const;

/** Sessions that a receipt names because they will never show its message, or nobody knows whether they have. */
export const MAX_NAMED_UNDELIVERED = 1000;

/** How long a reply waits until a server that does not read takes that a message is in it: milliseconds. */
export const SHOWING_TIMEOUT_MS = 200;

/** How long a mailbox may take to say which sessions it has before messages are sent without it: milliseconds. */
export const ANSWER_TIMEOUT_MS = 2000;

/** How often the server looks whether the mailboxes that owe it something are still there: milliseconds. */
export const CHECK_INTERVAL_MS = 1000;

/** How long sessions that were kicked may take to say goodbye before the answer counts those that have: milliseconds. */
export const KICK_TIMEOUT_MS = 3000;

/** Mailboxes that are looked at in one go: each costs about 30 us. */
export const MAX_CHECKED_AT_ONCE = 256;

/** A mailbox says which sessions were active at most this often: milliseconds. */
export const ACTIVE_INTERVAL_MS = 1000;

/** How long a mailbox waits before it looks for an absent server again: milliseconds, doubled each time. */
export const RETRY_MS = {first: 1000, last: 60_000} as const;

/** How long a mailbox that closes waits for a congested server to take its goodbyes: milliseconds. */
export const CLOSE_GRACE_MS = 1000;
