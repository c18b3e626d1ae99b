import {chown, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll} from 'vitest';
import {checkoutFor, removeCopy} from './checkout.ts';
import {type ProgramResult, type RunOptions, runProcess} from './process.ts';

// A worker of vitest may be killed without an `exit` event, so each test file tidies up after itself.
afterAll(removeCopy);

/** How `ftpdctl` is run. */
export interface ProgramOptions extends Omit<RunOptions, 'env'> {
  /** Additions to the clean environment; `undefined` takes a variable out. */
  readonly env?: NodeJS.ProcessEnv;
  /** A home directory to use and keep, for runs that are to share a cache. Without it each run gets its own. */
  readonly home?: string;
}

/** Runs `ftpdctl` as a user would, in an environment of its own: `node bin/run.js ARGS…`. */
export async function runFtpdctl(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const {env, home = await makeHome(options), ...rest} = options;
  try {
    const program = join(checkoutFor(options.uid), 'bin', 'run.js');
    return await runProcess(process.execPath, [program, ...args], {
      cwd: home,
      ...rest,
      env: {...cleanEnvironment(home), ...env},
    });
  } finally {
    if (options.home === undefined) await rm(home, {recursive: true, force: true});
  }
}

/** Just enough to run in: no colour wishes, no socket, no cache of the person at the keyboard. */
export function cleanEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: home,
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local', 'share'),
    XDG_STATE_HOME: join(home, '.local', 'state'),
  };
}

async function makeHome({uid, gid}: ProgramOptions): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'ftpdctl-home-'));
  if (uid !== undefined) await chown(home, uid, gid ?? uid);
  return home;
}
