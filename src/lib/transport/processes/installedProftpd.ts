import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {type ProftpdVersion, parseVersion} from '../../protocol/version.ts';

/** Where distributions, FreeBSD and the sources put it. Never found by PATH: root asks, too. */
const PROGRAMS = ['/usr/sbin/proftpd', '/usr/local/sbin/proftpd', '/usr/bin/proftpd'];

/** It answers within milliseconds. */
const TIMEOUT_MS = 5_000;

/** The version of the ProFTPD of this machine, as `proftpd -v` says it; `undefined` where there is none. */
export function installedVersion(programs: readonly string[] = PROGRAMS): ProftpdVersion | undefined {
  const program = programs.find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const {stdout, stderr} = spawnSync(program, ['-v'], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  return parseVersion(stdout ?? '') ?? parseVersion(stderr ?? '');
}
