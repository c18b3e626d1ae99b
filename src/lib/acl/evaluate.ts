import type {Caller} from './names.ts';
import type {AccessControl, Acl, ResolvedRule} from './resolve.ts';

/** What one list says to a caller, and why. */
export interface ListVerdict {
  readonly passes: boolean;
  /** `listed`: by name. */
  readonly because: 'everybody' | 'listed' | 'not-listed';
  readonly rule: ResolvedRule;
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

/** What the user list and the group list say, as far as they are set. */
export function listVerdicts({user, group}: Acl, {uid, gid}: Caller): readonly ListVerdict[] {
  return [
    ...(user === null ? [] : [listVerdict(user, uid)]),
    ...(group === null ? [] : [listVerdict(group, gid)]),
  ];
}

function listVerdict(rule: ResolvedRule, id: number): ListVerdict {
  const listed = rule.names.some((each) => each.id === id);
  const because = rule.everybody ? 'everybody' : listed ? 'listed' : 'not-listed';
  return {passes: (because === 'not-listed') === (rule.rule.effect === 'deny'), because, rule};
}
