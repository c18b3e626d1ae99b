import type {Audience, SessionIdentity} from '../../src/lib/audience.ts';
import type {Sender, SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';

export const ALL: Audience = {kind: 'all'};
export const ROOT: Sender = {uid: 0, client: 'root/root'};

export function identity(changes: Partial<SessionIdentity> = {}): SessionIdentity {
  return {
    pid: process.pid,
    user: 'dave',
    address: '127.0.0.1',
    host: 'localhost',
    class: null,
    server: '127.0.0.1#2121',
    engine: true,
    ...changes,
  };
}

/** What a log would say: one line for each message, and for each of its ends. */
export function logOf(queue: SessionQueue): string[] {
  const log: string[] = [];
  queue.on('message', ({text, delivery}) => log.push(`${text} to ${delivery.recipients}`));
  queue.on('shown', ({id, sessions}) => {
    if (sessions.length === 0) log.push(`${id} shown to nobody`);
    for (const session of sessions) log.push(`${id} shown to ${session.id}`);
  });
  queue.on('undelivered', ({id, reason, sessions}) => {
    if (sessions.length === 0) log.push(`${id} not shown to nobody: ${reason}`);
    for (const session of sessions) log.push(`${id} not shown to ${session.id}: ${reason}`);
  });
  queue.on('interrupted', ({id, sessions}) => {
    if (sessions.length === 0) log.push(`${id} interrupted in nobody`);
    for (const session of sessions) log.push(`${id} interrupted in ${session.id}`);
  });
  queue.on('unknown', ({id, count}) => log.push(`${id} unknown: ${count}`));
  queue.on('unfinished', ({id, count}) => log.push(`${id} unfinished: ${count}`));
  queue.on('killed', () => log.push('killed'));
  queue.on('mailboxLost', ({mailbox}) => log.push(`lost: ${mailbox}`));
  queue.on('ignored', ({reason}) => log.push(`ignored: ${reason}`));
  return log;
}
