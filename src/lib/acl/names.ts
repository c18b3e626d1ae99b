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
