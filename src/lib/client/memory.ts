import {statSync} from 'node:fs';
import {join} from 'node:path';
import type {Dialect} from '../protocol/message.ts';
import {readOwnFile, writeOwnFile} from '../transport/ownFile.ts';

/** What the last answer from a socket has taught. */
export interface Remembered {
  readonly dialect: Dialect;
  /** Largest request of the `ftpdctl serve` behind the socket; absent where a ProFTPD answers. */
  readonly serve?: {readonly version: string; readonly maxRequest: number};
}

/**
 * Remembers, per controls socket, who answered there: one small file a socket, under the XDG cache directory. It
 * holds for one binding of the socket (device, inode and change time): a server that starts anew is met anew, since
 * to take a ProFTPD for `ftpdctl serve` could crash it. Losing the memory costs a second connection, nothing else.
 */
export class SocketMemory {
  readonly #texts = new Map<string, string>();

  /** @param directory of the files; `null` remembers for the life of this object only */
  constructor(private readonly directory: string | null) {}

  recall(socketPath: string): Remembered | undefined {
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
  remember(socketPath: string, binding: string | undefined, fact: Remembered): void {
    try {
      if (binding === undefined || binding !== bindingOf(socketPath)) return;
      const text = JSON.stringify({binding, ...fact});
      if (this.#read(socketPath) === text) return;
      this.#texts.set(socketPath, text);
      if (this.directory !== null) writeOwnFile(join(this.directory, fileName(socketPath)), text);
    } catch {}
  }

  /** The last text remembered; empty when there is none. */
  #read(socketPath: string): string {
    const known = this.#texts.get(socketPath);
    if (known !== undefined || this.directory === null) return known ?? '';
    return readOwnFile(join(this.directory, fileName(socketPath)))?.toString('utf8') ?? '';
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
