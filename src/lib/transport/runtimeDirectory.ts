import {lstatSync} from 'node:fs';

/**
 * Where one's own `ftpdctl serve` keeps its sockets: `$XDG_RUNTIME_DIR/ftpdctl`, else a directory of the user's own.
 * The first is where a server starts; a client looks at all, since cron has no XDG_RUNTIME_DIR.
 */
export function runtimeDirectories(env: NodeJS.ProcessEnv): string[] {
  const uid = process.getuid?.() ?? 0;
  const xdg = env['XDG_RUNTIME_DIR'];
  const places = [...(xdg?.startsWith('/') ? [xdg] : []), `/run/user/${uid}`].map(
    (base) => `${base}/ftpdctl`,
  );
  return [...new Set([...places, `/tmp/ftpdctl-${uid}`])].filter(isOursOrAbsent);
}

/** In `/tmp` anybody may have made a directory of that name. */
function isOursOrAbsent(directory: string): boolean {
  try {
    const {uid, mode} = lstatSync(directory);
    return uid === process.getuid?.() && (mode & 0o077) === 0;
  } catch {
    return true;
  }
}
