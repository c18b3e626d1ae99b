import {lstatSync, unlinkSync} from 'node:fs';
import {libc} from '../libc.ts';

/** Where stock clients and ours bind their own end. */
const CLIENT_PATH = /^\/tmp\/ftp\.cl\d+$/;
/** `setfsuid` with a uid there cannot be changes nothing, and says which is in force. */
const ASK = 0xffffffff;

/**
 * Remove the socket that a client has bound its own end to: the stock clients leave it to the server (measured).
 *
 * The path is what the client says. It can have unlinked its socket meanwhile, and another user's can be there; so root
 * looks and removes with the rights of the client, and the kernel sees to it that it can be no other's. Never throws.
 */
export function removeClientPath(path: string, uid: number): void {
  if (!CLIENT_PATH.test(path)) return;
  const euid = process.geteuid!();
  if (euid === uid) removeSocket(path, uid);
  else if (euid === 0) withFileRightsOf(uid, () => removeSocket(path, uid));
}

function removeSocket(path: string, uid: number): void {
  try {
    const file = lstatSync(path);
    if (file.isSocket() && file.uid === uid) unlinkSync(path);
  } catch {
    // It is gone already, or not the client's to remove.
  }
}

let setfsuid: ((uid: number) => number) | undefined;

/** On Linux, for this thread and nothing but files (`setfsuid(2)`); synchronous, so that nobody else has these rights. */
function withFileRightsOf(uid: number, act: () => void): void {
  setfsuid ??= libc.func('int setfsuid(uint32_t uid)') as unknown as (uid: number) => number;
  setfsuid(uid);
  try {
    if (setfsuid(ASK) === uid) act();
  } finally {
    setfsuid(0);
  }
}
