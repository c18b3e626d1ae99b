import {type OwnDirectory, readOwnFile, writeOwnFile, xdgDirectory} from '../../transport/files/ownFile.ts';

const FILE = 'recent.json';
/** Entries kept of each kind, the latest first. */
const MAX_ENTRIES = 20;
/** Bytes of the file that are worth reading. */
const MAX_BYTES = 64 * 1024;

/**
 * What was used lately, of each kind: names of users, hosts and classes, and the words of each control action. A small
 * file of the person's own; without it, or with nonsense in it, nothing is remembered. Messages are not kept.
 */
export class Recent {
  /** `$XDG_STATE_HOME/ftpdctl`; null for a user without a home. */
  readonly #directory: OwnDirectory | null;
  readonly #entries: Map<string, readonly string[]>;

  constructor(env: NodeJS.ProcessEnv) {
    this.#directory = xdgDirectory(env, 'state');
    this.#entries = new Map(this.#directory === null ? [] : read(this.#directory));
  }

  /** The latest first. */
  of(kind: string): readonly string[] {
    return this.#entries.get(kind) ?? [];
  }

  add(kind: string, entry: string): void {
    const others = this.of(kind).filter((other) => other !== entry);
    this.#entries.set(kind, [entry, ...others].slice(0, MAX_ENTRIES));
    if (this.#directory === null) return;
    writeOwnFile(this.#directory, FILE, JSON.stringify(Object.fromEntries(this.#entries)));
  }
}

function read(directory: OwnDirectory): [string, string[]][] {
  const text = readOwnFile(directory, FILE);
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
