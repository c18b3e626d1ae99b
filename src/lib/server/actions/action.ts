import type {Caller, Names} from '../../acl/names.ts';
import type {AccessControl} from '../../acl/resolve.ts';
import type {Settings} from '../../config/settings.ts';
import type {ControlResult} from '../controlResult.ts';
import type {Control, Controls} from '../controls.ts';
import type {Hosts} from '../hostResolver.ts';
import type {Messages} from '../messages.ts';

/** One request, when its caller may make it. */
export interface ActionRequest {
  readonly caller: Caller;
  /** The caller's names, as logs have them: `root/root`. */
  readonly client: string;
  readonly args: readonly string[];
  /** What our own client asks beyond the arguments. Not checked. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What an action may see of the server. */
export interface ServerView {
  readonly settings: Settings;
  readonly access: AccessControl;
  readonly controls: Controls<Action>;
  readonly messages: Messages;
  readonly names: Names;
  readonly hosts: Hosts;
  /** On the monotonic clock (`performance.now`), in milliseconds. */
  readonly startedAt: number;
}

/** A control action. */
export interface Action extends Control {
  run(request: ActionRequest, server: ServerView): Promise<ControlResult>;
}
