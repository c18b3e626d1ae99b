import {randomBytes} from 'node:crypto';
import {statSync} from 'node:fs';
import path from 'node:path';
import {FtpdctlError} from '../errors.ts';
import {loadUnixDgram} from '../transport/sockets/datagram.ts';
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

/*
 * Only processes of the server's user or root's take part in a queue. The kernel sees to it that no other can send to
 * a socket of mode 0600; to whom one's own words go is decided by whose socket it is. Root may take part in a user's
 * queue where that user owns the directory: in /tmp anybody could pose as that server.
 */

/** Whether a socket beside `queuePath` may be talked to, going by who owns it. */
export function trustsBeside(queuePath: string): (uid: number) => boolean {
  const trusted = new Set([0, process.geteuid!()]);
  if (process.geteuid!() === 0) trusted.add(ownerOfPlace(queuePath));
  return (uid) => trusted.has(uid);
}

/** Run `bind`; root does so as the owner of the directory, whose server could not write to root's own socket. */
export function asOwnerOfPlace<T>(queuePath: string, bind: () => T): T {
  if (process.geteuid!() !== 0) return bind();
  loadUnixDgram();
  process.seteuid!(ownerOfPlace(queuePath));
  try {
    return bind();
  } finally {
    process.seteuid!(0);
  }
}

/** Root, if it cannot be told: binding or connecting there then says what is wrong. */
function ownerOfPlace(queuePath: string): number {
  try {
    return statSync(path.dirname(queuePath)).uid;
  } catch {
    return 0;
  }
}
