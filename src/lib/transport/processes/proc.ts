import {readdirSync, readFileSync, readlinkSync, type Stats, statSync} from 'node:fs';
import {constants} from 'node:os';
import {checked, libc, SystemCallError} from '../libc.ts';
import {type ListeningTcpSocket, listeningTcpSockets} from '../sockets/socketDiag.ts';

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

/**
 * The name of a process alone, its first 15 bytes: a fifth of the time of `processStat` (UTF-8 is what Node reads in one
 * call). `undefined` when it has ended.
 */
export function processName(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
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

/** Whether a process runs: that one, and not another with its pid. A zombie has ended, whether anybody has waited for it or not. */
export function isRunning({pid, startTicks}: Pick<ProcessStat, 'pid' | 'startTicks'>): boolean {
  const stat = processStat(pid);
  return stat?.startTicks === startTicks && !hasEnded(stat);
}

export function hasEnded({state}: ProcessStat): boolean {
  return state === 'Z' || state === 'X';
}

/** What tells a process from another that has its pid, and what it would do with a signal. */
export interface ProcessStatus extends ProcessStat {
  /** Milliseconds since the epoch, to 10 ms: by the clock as it is set now. */
  readonly startedAt: number;
  /** Whether it has a handler of its own for a signal. */
  readonly handles: (signal: NodeJS.Signals) => boolean;
}

const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;
/** Milliseconds of a clock tick: USER_HZ is 100 wherever Node runs. */
const TICK_MS = 10;
/** `PID_MAX_LIMIT` of 64-bit kernels: no pid is larger. */
const MAX_PID = 4_194_304;

const calls = {clock_gettime: libc.func('int clock_gettime(int clock, _Out_ uint8_t *time)')};

/** @returns `undefined` when it has ended, or cannot be read */
export function processStatus(pid: number): ProcessStatus | undefined {
  const stat = processStat(pid);
  const caught = stat && caughtSignals(pid);
  if (caught === undefined) return undefined;
  return {
    ...stat!,
    startedAt: timeOfStart(stat!),
    handles: (signal) => (caught & (1n << BigInt(constants.signals[signal] - 1))) !== 0n,
  };
}

/** Whether it has been stopped by a signal (`SIGSTOP`), or is being traced: it does nothing until somebody has it go on. */
export function isSuspended(pid: number): boolean {
  return /^[Tt]$/.test(processStat(pid)?.state ?? '');
}

/** Whether there certainly is no process, and no thread of one, with that pid. A zombie is one. */
export function isUnusedPid(pid: number): boolean {
  if (pid > MAX_PID) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function caughtSignals(pid: number): bigint | undefined {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readProcessFile(pid, 'status') ?? '')?.[1];
  return mask === undefined ? undefined : BigInt(`0x${mask}`);
}

/**
 * When a process started, in milliseconds since the epoch, by the clock as it is set now: the same to some microseconds
 * whenever it is asked for. Not by /proc/uptime: containers may fake that.
 */
export function timeOfStart({startTicks}: Pick<ProcessStat, 'startTicks'>): number {
  return clock(CLOCK_REALTIME) - clock(CLOCK_BOOTTIME) + startTicks * TICK_MS;
}

/** In milliseconds. */
function clock(id: number): number {
  const time = Buffer.alloc(16);
  checked('clock_gettime', calls.clock_gettime(id, time));
  return Number(time.readBigInt64LE(0)) * 1000 + Number(time.readBigInt64LE(8)) / 1e6;
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
    if (kind === 'pid') return sharesPidNumbers(pid);
    return kind === 'mnt' ? sharesMounts(pid) : undefined;
  }
}

/** Everybody may read what a process has mounted; the numbers are each mount's own, and of one namespace. */
function sharesMounts(pid: number): boolean | undefined {
  const [theirs, ours] = [mountIds(pid), mountIds('self')];
  if (theirs === undefined || ours === undefined) return undefined;
  return theirs.some((id) => ours.includes(id));
}

/**
 * Whether a process sees another directory than we do at a path, which everybody may know: by what is mounted there, or
 * above it. `undefined` where the kernel does not tell.
 */
export function hasOtherMount(pid: number, path: string): boolean | undefined {
  const [theirs, ours] = [mountFor(pid, path), mountFor('self', path)];
  return theirs === undefined || ours === undefined ? undefined : theirs !== ours;
}

/** Device and directory of the innermost mount that a path is on, and where that is; the last one mounted counts. */
function mountFor(pid: number | 'self', path: string): string | undefined {
  let found: {readonly at: string; readonly what: string} | undefined;
  for (const row of readProcessFile(pid, 'mountinfo')?.split('\n') ?? []) {
    // ID, parent, device, directory of that device, where it is mounted, … (proc_pid_mountinfo(5))
    const [, , device, root, at] = row.split(' ');
    if (at === undefined || !(at === '/' || path === at || path.startsWith(`${at}/`))) continue;
    if (found === undefined || at.length >= found.at.length) found = {at, what: `${device} ${root} ${at}`};
  }
  return found?.what;
}

function mountIds(pid: number | 'self'): string[] | undefined {
  const rows = readProcessFile(pid, 'mountinfo')?.split('\n');
  return rows?.flatMap((row) => /^\d+/.exec(row)?.[0] ?? []);
}

/** Everybody may read how many numbers a process has: one for each pid namespace, ours first. */
function sharesPidNumbers(pid: number): boolean | undefined {
  const numbers = /^NSpid:\s+(.*)$/m.exec(readProcessFile(pid, 'status') ?? '')?.[1];
  return numbers?.split(/\s+/).length === 1 ? true : numbers === undefined ? undefined : false;
}

/** Whether the root of a process is another directory than ours; `false` where we may not know. */
export function isChrooted(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/root`) !== '/';
  } catch {
    return false;
  }
}

/** Whether a process means by `/etc` the directory that we mean; `undefined` where we may not know. */
export function sharesEtc(pid: number): boolean | undefined {
  try {
    const [ours, its] = [statSync('/etc'), statSync(`/proc/${pid}/root/etc`)];
    return ours.dev === its.dev && ours.ino === its.ino;
  } catch {
    return undefined;
  }
}

/** Path of the program that a process runs, even when its file has been replaced since; `undefined` where we may not know. */
export function executableOf(pid: number): string | undefined {
  try {
    const link = readlinkSync(`/proc/${pid}/exe`);
    return link.endsWith(DELETED) ? link.slice(0, -DELETED.length) : link;
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
    const inode = inodeIn(link);
    if (inode !== undefined) return {kind: 'socket', fd, inode};
    const stat = statSync(descriptorPath(pid, fd));
    if (!stat.isFile()) return undefined;
    const isDeleted = stat.nlink === 0 && link.endsWith(DELETED);
    return {kind: 'file', fd, path: isDeleted ? link.slice(0, -DELETED.length) : link, isDeleted, stat};
  } catch {
    return undefined;
  }
}

/** Inode of the socket that a descriptor of a process is; `undefined` when it is none, or may not be looked at. */
export function socketInode(pid: number, fd: number): number | undefined {
  try {
    return inodeIn(readlinkSync(descriptorPath(pid, fd)));
  } catch {
    return undefined;
  }
}

function inodeIn(link: string): number | undefined {
  const match = /^socket:\[(\d+)\]$/.exec(link);
  return match ? Number(match[1]) : undefined;
}

/** A path that leads to the very file a process has open. */
export function descriptorPath(pid: number, fd: number): string {
  return `/proc/${pid}/fd/${fd}`;
}

/** A socket that waits for clients, in a process's network namespace. */
export type ListeningSocket =
  | ({readonly kind: 'tcp'} & ListeningTcpSocket)
  | {readonly kind: 'unix'; readonly inode: number; readonly path: string};

export function listeningSockets(pid: number): ListeningSocket[] {
  const unix = networkRows(pid, 'unix').flatMap((row): ListeningSocket[] => {
    const found = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (\/.*)$/.exec(row);
    const isListening = found !== null && (parseInt(found[1]!, 16) & SO_ACCEPTCON) !== 0;
    return isListening ? [{kind: 'unix', inode: Number(found[2]), path: found[3]!}] : [];
  });
  return [...listeningTcp(pid).map((socket) => ({kind: 'tcp' as const, ...socket})), ...unix];
}

function listeningTcp(pid: number): ListeningTcpSocket[] {
  if (sharesNamespace(pid, 'net') === true) {
    try {
      return listeningTcpSockets();
    } catch (error) {
      // A kernel without NETLINK_SOCK_DIAG.
      if (!(error instanceof SystemCallError)) throw error;
    }
  }
  return [...networkRows(pid, 'tcp'), ...networkRows(pid, 'tcp6')].flatMap((row) => {
    // Number, local address, remote address, state (0A: listening), …; the inode is the tenth.
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === '0A' ? [{inode: Number(inode), port: parseInt(local!.split(':')[1]!, 16)}] : [];
  });
}

function networkRows(pid: number, file: 'tcp' | 'tcp6' | 'unix'): string[] {
  return (readProcessFile(pid, `net/${file}`) ?? '').split('\n').slice(1);
}

/** `__SO_ACCEPTCON` of `/proc/net/unix` */
const SO_ACCEPTCON = 0x10000;

function readProcessFile(pid: number | 'self', name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}
