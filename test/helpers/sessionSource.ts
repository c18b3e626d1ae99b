import {join} from 'node:path';
import type {SessionSource} from '../../src/lib/proftpd/sessions/list.ts';
import {processStat} from '../../src/lib/transport/processes/proc.ts';
import type {RealProftpd} from './proftpd.ts';

/** Where the sessions of a daemon of the tests are listed. */
export function sessionSource({pid, directory}: RealProftpd): SessionSource {
  return {
    pid,
    startTicks: processStat(pid)!.startTicks,
    scoreboard: {known: true, value: {path: join(directory, 'scoreboard'), fd: null}},
  };
}
