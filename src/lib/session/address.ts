import {randomBytes} from 'node:crypto';
import path from 'node:path';

/*
 * The server binds the queue's own path; each mailbox binds a socket beside it, named after it: PATH.PID.RANDOM.
 * The random part is what tells two processes with the same pid apart.
 */
const MAILBOX_ID = '[0-9]{1,10}\\.[0-9a-f]{12}';

/** A mailbox's name: `PID.RANDOM`. */
export const MAILBOX_ID_PATTERN = `^${MAILBOX_ID}$`;

export function newMailboxId(pid: number): string {
  return `${pid}.${randomBytes(6).toString('hex')}`;
}

export function mailboxPath(queuePath: string, mailboxId: string): string {
  return `${queuePath}.${mailboxId}`;
}

/** The mailbox's name, if `file` is one that belongs to the queue. */
export function mailboxIdOf(queuePath: string, file: string): string | null {
  const prefix = `${path.basename(queuePath)}.`;
  if (!file.startsWith(prefix)) return null;
  const id = file.slice(prefix.length);
  return new RegExp(MAILBOX_ID_PATTERN).test(id) ? id : null;
}
