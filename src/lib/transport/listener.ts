import {Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {
  acceptFrom,
  bindPath,
  closeDescriptor,
  listenOn,
  type PeerCredentials,
  peerCredentials,
  shutdownDescriptor,
  streamSocket,
  untilReadable,
} from './libc.ts';

/** One client of a controls socket. */
export interface Accepted {
  readonly socket: Socket;
  /** Who the client is, as the kernel says. */
  readonly credentials: PeerCredentials;
  /** The path the client has bound its own end to; empty when it has none. */
  readonly path: string;
}

/** A listening Unix stream socket. */
export interface Listener {
  /** Stop listening. The socket file stays: whoever bound it removes it. */
  close(): Promise<void>;
}

/** Connections the kernel keeps until they are accepted; more wait in `connect`. */
const BACKLOG = 128;
/** Milliseconds to wait when there is no descriptor left to accept with. */
const EXHAUSTED_PAUSE = 50;

/**
 * Listen at a path that nothing stands at yet, and hand over every client with its credentials.
 *
 * `node:net` shows neither the credentials nor the client's path, so the accepting is done here: a thread waits for
 * connections, and all that wait are taken at once.
 * @throws SystemCallError `EADDRINUSE`, `EACCES`, `ENOENT`, `ENAMETOOLONG`
 */
export function listenAt(path: string, onClient: (client: Accepted) => void): Listener {
  const fd = streamSocket();
  try {
    bindPath(fd, path);
    listenOn(fd, BACKLOG);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  let open = true;
  const done = acceptUntilClosed(fd, () => open, onClient).finally(() => closeDescriptor(fd));
  return {
    close() {
      if (open) {
        open = false;
        shutdownDescriptor(fd);
      }
      return done;
    },
  };
}

async function acceptUntilClosed(
  fd: number,
  isOpen: () => boolean,
  onClient: (client: Accepted) => void,
): Promise<void> {
  while (isOpen()) {
    await untilReadable(fd);
    try {
      for (let next = acceptOne(fd, isOpen); next; next = acceptOne(fd, isOpen)) onClient(next);
    } catch {
      // EMFILE and its like: the client stays in the backlog until a descriptor is free.
      if (isOpen()) await sleep(EXHAUSTED_PAUSE);
    }
  }
}

function acceptOne(fd: number, isOpen: () => boolean): Accepted | undefined {
  const accepted = isOpen() ? acceptFrom(fd) : undefined;
  if (!accepted) return undefined;
  try {
    const credentials = peerCredentials(accepted.fd);
    return {
      credentials,
      path: accepted.path,
      socket: new Socket({fd: accepted.fd, readable: true, writable: true}),
    };
  } catch (error) {
    closeDescriptor(accepted.fd);
    throw error;
  }
}
