import {readFileSync} from 'node:fs';

/** Clock ticks, a hundredth of a second each, that a process has used. */
export function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
