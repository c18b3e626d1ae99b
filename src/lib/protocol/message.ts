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
