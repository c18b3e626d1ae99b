import {closeSync, existsSync, fstatSync, type Stats} from 'node:fs';
import {dirname} from 'node:path';
import {FtpdctlError} from '../../errors.ts';
import {isPrivate, openOwnDirectory} from './ownFile.ts';

/** A place for sockets of one's own. */
export interface RuntimeDirectory {
  readonly path: string;
  /** Otherwise nothing there is ours, even if something should turn up in a moment. */
  readonly isThere: boolean;
}

/**
 * Where one's own `ftpdctl serve` keeps its sockets: `$XDG_RUNTIME_DIR/ftpdctl`, else a directory of the user's own.
 * A server starts in the first that can be had; a client looks at all, since cron has no XDG_RUNTIME_DIR. Left out is
 * what another user has made or can replace.
 */
export function runtimeDirectories(env: NodeJS.ProcessEnv): RuntimeDirectory[] {
  return places(env).flatMap((path) => {
    const standing = standingOf(path, 0);
    return standing === 'foreign' ? [] : [{path, isThere: standing === 'ours'}];
  });
}

/**
 * The directory for one's own server, made with mode 0700 where it is not there yet.
 * @throws FtpdctlError `RUNTIME_DIRECTORY` when none can be had, because somebody else has made it, for example
 */
export function ensureRuntimeDirectory(env: NodeJS.ProcessEnv): string {
  const candidates = places(env).filter((directory) => existsSync(dirname(directory)));
  const found = candidates.find((directory) => standingOf(directory, 1) === 'ours');
  if (found !== undefined) return found;
  throw new FtpdctlError(
    'RUNTIME_DIRECTORY',
    `no runtime directory of one's own: tried ${candidates.join(', ')}`,
    1,
    {
      hint: 'set XDG_RUNTIME_DIR to a directory of your own; or, for serve, name a configuration with --config',
    },
  );
}

function places(env: NodeJS.ProcessEnv): string[] {
  const uid = process.geteuid?.() ?? 0;
  const xdg = env['XDG_RUNTIME_DIR'];
  const bases = [...(xdg?.startsWith('/') ? [xdg] : []), `/run/user/${uid}`];
  return [...new Set([...bases.map((base) => `${base}/ftpdctl`), `/tmp/ftpdctl-${uid}`])];
}

/** @param makes how many of its last names to make where they are missing */
function standingOf(path: string, makes: number): 'ours' | 'missing' | 'foreign' {
  try {
    const fd = openOwnDirectory({path, makes}, isLasting);
    const {uid, mode} = fstatSync(fd);
    closeSync(fd);
    return uid === process.geteuid?.() && (mode & 0o077) === 0 ? 'ours' : 'foreign';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'foreign';
  }
}

/** Whether nobody but us and root can put another directory in place of one of ours: in `/tmp` only its owner can. */
export function isLasting(stat: Stats): boolean {
  const sticky = 0o1000;
  return isPrivate(stat) || (stat.uid === 0 && (stat.mode & sticky) !== 0);
}
