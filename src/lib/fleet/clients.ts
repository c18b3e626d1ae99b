import type {Dialect} from '../protocol/message.ts';
import {compareVersions, parseVersion} from '../protocol/version.ts';
import {type OwnDirectory, readOwnFile, writeOwnFile, xdgDirectory} from '../transport/files/ownFile.ts';
import {HostError} from './errors.ts';
import type {Host} from './hosts.ts';
import {quoteForShell} from './script.ts';
import type {RemoteShell} from './ssh.ts';

/** The client on another machine that a command is handed to. */
export interface RemoteClient {
  /** Ours, or the one that came with its ProFTPD. */
  readonly kind: 'ours' | 'stock';
  /** Absolute. */
  readonly path: string;
  /** What tells the file from any other that may come to stand at its path: a line of `ls`. */
  readonly stamp: string;
  /** Of a stock one: which dialect it speaks, if the version of the ProFTPD beside it was to be had. */
  readonly dialect?: Dialect;
}

/** Milliseconds that it is remembered for. */
const MEMORY_MS = 24 * 60 * 60 * 1000;
const FILE = 'fleet.json';
const MAX_ENTRIES = 20_000;

/** Which client each host has: asked once, and remembered for a day where the user's cache is. */
export class ClientMemory {
  readonly #directory: OwnDirectory | null;
  readonly #now: () => number;
  readonly #fresh = new Map<string, Entry | undefined>();
  readonly #before: ReadonlyMap<string, Entry>;

  constructor(env: NodeJS.ProcessEnv, now: () => number = Date.now) {
    this.#directory = xdgDirectory(env, 'cache');
    this.#now = now;
    this.#before = new Map(Object.entries(this.#read()));
  }

  get({name}: Host): RemoteClient | undefined {
    const entry = this.#fresh.has(name) ? this.#fresh.get(name) : this.#before.get(name);
    if (entry === undefined || !(Math.abs(this.#now() - entry.at) < MEMORY_MS)) return undefined;
    const {kind, path, stamp, dialect} = entry;
    return {kind, path, stamp, ...(dialect === undefined ? {} : {dialect})};
  }

  set({name}: Host, client: RemoteClient | undefined): void {
    this.#fresh.set(name, client && {...client, at: this.#now()});
  }

  /** Write down what has been learnt, beside what others have written meanwhile. */
  save(): void {
    if (this.#directory === null || this.#fresh.size === 0) return;
    const entries = new Map<string, Entry | undefined>([...Object.entries(this.#read()), ...this.#fresh]);
    const kept = [...entries].filter(
      (each): each is [string, Entry] => each[1] !== undefined && this.#now() - each[1].at < MEMORY_MS,
    );
    writeOwnFile(this.#directory, FILE, JSON.stringify(Object.fromEntries(kept.slice(-MAX_ENTRIES))));
  }

  #read(): Record<string, Entry> {
    if (this.#directory === null) return {};
    try {
      const entries: unknown = JSON.parse(readOwnFile(this.#directory, FILE)?.toString('utf8') ?? '{}');
      return Object.fromEntries(Object.entries(entries as object).filter(([, entry]) => isEntry(entry)));
    } catch {
      return {};
    }
  }
}

interface Entry extends RemoteClient {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

function isEntry(value: unknown): value is Entry {
  const {kind, path, stamp, dialect = 'json', at} = (value ?? {}) as Record<string, unknown>;
  return (
    (kind === 'ours' || kind === 'stock') &&
    typeof path === 'string' &&
    path.startsWith('/') &&
    typeof stamp === 'string' &&
    typeof at === 'number' &&
    (dialect === 'json' || dialect === 'binary')
  );
}

/** Where a client may be that no PATH of a shell without a terminal leads to. */
const MORE_PLACES = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/proftpd/bin';

/** Every ftpdctl there, a line each; the first of ours is the last of them. And what a ProFTPD beside them says of itself. */
const PROBE = `
PATH=$PATH:${MORE_PLACES}; export PATH
IFS=:; seen=:
for d in $PATH; do
  f=$d/ftpdctl
  case $seen in *:"$f":*) continue;; esac
  seen=$seen$f:
  case $f in /*) ;; *) continue;; esac
  [ -f "$f" ] && [ -x "$f" ] || continue
  v=$("$f" --version </dev/null 2>/dev/null 3<&-)
  printf 'client\\n%s\\n%s\\n' "$f" "$(LC_ALL=C ls -lniLd "$f")"
  case $v in ftpdctl/[0-9]*) echo ours; exit;; esac
  echo stock
done
for f in /usr/sbin/proftpd /usr/local/sbin/proftpd /usr/local/libexec/proftpd /usr/bin/proftpd; do
  [ -x "$f" ] && { "$f" -v </dev/null 2>&1 3<&-; exit; }
done
`;

/** Ask a host which client it has. @throws HostError `NO_CLIENT` */
export async function askForClient(host: Host, shell: RemoteShell): Promise<RemoteClient> {
  const result = await shell.run({words: ['sh', '-c', PROBE]});
  const clients = result === 'stale' ? [] : clientsIn(result.stdout);
  const client = clients.find(({kind}) => kind === 'ours') ?? clients[0];
  if (client !== undefined) return client;
  throw new HostError('NO_CLIENT', 'there is no ftpdctl', {
    hint: `install this one on ${host.name}, or ProFTPD's own (Debian: proftpd-core)`,
  });
}

/** What the probe has printed. */
export function clientsIn(output: string): RemoteClient[] {
  const lines = output.split('\n');
  const version = parseVersion(/^ProFTPD Version.*$/m.exec(output)?.[0] ?? '');
  const dialect =
    version && (compareVersions(version, FIRST_JSON) < 0 ? ('binary' as const) : ('json' as const));
  return lines.flatMap((line, at) => {
    const [path = '', stamp = '', kind] = lines.slice(at + 1, at + 4);
    if (line !== 'client' || !path.startsWith('/') || (kind !== 'ours' && kind !== 'stock')) return [];
    return [{kind, path, stamp, ...(kind === 'stock' && dialect ? {dialect} : {})}];
  });
}

/** The first that speaks JSON, candidates for it included. */
const FIRST_JSON = parseVersion('1.3.9rc1')!;

/** Holds while the file is the one that was asked. */
export function isUnchanged({path, stamp}: RemoteClient): string {
  return `[ "$(LC_ALL=C ls -lniLd ${quoteForShell(path)} 2>/dev/null)" = ${quoteForShell(stamp)} ]`;
}
