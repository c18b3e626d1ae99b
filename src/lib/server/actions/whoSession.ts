import type {WhoSession} from '../../protocol/details.ts';
import type {SessionInfo} from '../../session/queue/registeredSession.ts';

/** A session as our client is told of it. */
export function whoSession({connectedAt, idle, ...session}: SessionInfo): WhoSession {
  return {...session, connectedAt: connectedAt.getTime(), idle: Math.round(idle / 1000)};
}
