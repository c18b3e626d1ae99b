import {chownSync, lstatSync} from 'node:fs';
import type {Caller} from '../acl/names.ts';
import {bindSocket} from '../transport/sockets/bindSocket.ts';
import {type ClientHandler, type Listener, listenAt} from '../transport/sockets/listener.ts';
import {SocketFile, SocketFileError} from '../transport/sockets/socketFile.ts';

/** What chown(2) takes for "as it is". */
const UNCHANGED = -1;

/** The controls socket: anybody may connect (mode 0777, measured), since the ACLs decide who gets an answer. */
export class ControlsSocket {
  readonly #file: SocketFile;
  readonly #listener: Listener;

  private constructor(file: SocketFile, listener: Listener) {
    this.#file = file;
    this.#listener = listener;
  }

  /**
   * @param path absolute
   * @param owner `ControlsSocketOwner`; `null`: the user and group of this process
   * @throws SocketFileError
   */
  static async open(path: string, owner: Caller | null, clients: ClientHandler): Promise<ControlsSocket> {
    return bindSocket(path, () => {
      const listener = listen(path, clients);
      const socket = new ControlsSocket(new SocketFile(path), listener);
      try {
        socket.chown(owner);
      } catch (error) {
        void socket.close();
        throw error;
      }
      return socket;
    });
  }

  get path(): string {
    return this.#file.path;
  }

  /** @throws SocketFileError when it may not be given away */
  chown(owner: Caller | null): void {
    const {uid, gid} = owner ?? {uid: process.geteuid!(), gid: process.getegid!()};
    const now = lstatSync(this.path);
    if ([now.uid, UNCHANGED].includes(uid) && [now.gid, UNCHANGED].includes(gid)) return;
    try {
      chownSync(this.path, uid, gid);
    } catch (cause) {
      const why = `cannot give it to uid ${uid}, gid ${gid}: ${(cause as NodeJS.ErrnoException).code}`;
      const hint = 'see ControlsSocketOwner; root may do so';
      throw new SocketFileError('SOCKET_UNAVAILABLE', this.path, why, {cause, hint});
    }
  }

  /** Whether clients still find it at its path. */
  get isStillOurs(): boolean {
    return this.#file.isStillOurs;
  }

  /** Stop listening, and remove the socket's file if it is still this one's. */
  async close(): Promise<void> {
    this.#file.remove();
    await this.#listener.close();
  }
}

function listen(path: string, clients: ClientHandler): Listener {
  const umask = process.umask(0);
  try {
    return listenAt(path, clients);
  } catch (cause) {
    throw new SocketFileError('SOCKET_UNAVAILABLE', path, (cause as Error).message, {cause});
  } finally {
    process.umask(umask);
  }
}
