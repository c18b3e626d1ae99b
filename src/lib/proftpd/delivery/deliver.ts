import {readFileSync} from 'node:fs';
import {FtpdctlError} from '../../errors.ts';
import {MOD_MSG_TEXT_BYTES} from '../../protocol/limits.ts';
import {nameService} from '../../transport/nameService.ts';
import {onExit} from '../../transport/processes/exitCleanup.ts';
import {writeSyslog} from '../../transport/syslog.ts';
import type {SessionProcessInfo} from '../sessions/sessionProcess.ts';
import type {DeliveryQueue} from './deliveryQueue.ts';
import {DELIVERY_TIMEOUT_MS, type Delivery, type DeliveryOptions, DeliveryRound} from './deliveryRound.ts';

/**
 * Delivers a message to sessions of a running ProFTPD through the queue of its mod_msg, past the daemon. A signal
 * that ends this process withdraws what was not taken, too.
 *
 * @param daemon its pid
 * @param lines each a message of its own; all together they stand in one reply
 * @returns what became of each session's, in the order given
 * @throws FtpdctlError `MESSAGE_TEXT`; SystemCallError when the queue is gone (`EIDRM`, `EINVAL`)
 */
export async function deliver<S extends SessionProcessInfo>(
  daemon: number,
  queue: DeliveryQueue,
  lines: readonly string[],
  sessions: readonly S[],
  options: DeliveryOptions<S> = {},
): Promise<Delivery<S>[]> {
  const texts = encodeTexts(lines);
  const {signal, timeoutMs = DELIVERY_TIMEOUT_MS} = options;
  const round = new DeliveryRound(daemon, queue, texts, sessions, {...options, timeoutMs});
  const abort = () => round.end('aborted');
  const deliveries = () => sessions.map((session) => ({session, outcome: round.outcomes.get(session)!}));
  const disarm = onExit(() => {
    abort();
    // Settled by now, whether it had been looked at or not.
    options.onInterrupted?.(deliveries());
  });
  signal?.addEventListener('abort', abort, {once: true});
  try {
    if (signal?.aborted) abort();
    else auditDelivery(lines, sessions, options.audit);
    await round.run();
  } finally {
    // After a failure, too, nothing of ours stays on a queue that is there.
    try {
      abort();
    } finally {
      disarm();
      signal?.removeEventListener('abort', abort);
    }
  }
  return deliveries();
}

/** CR and LF go out as they are and forge replies; NUL ends a text. */
const FORBIDDEN = /[\r\n\0]/;

/**
 * What lies on the queue for each line of a message: its bytes and a NUL.
 *
 * @throws FtpdctlError `MESSAGE_TEXT`, exit status 3, when ProFTPD could not show a line as it is
 */
function encodeTexts(lines: readonly string[]): Buffer[] {
  if (lines.length === 0) throw unfit('a message needs a line', 'say something');
  return lines.map((line) => {
    if (FORBIDDEN.test(line)) {
      throw unfit('a line of a message holds CR, LF or NUL', 'send several lines as several texts');
    }
    const bytes = Buffer.from(`${line}\0`);
    if (bytes.length - 1 > MOD_MSG_TEXT_BYTES) {
      const size = `a line of ${bytes.length - 1} bytes is longer than ProFTPD can show`;
      throw unfit(size, `use at most ${MOD_MSG_TEXT_BYTES} bytes a line`);
    }
    return bytes;
  });
}

function unfit(message: string, hint: string): FtpdctlError {
  return new FtpdctlError('MESSAGE_TEXT', message, 3, {hint});
}

/** So many recipients are named; of the others only the number is. */
const MAX_NAMED = 20;
/** What `loginuid` says where nobody has logged in. */
const NO_LOGIN = 2 ** 32 - 1;

/**
 * Record who sends what to whom, before it is sent: no daemon does, since none has a part in it.
 *
 * @param write default: syslog(3)
 */
function auditDelivery(
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
