import {join} from 'node:path';
import {readOwnFile, writeOwnFile, xdgDirectory} from '../../transport/ownFile.ts';

/** Entries kept of each kind, the latest first. */
const MOST = 20;
/** Bytes of the file that are worth reading. */
const MAX_BYTES = 64 * 1024;

/**
 * What was used lately, of each kind: names of users, hosts and classes, and the words of each control action. A small
 * file of the person's own; without it, or with nonsense in it, nothing is remembered. Messages are not kept.
 */
export class Recent {
  readonly #file: string | undefined;
  readonly #entries: Map<string, readonly string[]>;

  constructor(env: NodeJS.ProcessEnv) {
    this.#file = stateFile(env);
    this.#entries = new Map(this.#file === undefined ? [] : read(this.#file));
  }

  /** The latest first. */
  of(kind: string): readonly string[] {
    return this.#entries.get(kind) ?? [];
  }

  add(kind: string, entry: string): void {
    const others = this.of(kind).filter((other) => other !== entry);
    this.#entries.set(kind, [entry, ...others].slice(0, MOST));
    if (this.#file !== undefined) writeOwnFile(this.#file, JSON.stringify(Object.fromEntries(this.#entries)));
  }
}

/** `$XDG_STATE_HOME/ftpdctl/recent.json`; undefined for a user without a home. */
function stateFile(env: NodeJS.ProcessEnv): string | undefined {
  const directory = xdgDirectory(env, 'state');
  return directory === null ? undefined : join(directory, 'recent.json');
}

function read(file: string): [string, string[]][] {
  const text = readOwnFile(file);
  if (text === undefined || text.length > MAX_BYTES) return [];
  try {
    return Object.entries(JSON.parse(text.toString('utf8'))).filter(isEntry);
  } catch {
    return [];
  }
}

function isEntry(entry: [string, unknown]): entry is [string, string[]] {
  return Array.isArray(entry[1]) && entry[1].every((text) => typeof text === 'string');
}
