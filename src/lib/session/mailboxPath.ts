import {randomBytes} from 'node:crypto';
import path from 'node:path';
import {FtpdctlError} from '../errors.ts';
import {MAX_SOCKET_PATH_BYTES} from '../transport/sockets/socketFile.ts';

/*
 * The server binds the queue's own path; each mailbox binds a socket beside it, named after it: PATH.PID.RANDOM.
 * The random part is what tells two processes with the same pid apart.
 */
const MAILBOX_ID = '[0-9]{1,10}\\.[0-9a-f]{12}';

/** What a mailbox's name adds to the queue's: Linux counts pids up to 4194304. */
const SUFFIX_BYTES = '.4194304.0123456789ab'.length;

/**
 * A queue that can be bound, but beside which no mailbox can, would stay empty without a word.
 *
 * @throws FtpdctlError when the path is too long for that
 */
export function checkQueuePath(queuePath: string): void {
  const most = MAX_SOCKET_PATH_BYTES - SUFFIX_BYTES;
  const bytes = Buffer.byteLength(queuePath);
  if (bytes <= most) return;
  throw new FtpdctlError(
    'SOCKET_PATH_TOO_LONG',
    `the session queue's path is ${bytes} bytes long, and ${most} are the most: ${queuePath}`,
    1,
    {hint: 'choose a shorter directory: every session process adds its own name to it'},
  );
}

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
