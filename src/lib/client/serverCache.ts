import {existsSync, statSync} from 'node:fs';
import type {Dialect} from '../protocol/message.ts';
import {type OwnDirectory, readOwnFile, writeOwnFile, xdgDirectory} from '../transport/files/ownFile.ts';
import {runtimeDirectories} from '../transport/files/runtimeDirectory.ts';
import {candidateSockets, SERVE_SOCKET_NAME} from './discovery.ts';

/** What the last answer from a socket says of the server behind it. */
export interface ServerInfo {
  readonly dialect: Dialect;
  /** Largest request of the `ftpdctl serve` behind the socket; absent where a ProFTPD answers. */
  readonly serve?: {readonly version: string; readonly maxRequest: number};
}

/**
 * Who answered at which controls socket: one small file a socket, under the XDG cache directory. An entry holds for
 * one binding of the socket (device, inode and change time): a server that starts anew is detected anew, since to take
 * a ProFTPD for `ftpdctl serve` could crash it. A lost entry costs a second connection, nothing else.
 */
export class ServerCache {
  readonly #directory: OwnDirectory | null;
  readonly #texts = new Map<string, string>();

  /** @param directory of the files; `null` keeps them in this object only */
  constructor(directory: OwnDirectory | null) {
    this.#directory = directory;
  }

  get(socketPath: string): ServerInfo | undefined {
    try {
      const {binding, dialect, serve} = JSON.parse(this.#read(socketPath));
      if (binding !== bindingOf(socketPath) || (dialect !== 'binary' && dialect !== 'json')) return undefined;
      return typeof serve?.maxRequest === 'number' ? {dialect, serve} : {dialect};
    } catch {
      return undefined;
    }
  }

  /**
   * Best effort: a cache that cannot be written is no reason to fail.
   * @param binding of the socket as it was connected to; if another stands there by now, this is not about that one
   */
  set(socketPath: string, binding: string | undefined, fact: ServerInfo): void {
    try {
      if (binding === undefined || binding !== bindingOf(socketPath)) return;
      const text = JSON.stringify({binding, ...fact});
      if (this.#read(socketPath) === text) return;
      this.#texts.set(socketPath, text);
      if (this.#directory !== null) writeOwnFile(this.#directory, fileName(socketPath), text);
    } catch {}
  }

  /** The text of an entry; empty when there is none. */
  #read(socketPath: string): string {
    const known = this.#texts.get(socketPath);
    if (known !== undefined || this.#directory === null) return known ?? '';
    return readOwnFile(this.#directory, fileName(socketPath))?.toString('utf8') ?? '';
  }
}

function fileName(socketPath: string): string {
  return Buffer.from(socketPath).toString('base64url');
}

/** What stands at a path, told from all that has stood or will stand there; `undefined` for nothing to be seen. */
export function bindingOf(socketPath: string): string | undefined {
  try {
    const {dev, ino, ctimeNs} = statSync(socketPath, {bigint: true});
    return `${dev}:${ino}:${ctimeNs}`;
  } catch {
    return undefined;
  }
}

/**
 * The socket a request would go to, if `ftpdctl serve` is known to answer there; `undefined` where a ProFTPD may, which
 * lets its callers wait for its next poll. Nothing is asked: the place tells, or the last answer did.
 * @throws ClientError `BAD_SOCKET_PATH`
 */
export async function knownServeSocket(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const candidates = await candidateSockets(given, env);
  const path = candidates.find(({path, missing}) => !missing && existsSync(path))?.path;
  if (path === undefined) return undefined;
  const isServe = isOwnSocket(path, env) || new ServerCache(xdgDirectory(env, 'cache')).get(path)?.serve;
  return isServe ? path : undefined;
}

/** Whether it is that of one's own `ftpdctl serve`. */
function isOwnSocket(path: string, env: NodeJS.ProcessEnv): boolean {
  const name = `/${SERVE_SOCKET_NAME}`;
  return (
    path.endsWith(name) &&
    runtimeDirectories(env).some((directory) => directory.isThere && path === `${directory.path}${name}`)
  );
}
