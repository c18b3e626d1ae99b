import {existsSync} from 'node:fs';
import {xdgDirectory} from '../transport/files/ownFile.ts';
import {runtimeDirectories} from '../transport/files/runtimeDirectory.ts';
import {candidateSockets, SERVE_SOCKET_NAME} from './discovery.ts';
import {ServerCache} from './serverCache.ts';

/**
 * The socket a request would go to, if `ftpdctl serve` is known to answer there; `undefined` where a ProFTPD may, which
 * lets its callers wait for its next poll. Nothing is asked: the place tells, or the last answer did.
 * @throws ClientError `BAD_SOCKET_PATH`
 */
export function knownServeSocket(given: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const path = candidateSockets(given, env).find(({path, missing}) => !missing && existsSync(path))?.path;
  if (path === undefined) return undefined;
  const own = runtimeDirectories(env).some(
    (directory) => directory.isThere && path === `${directory.path}/${SERVE_SOCKET_NAME}`,
  );
  return own || new ServerCache(xdgDirectory(env, 'cache')).get(path)?.serve ? path : undefined;
}
