import type {Caller} from './names.ts';
import type {AccessControl, Acl, ResolvedRule} from './resolve.ts';

/** What one list says to a caller, and why. */
export interface ListVerdict {
  readonly kind: 'user' | 'group';
  readonly passes: boolean;
  /** `listed`: by name; `unset`: there is no such list, which is a no. */
  readonly because: 'unset' | 'everybody' | 'listed' | 'not-listed';
  readonly rule: ResolvedRule | null;
}

/** Answers to whoever may connect: it has no ACL, although `ControlsACLs` takes its name (measured). */
export const OPEN_ACTION = 'help';

/** What the ControlsSocketACL decides on, where it is listed and asked about beside the actions. */
export const CONNECT = 'connect';

/** Whether the socket lets the caller in. */
export function mayConnect({socket}: AccessControl, caller: Caller): boolean {
  switch (socket.kind) {
    case 'off':
      return false;
    case 'unset':
      return socket.open;
    case 'set':
      return passes(socket.acl, caller);
  }
}

/** Whether the caller may connect and then run the action. An action without any directive: no. */
export function mayRun(control: AccessControl, action: string, caller: Caller): boolean {
  if (!mayConnect(control, caller)) return false;
  const acl = control.actions.get(action);
  return action === OPEN_ACTION || (acl !== undefined && passes(acl, caller));
}

/** Either list is enough, and root is a caller like any other (measured on 1.3.8 and 1.3.10). */
export function passes(acl: Acl, caller: Caller): boolean {
  return listVerdicts(acl, caller).some((verdict) => verdict.passes);
}

/** What the user list and the group list say. */
export function listVerdicts(acl: Acl, caller: Caller): readonly [ListVerdict, ListVerdict] {
  return [listVerdict('user', acl.user, caller.uid), listVerdict('group', acl.group, caller.gid)];
}

function listVerdict(kind: ListVerdict['kind'], rule: ResolvedRule | null, id: number): ListVerdict {
  if (rule === null) return {kind, passes: false, because: 'unset', rule};
  const listed = rule.names.some((each) => each.id === id);
  const because = rule.everybody ? 'everybody' : listed ? 'listed' : 'not-listed';
  return {kind, passes: (because === 'not-listed') === (rule.rule.effect === 'deny'), because, rule};
}
