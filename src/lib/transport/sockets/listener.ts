import {Socket} from 'node:net';
import {setImmediate as nextTurn, setTimeout as sleep} from 'node:timers/promises';
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
} from '../libc.ts';

/** One client of a controls socket. */
export interface Accepted {
  readonly socket: Socket;
  /** Who the client is, as the kernel says. */
  readonly credentials: PeerCredentials;
  /** The path the client has bound its own end to; empty when it has none. */
  readonly path: string;
}

/** What becomes of those who connect. */
export interface ClientHandler {
  /** Whether to take a client at all. One that is not taken is closed before anything is done for it. */
  accepts(credentials: PeerCredentials): boolean;
  onConnection(client: Accepted): void;
}

/** A listening Unix stream socket. */
export interface Listener {
  /** Stop listening. The socket file stays: whoever bound it removes it. */
  close(): Promise<void>;
}

/** Connections the kernel keeps until they are accepted; more wait in `connect`, or fail with EAGAIN. */
const BACKLOG = 1024;
/** Milliseconds to wait when there is no descriptor left to accept with. */
const EXHAUSTED_PAUSE = 50;
/** Clients that are taken before those that were taken earlier are looked after. */
const MAX_ACCEPTED_PER_TURN = 64;
/** Clients that are looked at, taken or not; to close one again takes a few microseconds. */
const MAX_SEEN_PER_TURN = 1024;

/**
 * Listen at a path that nothing stands at yet, and hand over every client with its credentials.
 *
 * `node:net` shows neither the credentials nor the client's path, so the accepting is done here: a thread waits for
 * connections, and those that wait are taken, some at a time.
 * @throws SystemCallError `EADDRINUSE`, `EACCES`, `ENOENT`, `ENAMETOOLONG`
 */
export function listenAt(path: string, clients: ClientHandler): Listener {
  const fd = streamSocket();
  try {
    bindPath(fd, path);
    listenOn(fd, BACKLOG);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  let open = true;
  const done = acceptUntilClosed(fd, () => open, clients).finally(() => closeDescriptor(fd));
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

async function acceptUntilClosed(fd: number, isOpen: () => boolean, clients: ClientHandler): Promise<void> {
  while (isOpen()) {
    await untilReadable(fd);
    try {
      // In between, a turn of the event loop is for those that are connected already.
      while (acceptSome(fd, isOpen, clients) === 'more') await nextTurn();
    } catch {
      // EMFILE and its like: the client stays in the backlog until a descriptor is free.
      if (isOpen()) await sleep(EXHAUSTED_PAUSE);
    }
  }
}

function acceptSome(fd: number, isOpen: () => boolean, clients: ClientHandler): 'all' | 'more' {
  for (let seen = 0, taken = 0; seen < MAX_SEEN_PER_TURN && taken < MAX_ACCEPTED_PER_TURN; seen++) {
    const accepted = isOpen() ? acceptFrom(fd) : undefined;
    if (accepted === undefined) return 'all';
    if (acceptOne(accepted, clients)) taken++;
  }
  return 'more';
}

function acceptOne({fd, path}: {fd: number; path: string}, clients: ClientHandler): boolean {
  let socket: Socket;
  let credentials: PeerCredentials;
  try {
    credentials = peerCredentials(fd);
    if (!clients.accepts(credentials)) {
      closeDescriptor(fd);
      return false;
    }
    socket = new Socket({fd, readable: true, writable: true});
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  clients.onConnection({credentials, path, socket});
  return true;
}
