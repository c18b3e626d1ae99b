import {existsSync, lstatSync, mkdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {FtpdctlError} from '../errors.ts';

/**
 * Where one's own `ftpdctl serve` keeps its sockets: `$XDG_RUNTIME_DIR/ftpdctl`, else a directory of the user's own.
 * A server starts in the first that can be had; a client looks at all, since cron has no XDG_RUNTIME_DIR.
 */
export function runtimeDirectories(env: NodeJS.ProcessEnv): string[] {
  return places(env).filter((directory) => !existsSync(directory) || isOurs(directory));
}

/**
 * The directory for one's own server, made with mode 0700 where it is not there yet.
 * @throws FtpdctlError `RUNTIME_DIRECTORY` when none can be had, because somebody else has made it, for example
 */
export function ensureRuntimeDirectory(env: NodeJS.ProcessEnv): string {
  const candidates = places(env).filter((directory) => existsSync(dirname(directory)));
  for (const directory of candidates) {
    try {
      mkdirSync(directory, {mode: 0o700, recursive: true});
      if (isOurs(directory)) return directory;
    } catch {}
  }
  throw new FtpdctlError(
    'RUNTIME_DIRECTORY',
    `no directory for the sockets: tried ${candidates.join(', ')}`,
    1,
    {
      hint: 'set XDG_RUNTIME_DIR to a directory of your own, or name a configuration with --config',
    },
  );
}

function places(env: NodeJS.ProcessEnv): string[] {
  const uid = process.getuid?.() ?? 0;
  const xdg = env['XDG_RUNTIME_DIR'];
  const bases = [...(xdg?.startsWith('/') ? [xdg] : []), `/run/user/${uid}`];
  return [...new Set([...bases.map((base) => `${base}/ftpdctl`), `/tmp/ftpdctl-${uid}`])];
}

/** In `/tmp` anybody may have made a directory of that name. */
function isOurs(directory: string): boolean {
  const {uid, mode} = lstatSync(directory);
  return uid === process.getuid?.() && (mode & 0o077) === 0;
}
