/** Whom the kernel says a caller is: what a client claims never counts. */
export interface Caller {
  /** Effective uid. */
  readonly uid: number;
  /** Effective gid. Supplementary groups do not count (measured). */
  readonly gid: number;
}

/** The system's users and groups (NSS), by exact name. */
export interface NameService {
  /** `undefined`: no such user. */
  uid(name: string): number | undefined;
  /** `undefined`: no such group. */
  gid(name: string): number | undefined;
}

/** The system's users and groups, both ways. */
export interface NameDirectory extends NameService {
  user(name: string): {readonly uid: number; readonly gid: number} | undefined;
  userOf(uid: number): {readonly name: string; readonly gid: number} | undefined;
  groupName(gid: number): string | undefined;
}

/** Callers that are remembered by name; a machine has not many users who send control requests. */
const MAX_REMEMBERED = 1024;

/** Names for numbers, as logs want them. Looked up once, since a look-up may ask a server far away. */
export class Names {
  readonly #clients = new Map<string, string>();

  constructor(readonly directory: NameDirectory) {}

  /** `root/root`; numbers where there are no names, or none can be had. */
  client({uid, gid}: Caller): string {
    const key = `${uid}/${gid}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    if (this.#clients.size >= MAX_REMEMBERED) this.#clients.clear();
    const names = `${this.user(uid)}/${this.group(gid)}`;
    this.#clients.set(key, names);
    return names;
  }

  user(uid: number): string {
    return orNumber(uid, () => this.directory.userOf(uid)?.name);
  }

  group(gid: number): string {
    return orNumber(gid, () => this.directory.groupName(gid));
  }

  /** Names may have changed. */
  forget(): void {
    this.#clients.clear();
  }
}

function orNumber(id: number, look: () => string | undefined): string {
  try {
    return look() ?? String(id);
  } catch {
    return String(id);
  }
}
