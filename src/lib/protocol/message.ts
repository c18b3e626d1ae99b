/** The two wire dialects of the Controls protocol: *binary* up to ProFTPD 1.3.8, *JSON* from 1.3.9 on. */
export type Dialect = 'binary' | 'json';

/** One control action and its arguments. The action is not one of the arguments. */
export interface ControlRequest {
  readonly action: string;
  readonly args: readonly string[];
  /** JSON dialect only: what our own client asks of `ftpdctl serve` beyond the arguments. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The answer to one request: a status (`STATUS`) and lines of text. */
export interface ControlResponse {
  readonly status: number;
  readonly responses: readonly string[];
  /** JSON dialect only, and only from `ftpdctl serve`: who answers, and what it has to say beyond the lines. */
  readonly server?: ServerIdentity;
}

/** The one extra key (`ftpdctl`) in answers of `ftpdctl serve`. Stock clients ignore it. */
export interface ServerIdentity {
  /** Version of the `ftpdctl` that serves. */
  readonly version: string;
  /** Largest request it takes, in bytes of JSON. Such a server takes UTF-8, too. */
  readonly maxRequest: number;
  /** The caller may not even connect: then `acl check` is denied, too. */
  readonly denied?: 'connect';
  /** Facts behind the lines, one shape an action. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Status codes of the Controls protocol, by the names ProFTPD gives them (`include/ctrls.h`, without the
 * `PR_CTRLS_STATUS_` prefix). They travel as they are in a response; a client exits with them negated.
 */
export const STATUS = {
  OK: 0,
  GENERIC_ERROR: -1,
  ACCESS_DENIED: -2,
  WRONG_PARAMETERS: -3,
  SUBJECT_NOT_FOUND: -4,
  OPERATION_DENIED: -5,
  OPERATION_IGNORED: -6,
  UNSUPPORTED_OPERATION: -7,
  INTERNAL_ERROR: -8,
} as const;

export type StatusName = keyof typeof STATUS;
export type Status = (typeof STATUS)[StatusName];

const names = new Map<number, StatusName>(
  Object.entries(STATUS).map(([name, status]) => [status, name as StatusName]),
);

/** The name of a status, or `undefined` where ProFTPD has none for it. */
export function statusName(status: number): StatusName | undefined {
  return names.get(status);
}

/**
 * A status as a ProFTPD ≥ 1.3.9 client reads it: a positive one counts as 0, one below −8 as −1
 * (measured: "invalid status code (-11) received, treating as -1").
 */
export function normalizeStatus(status: number): Status {
  const counted = Math.min(status, STATUS.OK);
  return names.has(counted) ? (counted as Status) : STATUS.GENERIC_ERROR;
}

/** The exit status that stands for a status: 0 … 8. */
export function exitStatusOf(status: number): number {
  const normal = normalizeStatus(status);
  return normal === 0 ? 0 : -normal;
}
