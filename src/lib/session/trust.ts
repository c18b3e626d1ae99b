import {statSync} from 'node:fs';
import path from 'node:path';
import {loadUnixDgram} from '../transport/sockets/datagram.ts';

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
