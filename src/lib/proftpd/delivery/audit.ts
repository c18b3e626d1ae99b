import {readFileSync} from 'node:fs';
import {nameService} from '../../transport/nameService.ts';
import {writeSyslog} from '../../transport/syslog.ts';
import type {SessionProcessInfo} from '../sessions/sessionProcess.ts';

/** So many recipients are named; of the others only the number is. */
const MAX_NAMED = 20;
/** What `loginuid` says where nobody has logged in. */
const NO_LOGIN = 2 ** 32 - 1;

/**
 * Record who sends what to whom, before it is sent: no daemon does, since none has a part in it.
 *
 * @param write default: syslog(3)
 */
export function auditDelivery(
  lines: readonly string[],
  sessions: readonly SessionProcessInfo[],
  write: (line: string) => void = writeSyslog,
): void {
  const pids = sessions.slice(0, MAX_NAMED).map(({pid}) => pid);
  const more = sessions.length > MAX_NAMED ? ` and ${sessions.length - MAX_NAMED} more` : '';
  write(
    `msg from ${sender()} directly to sessions ${pids.join(' ')}${more}: ${JSON.stringify(lines.join('\n'))}`,
  );
}

/** The user, and who logged in to become that user. */
function sender(): string {
  const uid = process.getuid?.() ?? 0;
  const login = loginUid();
  const name = nameOf(uid);
  return login === undefined || login === uid ? name : `${name} (logged in as ${nameOf(login)})`;
}

function nameOf(uid: number): string {
  try {
    return nameService.userOf(uid)?.name ?? `uid ${uid}`;
  } catch {
    return `uid ${uid}`;
  }
}

function loginUid(): number | undefined {
  try {
    const uid = Number(readFileSync('/proc/self/loginuid', 'utf8'));
    return uid === NO_LOGIN ? undefined : uid;
  } catch {
    return undefined;
  }
}
