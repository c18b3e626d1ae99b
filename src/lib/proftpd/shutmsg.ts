import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {dirname} from 'node:path';
import {FtpdctlError, reasonOf} from '../errors.ts';
import {CONTROLS, escapeControls} from '../text.ts';
import {isPrivate, openOwnDirectory} from '../transport/files/ownFile.ts';

/** Compiled into every ProFTPD of a distribution: while it is there they let nobody in. */
export const SHUTMSG = '/etc/shutmsg';

/**
 * The third line, which no ProFTPD reads (measured on 1.3.8): whoever looks into the file learns what it is, and the file
 * is known as ours after a restart of the machine, too.
 */
const MARK = '# made by "ftpdctl drain"; "ftpdctl drain --cancel" removes it';

/** ProFTPD shows 79 bytes of the text (measured on 1.3.8). */
const MAX_TEXT_BYTES = 79;
/** One written by hand or by ftpshut(8) has two lines. */
const MAX_FILE_BYTES = 4096;

const HOUR_MS = 3_600_000;
/**
 * The shutdown that the file announces lies far behind the end of every drain, since at that time ProFTPD ends all sessions
 * at once; and logins are denied for longer than that before it, since a daemon may have another time zone than we.
 */
const SHUTDOWN_AFTER_MS = 72 * HOUR_MS;
const DENY_BEFORE = '9900';
const DISCONNECT_BEFORE = '0000';

/** What stands in the place of the file. */
export type Shutmsg =
  | {readonly kind: 'none'}
  | {readonly kind: 'ours'; readonly text: string}
  /** Another program's, or a person's. */
  | {readonly kind: 'foreign'; readonly text: string};

/** @throws FtpdctlError `SHUTMSG_UNREADABLE` */
export function readShutmsg(path: string = SHUTMSG): Shutmsg {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {kind: 'none'};
    if (code === 'ELOOP') return {kind: 'foreign', text: '(a symbolic link)'};
    throw new FtpdctlError('SHUTMSG_UNREADABLE', `cannot read ${path}: ${reasonOf(error)}`, 1, {
      cause: error,
    });
  }
  try {
    return judge(fd);
  } finally {
    closeSync(fd);
  }
}

/** Judged by the descriptor: the name may come to mean another file. */
function judge(fd: number): Shutmsg {
  const stat = fstatSync(fd);
  if (!stat.isFile()) return {kind: 'foreign', text: '(no regular file)'};
  if (stat.size > MAX_FILE_BYTES) return {kind: 'foreign', text: `(${stat.size} bytes)`};
  const [times = '', text = '', mark] = readFileSync(fd, 'utf8').split('\n');
  const isOurs = mark === MARK && stat.uid === 0 && isPrivate(stat);
  return {kind: isOurs ? 'ours' : 'foreign', text: escapeControls(text || times, CONTROLS.terminal)};
}

/**
 * Close every ProFTPD that has this file to logins, from when it looks at it.
 * @param text what clients are told; cut where ProFTPD would
 * @throws FtpdctlError `SHUTMSG_EXISTS` when one is there, whoever's it is; `SHUTMSG_UNWRITABLE`
 */
export function writeShutmsg(text: string, path: string = SHUTMSG, now: Date = new Date()): void {
  const fresh = `${dirname(path)}/.shutmsg.ftpdctl`;
  try {
    // What an end of the machine has left.
    closeSync(openOwnDirectory({path: dirname(path), makes: 0}, isPrivate));
    rmSync(fresh, {force: true});
    writeWhole(fresh, contentOf(text, now));
    // Unlike rename(2), link(2) takes the place of nothing that is there.
    linkSync(fresh, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw existingShutmsg(path);
    throw new FtpdctlError('SHUTMSG_UNWRITABLE', `cannot write ${path}: ${reasonOf(cause)}`, 1, {cause});
  } finally {
    rmSync(fresh, {force: true});
  }
}

/** `foreign` as an error: it is never touched. */
export function foreignShutmsg(text: string, path: string = SHUTMSG): FtpdctlError {
  return new FtpdctlError('SHUTMSG_FOREIGN', `${path} is there, and is not ours: "${text}"`, 5, {
    hint: 'it keeps everybody out: remove it when the shutdown that it announces is over',
  });
}

/** One that is there as an error. */
export function existingShutmsg(path: string = SHUTMSG): FtpdctlError {
  const found = readShutmsg(path);
  if (found.kind === 'foreign') return foreignShutmsg(found.text, path);
  return new FtpdctlError('SHUTMSG_EXISTS', `${path} is there already, of another drain`, 5, {
    hint: 'ftpdctl drain --cancel removes it',
  });
}

function writeWhole(path: string, content: string): void {
  const fd = openSync(path, 'wx', 0o644);
  try {
    writeFileSync(fd, content);
    // Sessions read it as their own user, whatever our umask.
    fchmodSync(fd, 0o644);
    // It outlives the machine's end, and an empty one would not be known as ours.
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function contentOf(text: string, now: Date): string {
  const at = new Date(now.getTime() + SHUTDOWN_AFTER_MS);
  const times = [
    at.getFullYear(),
    at.getMonth() + 1,
    at.getDate(),
    at.getHours(),
    at.getMinutes(),
    at.getSeconds(),
    DENY_BEFORE,
    DISCONNECT_BEFORE,
  ];
  return `${times.join(' ')}\n${shownText(text)}\n${MARK}\n`;
}

/** As ProFTPD shows it: `%s` and others stand for times, and nothing stands for `%` (measured). */
function shownText(text: string): string {
  const plain = escapeControls(text, CONTROLS.line).replace(/%(?=\S)/g, '% ');
  let shown = '';
  for (const character of plain) {
    if (Buffer.byteLength(shown + character) > MAX_TEXT_BYTES) break;
    shown += character;
  }
  return shown;
}

/**
 * Remove the file if it is ours.
 * @returns what stood there
 */
export function removeShutmsg(path: string = SHUTMSG): Shutmsg {
  const found = readShutmsg(path);
  if (found.kind === 'ours') rmSync(path, {force: true});
  return found;
}
