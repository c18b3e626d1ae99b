import type {WhoSession} from '../../protocol/details.ts';
import type {SessionInfo} from '../../session/queue/mailboxConnection.ts';

/** Bytes of JSON that one list in an answer may take. A response has 1 MiB; the lines take less than half of it. */
const LIST_BYTES = 480 * 1024;

/** The items from the first on, as many as fit into an answer. */
export function takeWhileFits<T>(items: readonly T[], bytes = LIST_BYTES): readonly T[] {
  let room = bytes;
  const end = items.findIndex((item) => {
    room -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return room < 0;
  });
  return end === -1 ? items : items.slice(0, end);
}

/** A session as our client is told of it. */
export function whoSession({connectedAt, idle, ...session}: SessionInfo): WhoSession {
  return {...session, connectedAt: connectedAt.getTime(), idle: Math.round(idle / 1000)};
}
