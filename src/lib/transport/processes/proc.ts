import {readdirSync, readFileSync, readlinkSync, type Stats, statSync} from 'node:fs';

/**
 * What `/proc` says of other processes (Linux). Where there is none, nothing runs. All of it may be out of date when it
 * has been read: a pid together with its start is what stays true.
 */

/** Of `/proc/PID/stat`. */
export interface ProcessStat {
  readonly pid: number;
  /** The program's name, cut to 15 bytes. Any process may call itself anything. */
  readonly name: string;
  /** `R`, `S`, `T` (stopped), `Z` (a zombie), … */
  readonly state: string;
  readonly parent: number;
  /** The session leader's pid, which outlives that process. */
  readonly leader: number;
  /** Clock ticks since the machine started. */
  readonly startTicks: number;
}

/** Every process there is to be seen. */
export function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^[1-9][0-9]*$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** `undefined` when it has ended. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readProcessFile(pid, 'stat');
  if (text === undefined) return undefined;
  // The name is in parentheses and may have some of its own.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    pid,
    name: text.slice(open + 1, close),
    state: fields[0]!,
    parent: Number(fields[1]),
    leader: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}

/** The user who started a process: its real uid, which running a set-user-ID program does not change. */
export function realUid(pid: number): number | undefined {
  const found = /^Uid:\s+(\d+)/m.exec(readProcessFile(pid, 'status') ?? '');
  return found ? Number(found[1]) : undefined;
}

/**
 * The processes that a process has started and that have not been waited for; zombies are among them. One read, however
 * many there are. Those that end meanwhile may hide another one (proc_pid_children(5)).
 *
 * @returns `undefined` where the kernel does not tell (`CONFIG_PROC_CHILDREN`)
 */
export function childrenOf(pid: number): number[] | undefined {
  const text = readProcessFile(pid, `task/${pid}/children`);
  return text?.split(' ').filter(Boolean).map(Number);
}

export type NamespaceKind = 'pid' | 'ipc' | 'mnt' | 'net';

/** Whether a process shares our namespace of that kind; `undefined` where we may not know. */
export function sharesNamespace(pid: number, kind: NamespaceKind): boolean | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`);
  } catch {
    return kind === 'pid' ? sharesPidNumbers(pid) : undefined;
  }
}

/** Everybody may read how many numbers a process has: one for each pid namespace, ours first. */
function sharesPidNumbers(pid: number): boolean | undefined {
  const numbers = /^NSpid:\s+(.*)$/m.exec(readProcessFile(pid, 'status') ?? '')?.[1];
  return numbers?.split(/\s+/).length === 1 ? true : numbers === undefined ? undefined : false;
}

/** The program that a process runs, even when its file has been replaced since. */
export interface Executable {
  readonly path: string;
  readonly isDeleted: boolean;
  readonly stat: Stats;
}

/** `undefined` where we may not know. */
export function executableOf(pid: number): Executable | undefined {
  try {
    const link = readlinkSync(`/proc/${pid}/exe`);
    const isDeleted = link.endsWith(DELETED);
    return {
      path: isDeleted ? link.slice(0, -DELETED.length) : link,
      isDeleted,
      stat: statSync(`/proc/${pid}/exe`),
    };
  } catch {
    return undefined;
  }
}

const DELETED = ' (deleted)';

/** One descriptor of a process. */
export type OpenFile =
  | {readonly kind: 'socket'; readonly fd: number; readonly inode: number}
  | {
      readonly kind: 'file';
      readonly fd: number;
      /** Where the file was when it was opened, as that process sees it. */
      readonly path: string;
      readonly isDeleted: boolean;
      /** Of the open file itself, whatever has its name now. */
      readonly stat: Stats;
    };

/** The sockets and regular files a process has open; `undefined` where we may not know: only its user and root may. */
export function openFiles(pid: number): OpenFile[] | undefined {
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return undefined;
  }
  return names.flatMap((name): OpenFile[] => {
    const open = openFile(pid, Number(name));
    return open === undefined ? [] : [open];
  });
}

function openFile(pid: number, fd: number): OpenFile | undefined {
  try {
    const link = readlinkSync(descriptorPath(pid, fd));
    const socket = /^socket:\[(\d+)\]$/.exec(link);
    if (socket) return {kind: 'socket', fd, inode: Number(socket[1])};
    const stat = statSync(descriptorPath(pid, fd));
    if (!stat.isFile()) return undefined;
    const isDeleted = stat.nlink === 0 && link.endsWith(DELETED);
    return {kind: 'file', fd, path: isDeleted ? link.slice(0, -DELETED.length) : link, isDeleted, stat};
  } catch {
    return undefined;
  }
}

/** A path that leads to the very file a process has open. */
export function descriptorPath(pid: number, fd: number): string {
  return `/proc/${pid}/fd/${fd}`;
}

/** A socket that waits for clients, in a process's network namespace. */
export type ListeningSocket =
  | {readonly kind: 'tcp'; readonly inode: number; readonly port: number}
  | {readonly kind: 'unix'; readonly inode: number; readonly path: string};

export function listeningSockets(pid: number): ListeningSocket[] {
  const rows = (file: string) => (readProcessFile(pid, `net/${file}`) ?? '').split('\n').slice(1);
  const tcp = [...rows('tcp'), ...rows('tcp6')].flatMap((row): ListeningSocket[] => {
    // Number, local address, remote address, state (0A: listening), …; the inode is the tenth.
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === '0A'
      ? [{kind: 'tcp', inode: Number(inode), port: parseInt(local!.split(':')[1]!, 16)}]
      : [];
  });
  const unix = rows('unix').flatMap((row): ListeningSocket[] => {
    const found = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (\/.*)$/.exec(row);
    const isListening = found !== null && (parseInt(found[1]!, 16) & SO_ACCEPTCON) !== 0;
    return isListening ? [{kind: 'unix', inode: Number(found[2]), path: found[3]!}] : [];
  });
  return [...tcp, ...unix];
}

/** `__SO_ACCEPTCON` of `/proc/net/unix` */
const SO_ACCEPTCON = 0x10000;

/** A System V message queue of our IPC namespace, as everybody may see it. */
export interface SystemVQueueRow {
  /** Signed 32-bit. */
  readonly key: number;
  readonly creatorUid: number;
}

export function systemVQueues(): SystemVQueueRow[] {
  try {
    const rows = readFileSync('/proc/sysvipc/msg', 'latin1').trim().split('\n').slice(1);
    return rows.map((row) => {
      // key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid …
      const fields = row.trim().split(/\s+/).map(Number);
      return {key: fields[0]!, creatorUid: fields[9]!};
    });
  } catch {
    return [];
  }
}

/** ftok(3) of a file, signed: its least significant bits, so that others may have the same. */
export function fileKeyOf({dev, ino}: {readonly dev: number; readonly ino: number}, project: number): number {
  return ((project & 0xff) << 24) | ((dev & 0xff) << 16) | (ino & 0xffff);
}

function readProcessFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}
