import type {AclRule} from './aclRule.ts';
import type {ClassSettings} from './classes.ts';
import type {Location} from './errors.ts';

/** A value and the directive it comes from; `null` where it is the default. */
export interface Setting<T> {
  readonly value: T;
  readonly at: Location | null;
}

/** The main server or a `<VirtualHost>`. */
export interface ServerSettings {
  readonly name: Setting<string>;
  /** Addresses or host names, not resolved: those of `<VirtualHost …>`, or `DefaultAddress`; none means all. */
  readonly addresses: Setting<readonly string[]>;
  /** TCP port; 0: does not listen. */
  readonly port: Setting<number>;
  /** `MessageEngine`. A `<VirtualHost>` has its own or `<Global>`'s, never the main server's (measured). */
  readonly engine: Setting<boolean>;
}

export interface ControlsSettings {
  readonly engine: Setting<boolean>;
  /** Path; `null`: not said, and every build of ProFTPD has its own default. */
  readonly socket: Setting<string | null>;
  /** Names, not resolved; `null`: whoever starts the server. */
  readonly owner: Setting<{readonly user: string; readonly group: string} | null>;
  readonly maxClients: Setting<number>;
  /** Seconds. */
  readonly interval: Setting<number>;
  /** Seconds. */
  readonly authFreshness: Setting<number>;
  /** Path; `null`: no log. */
  readonly log: Setting<string | null>;
}

export interface MessageSettings {
  /** Path; `null`: not said, so there is nowhere to send a message. */
  readonly queue: Setting<string | null>;
  /** Path; `null`: no log. */
  readonly log: Setting<string | null>;
}

/** Everything a configuration says that matters here. Immutable: a reload makes another. */
export interface Settings {
  readonly main: ServerSettings;
  /** In file order. */
  readonly virtualHosts: readonly ServerSettings[];
  /** In file order: the first that matches counts (`classOf`). */
  readonly classes: readonly ClassSettings[];
  readonly controls: ControlsSettings;
  readonly message: MessageSettings;
  /** Every directive that decides who may do something, in file order; names are not resolved. */
  readonly acls: readonly AclRule[];
  /** Path; `null`: none is wanted, or not said (`at` tells), and every build of ProFTPD has its own default. */
  readonly scoreboardFile: Setting<string | null>;
  /** Sessions that there may be at a time; `null`: as many as like. */
  readonly maxInstances: Setting<number | null>;
  /** `inetd`: each session is a process of its own, and there is no daemon. */
  readonly serverType: Setting<'inetd' | 'standalone'>;
  readonly allowLogSymlinks: Setting<boolean>;
}
