import type {Caller, Names} from '../../acl/names.ts';
import type {AccessControl} from '../../acl/resolve.ts';
import type {Settings} from '../../config/settings.ts';
import type {ControlResult} from '../controlResult.ts';
import type {Hosts} from '../hostResolver.ts';
import type {Messages} from '../messages.ts';
import type {DownServers} from '../virtualServers.ts';

/** What `help` and `lsctrl` say of a control action, and who decides on it. */
export interface Control {
  readonly name: string;
  /** The module of ProFTPD that has it; `mod_ftpdctl.c` for what no ProFTPD has. */
  readonly module: 'mod_ctrls.c' | 'mod_ctrls_admin.c' | 'mod_msg.c' | 'mod_ftpdctl.c';
  readonly description: string;
  /** The action whose ACL decides who may run this one: itself, but for our own, which have no directive. */
  readonly permission: string;
  /** `rmctrl` cannot take it away. */
  readonly alwaysEnabled?: true;
}

/** The control actions of the server, and which of them `rmctrl` has taken away. */
export class Controls<T extends Control> {
  readonly #actions: ReadonlyMap<string, T>;
  readonly #disabled = new Set<string>();

  constructor(actions: readonly T[]) {
    const byName = (a: T, b: T) => (a.name < b.name ? -1 : 1);
    this.#actions = new Map([...actions].sort(byName).map((action) => [action.name, action]));
  }

  /** Exact names only. A disabled control is reported as unknown (measured). */
  find(name: string): T | undefined {
    return this.#disabled.has(name) ? undefined : this.#actions.get(name);
  }

  /** Those that are enabled, by name. */
  enabled(): T[] {
    return [...this.#actions.values()].filter(({name}) => !this.#disabled.has(name));
  }

  /** Whether there is such a control, enabled or not. */
  has(name: string): boolean {
    return this.#actions.has(name);
  }

  /** The action whose ACL decides on a control, enabled or not; for a name that is not registered, that name. */
  permissionOf(name: string): string {
    return this.#actions.get(name)?.permission ?? name;
  }

  isAlwaysEnabled(name: string): boolean {
    return this.#actions.get(name)?.alwaysEnabled === true;
  }

  disable(name: string): void {
    this.#disabled.add(name);
  }

  enable(name: string): void {
    this.#disabled.delete(name);
  }

  disableAll(): void {
    for (const [name, {alwaysEnabled}] of this.#actions) if (!alwaysEnabled) this.#disabled.add(name);
  }

  enableAll(): void {
    this.#disabled.clear();
  }
}

/** One request, when its caller may make it. */
export interface ActionRequest {
  readonly caller: Caller;
  /** The caller's names, as logs have them: `root/root`. */
  readonly client: string;
  readonly args: readonly string[];
  /** Gives up the request's place among those that run at a time: called before a long wait. */
  readonly release: () => void;
  /** What our own client asks beyond the arguments. Not checked. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The end of the server. */
export interface Shutdown {
  /** Have the server end once what was asked is answered, and every process of a session with it. */
  request(): void;
  /** Aborted when the server ends, for whatever reason. */
  readonly signal: AbortSignal;
}

/** What an action may see of the server. */
export interface ServerView {
  readonly settings: Settings;
  readonly access: AccessControl;
  readonly controls: Controls<Action>;
  readonly messages: Messages;
  readonly names: Names;
  readonly hosts: Hosts;
  readonly down: DownServers;
  readonly shutdown: Shutdown;
  /** On the monotonic clock (`performance.now`), in milliseconds. */
  readonly startedAt: number;
}

/** A control action. */
export interface Action extends Control {
  run(request: ActionRequest, server: ServerView): Promise<ControlResult>;
}
