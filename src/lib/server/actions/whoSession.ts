import type {WhoSession} from '../../protocol/details.ts';
import type {SessionEntry} from '../../session/queueSession.ts';

/** A session as our client is told of it. */
export function whoSession({connectedAt, idle, ...session}: SessionEntry): WhoSession {
  return {...session, connectedAt: connectedAt.getTime(), idle: Math.round(idle / 1000)};
}
