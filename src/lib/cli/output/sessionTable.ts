import type {WhoSession} from '../../protocol/details.ts';
import {table} from './table.ts';

/** The sessions as a table, or a line that says that there are none. */
export function sessionTable(sessions: readonly WhoSession[]): string {
  if (sessions.length === 0) return 'no sessions\n';
  return table(
    ['ID', 'USER', 'HOST', 'CLASS', 'SERVER', 'IDLE', 'WAITING'],
    sessions.map(({id, user, host, class: name, server, idle, waiting, engine}) => [
      id,
      user ?? '(none)',
      host,
      name ?? '-',
      server,
      `${Math.round(idle)} s`,
      engine ? String(waiting) : 'engine off',
    ]),
  );
}

/** `1 session`, `2 sessions`. */
export function sessionCount(count: number): string {
  return `${count} session${count === 1 ? '' : 's'}`;
}
