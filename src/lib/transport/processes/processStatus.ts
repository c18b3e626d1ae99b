import {readFileSync, readlinkSync} from 'node:fs';
import {constants} from 'node:os';
import {checked, libc} from '../libc.ts';
import {descriptorPath, type ProcessStat, processStat} from './proc.ts';

/** What tells a process from another that has its pid, and what it would do with a signal. */
export interface ProcessStatus extends ProcessStat {
  /** Milliseconds since the epoch, to 10 ms: by the clock as it is set now. */
  readonly startedAt: number;
  /** Whether it has a handler of its own for a signal. */
  readonly handles: (signal: NodeJS.Signals) => boolean;
}

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
    startedAt: startOfBoot() + stat!.startTicks * TICK_MS,
    handles: (signal) => (caught & (1n << BigInt(constants.signals[signal] - 1))) !== 0n,
  };
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

/** Inode of the socket that a descriptor of a process is; `undefined` when it is none, or may not be looked at. */
export function socketInode(pid: number, fd: number): number | undefined {
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(descriptorPath(pid, fd)));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

function caughtSignals(pid: number): bigint | undefined {
  try {
    const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return mask === undefined ? undefined : BigInt(`0x${mask}`);
  } catch {
    return undefined;
  }
}

/** When this machine started, in milliseconds since the epoch. Not /proc/uptime: containers may fake that. */
function startOfBoot(): number {
  const time = Buffer.alloc(16);
  checked('clock_gettime', calls.clock_gettime(CLOCK_BOOTTIME, time));
  return Date.now() - Number(time.readBigInt64LE(0)) * 1000 - Number(time.readBigInt64LE(8)) / 1e6;
}
