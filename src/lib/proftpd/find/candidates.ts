import {
  childrenOf,
  executableOf,
  type ProcessStat,
  processIds,
  processName,
  processStat,
  realUid,
  sharesNamespace,
} from '../../transport/processes/proc.ts';

/** A process that is a ProFTPD daemon as far as the kernel can vouch for it. */
export interface Candidate extends ProcessStat {
  /** Who started it. */
  readonly uid: number;
}

/** One that calls itself a ProFTPD, and why it is left alone. */
export interface PassedOver {
  readonly pid: number;
  readonly because: 'namespace' | 'untrusted';
  /** One English sentence without a full stop. */
  readonly why: string;
  readonly hint: string;
  /** Its controls socket, as it calls it, where that is known. */
  readonly controlsSocket?: string;
}

/** `proftpd`, `in.proftpd` and builds with a version in their name. */
const PROGRAM = /^(in\.)?proftpd/;

/**
 * The ProFTPD daemons among the processes. A name proves nothing, since anybody may give it to a process: a daemon
 * counts when its real uid is root's or ours, and the program it runs, where we may know that, is a `proftpd`. Root
 * trusts root alone.
 */
export function findCandidates(): {candidates: Candidate[]; passedOver: PassedOver[]} {
  const candidates: Candidate[] = [];
  const passedOver: PassedOver[] = [];
  for (const stat of masters()) {
    const uid = realUid(stat.pid);
    if (uid === undefined || !runsProftpd(stat.pid)) continue;
    if (!isTrusted(uid)) passedOver.push(untrusted(stat.pid, uid));
    else if (sharesNamespace(stat.pid, 'pid') === false) passedOver.push(elsewhere(stat.pid));
    else candidates.push({...stat, uid});
  }
  return {candidates, passedOver};
}

/** A uid whose word about its own files and processes we take. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/**
 * Processes called proftpd that no other one has started. Of the sessions, of which there may be thousands, one at the
 * most is looked at for each daemon: it leads to its parent, and that to all others.
 */
function masters(): ProcessStat[] {
  const seen = new Set<number>();
  const found: ProcessStat[] = [];
  for (const pid of processIds()) {
    if (seen.has(pid) || !PROGRAM.test(processName(pid) ?? '')) continue;
    const stat = processStat(pid);
    if (stat === undefined || stat.state === 'Z') continue;
    const master = daemonOf(stat) ?? stat;
    if (seen.has(master.pid)) continue;
    found.push(master);
    for (const each of [master.pid, ...(childrenOf(master.pid) ?? [])]) seen.add(each);
  }
  return found;
}

/** The daemon that has started this session; a script called `proftpd` that has started a daemon is none. */
function daemonOf({parent}: ProcessStat): ProcessStat | undefined {
  const stat = processStat(parent);
  return stat !== undefined && PROGRAM.test(stat.name) && runsProftpd(parent) ? stat : undefined;
}

/** Also where we may not know. */
function runsProftpd(pid: number): boolean {
  const executable = executableOf(pid);
  if (executable === undefined) return process.geteuid?.() !== 0;
  return PROGRAM.test(executable.slice(executable.lastIndexOf('/') + 1));
}

function untrusted(pid: number, uid: number): PassedOver {
  const why = `process ${pid} says it is a ProFTPD, but it was started by the user with uid ${uid}`;
  return {pid, because: 'untrusted', why, hint: 'run ftpdctl as that user'};
}

/** In its namespace our `/proc` would still be the old one, where its pids are others. */
function elsewhere(pid: number): PassedOver {
  return {
    pid,
    because: 'namespace',
    why: `the ProFTPD with pid ${pid} runs in another pid namespace, where pids are not ours`,
    hint: `as root: nsenter -t ${pid} -p -i unshare --mount-proc ftpdctl …`,
  };
}
