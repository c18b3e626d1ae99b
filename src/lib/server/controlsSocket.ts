import {chownSync, lstatSync, unlinkSync} from 'node:fs';
import type {Caller} from '../acl/names.ts';
import {type Accepted, type Listener, listenAt} from '../transport/listener.ts';
import {claimSocketPath, SocketClaimError} from '../transport/socketClaim.ts';

/** The controls socket: anybody may connect (mode 0777, measured), since the ACLs decide who gets an answer. */
export class ControlsSocket {
  private constructor(
    readonly path: string,
    private readonly inode: {readonly dev: number; readonly ino: number},
    private readonly listener: Listener,
  ) {}

  /**
   * @param path absolute
   * @param owner `ControlsSocketOwner`; `null`: whoever starts the server
   * @throws SocketClaimError
   */
  static async open(
    path: string,
    owner: Caller | null,
    onClient: (client: Accepted) => void,
  ): Promise<ControlsSocket> {
    return claimSocketPath(path, () => {
      const listener = listen(path, onClient);
      const socket = new ControlsSocket(path, lstatSync(path), listener);
      try {
        socket.giveTo(owner);
      } catch (error) {
        void socket.close();
        throw error;
      }
      return socket;
    });
  }

  /** @throws SocketClaimError when it may not be given away */
  giveTo(owner: Caller | null): void {
    const {uid, gid} = owner ?? {uid: process.geteuid!(), gid: process.getegid!()};
    const now = lstatSync(this.path);
    if (now.uid === uid && now.gid === gid) return;
    try {
      chownSync(this.path, uid, gid);
    } catch (cause) {
      const why = `cannot give it to uid ${uid}, gid ${gid}: ${(cause as NodeJS.ErrnoException).code}`;
      throw new SocketClaimError(this.path, why, {cause, hint: 'see ControlsSocketOwner; root may do so'});
    }
  }

  /** Whether clients still find it at its path. */
  get isInPlace(): boolean {
    const now = lstatSync(this.path, {throwIfNoEntry: false});
    return now?.ino === this.inode.ino && now.dev === this.inode.dev;
  }

  /** Stop listening, and remove the socket's file if it is still this one's. */
  async close(): Promise<void> {
    if (this.isInPlace) unlinkSync(this.path);
    await this.listener.close();
  }
}

function listen(path: string, onClient: (client: Accepted) => void): Listener {
  const umask = process.umask(0);
  try {
    return listenAt(path, onClient);
  } catch (cause) {
    throw new SocketClaimError(path, (cause as Error).message, {cause});
  } finally {
    process.umask(umask);
  }
}
