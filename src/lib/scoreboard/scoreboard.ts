import {detectLayout, isSound} from './detect.ts';
import {type Fields, fieldsOf, type Layout, ScoreboardError} from './layout.ts';

/** Bytes: more than 100,000 sessions. Compared before anything is read. */
export const MAX_SCOREBOARD_BYTES = 64 * 1024 * 1024;

/** What a scoreboard file says. Whether the processes still live, it cannot say. */
export interface Scoreboard {
  /** Process of the daemon; `null` for a ProFTPD started by inetd, which has none. */
  readonly pid: number | null;
  /** When the daemon started, in milliseconds since the epoch; to the second. */
  readonly startedAt: number | null;
  /** In the order of the slots. */
  readonly sessions: readonly ScoreboardSession[];
  /** Slots that made no sense or were cut off: read while they were written, or damaged. */
  readonly tornSlots: number;
  readonly format: {
    /** The build it was written by: `64-bit`, `i386`, … */
    readonly abi: string;
    /** `--enable-scoreboard-buffer-size` */
    readonly bufferBytes: number;
    readonly slotBytes: number;
  };
}

/** The (virtual) server of a session. */
export interface ScoreboardServer {
  /** `ServerName`, cut to 31 bytes. */
  readonly label: string;
  readonly address: string;
  readonly port: number;
}

/** A file or a listing on its way. */
export interface ScoreboardTransfer {
  readonly direction: 'download' | 'upload';
  /** Bytes of the whole file; `null` where ProFTPD does not know, as in an upload. */
  readonly size: number | null;
  /** Bytes of the file that are done, those before a restart among them. */
  readonly done: number;
  /** Bytes that went over the connection since the transfer began. */
  readonly transferred: number;
  /** Milliseconds since it began. Like the bytes, brought up to date by ProFTPD now and then only. */
  readonly elapsed: number;
}

/** One taken slot. Text longer than its field is cut by ProFTPD: names to 31 bytes, the rest to 79 (by default). */
export interface ScoreboardSession {
  /** Never below 2. */
  readonly pid: number;
  /** `null` until the login has succeeded. */
  readonly user: string | null;
  /** The slot was taken this moment: nothing but the pid need be known. */
  readonly isNewborn: boolean;
  /** The client's address. */
  readonly address: string;
  /** The client's name, or its address again. */
  readonly host: string;
  readonly class: string | null;
  readonly server: ScoreboardServer;
  /** `ftp`, `ftps`, `sftp`, `ssh2`, `scp`; empty for a newborn session. */
  readonly protocol: string;
  /** The FTP command being carried out, `idle` between two, empty until the login. */
  readonly command: string;
  readonly commandArgs: string;
  /** Working directory; empty until the login. */
  readonly cwd: string;
  /** Milliseconds since the epoch; `null` unless idle. */
  readonly idleSince: number | null;
  /** When the session was idle last, whatever it does now: milliseconds since the epoch, `null` before the login. */
  readonly beginIdle: number | null;
  /** Milliseconds since the epoch, to the second; `null` for a newborn session. */
  readonly connectedAt: number | null;
  readonly transfer: ScoreboardTransfer | null;
}

/**
 * Reads a scoreboard, of whatever build of ProFTPD since 1.3.3. No lock is needed: ProFTPD writes slot by slot.
 *
 * @param bytes the whole file, as one read gave it
 * @throws ScoreboardError when it is none, of another version, or too large; nothing else, whatever the bytes
 */
export function readScoreboard(bytes: Buffer): Scoreboard {
  if (bytes.length > MAX_SCOREBOARD_BYTES) {
    throw new ScoreboardError('SCOREBOARD_TOO_LARGE', `larger than ${MAX_SCOREBOARD_BYTES} bytes`);
  }
  const layout = detectLayout(bytes);
  const {headerBytes, slotBytes, abi, bufferBytes} = layout;
  const fields = fieldsOf(bytes, layout);
  const sessions: ScoreboardSession[] = [];
  let tornSlots = (bytes.length - headerBytes) % slotBytes === 0 ? 0 : 1;
  for (let start = headerBytes; start + slotBytes <= bytes.length; start += slotBytes) {
    if (fields.number(start, layout.slot.pid) === 0) continue;
    if (isSound(start, layout, fields)) sessions.push(readSlot(start, layout, fields));
    else tornSlots++;
  }
  return {
    pid: fields.number(0, layout.header.pid) || null,
    startedAt: milliseconds(fields.number(0, layout.header.startedAt)),
    sessions,
    tornSlots,
    format: {abi: abi.name, bufferBytes, slotBytes},
  };
}

function readSlot(start: number, {slot}: Layout, {number, text}: Fields): ScoreboardSession {
  const user = text(start, slot.user);
  const command = text(start, slot.command);
  const beginIdle = milliseconds(number(start, slot.beginIdle));
  return {
    pid: number(start, slot.pid),
    user: user === NOT_LOGGED_IN || user === '' ? null : user,
    isNewborn: user === '',
    address: text(start, slot.clientAddress),
    host: text(start, slot.clientName),
    class: text(start, slot.class) || null,
    server: {
      label: text(start, slot.serverLabel),
      address: withoutPort(text(start, slot.serverAddress)),
      port: number(start, slot.serverPort),
    },
    protocol: text(start, slot.protocol),
    command,
    commandArgs: text(start, slot.commandArgs),
    cwd: text(start, slot.cwd),
    idleSince: command === IDLE ? beginIdle : null,
    beginIdle,
    connectedAt: milliseconds(number(start, slot.beginSession)),
    transfer: readTransfer(command, start, slot, number),
  };
}

/** The user of a session that has not logged in. */
const NOT_LOGGED_IN = '(none)';
const IDLE = 'idle';

/** What moves data, as ftpwho has it: FTP's commands, then those of mod_sftp. */
const DIRECTIONS: ReadonlyMap<string, ScoreboardTransfer['direction']> = new Map([
  ['RETR', 'download'],
  ['READ', 'download'],
  ['scp download', 'download'],
  ['STOR', 'upload'],
  ['APPE', 'upload'],
  ['STOU', 'upload'],
  ['WRITE', 'upload'],
  ['scp upload', 'upload'],
]);

function readTransfer(
  command: string,
  start: number,
  slot: Layout['slot'],
  number: Fields['number'],
): ScoreboardTransfer | null {
  const direction = DIRECTIONS.get(command);
  if (direction === undefined) return null;
  return {
    direction,
    size: number(start, slot.transferSize) || null,
    done: number(start, slot.transferDone),
    transferred: number(start, slot.transferLength),
    elapsed: number(start, slot.transferElapsed),
  };
}

function milliseconds(seconds: number): number | null {
  return seconds === 0 ? null : seconds * 1000;
}

/** `ADDRESS:PORT` without the port; the address may have colons of its own. */
function withoutPort(address: string): string {
  const host = address.slice(0, Math.max(0, address.lastIndexOf(':')));
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

const NAME_BYTES = 31;

/** A user's, class's or server's name as a scoreboard has it: cut, perhaps within a letter. */
export function asInScoreboard(name: string): string {
  const bytes = Buffer.from(name);
  return bytes.length <= NAME_BYTES ? name : bytes.toString('utf8', 0, NAME_BYTES);
}
