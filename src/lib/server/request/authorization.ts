import {mayConnect, mayRun, OPEN_ACTION} from '../../acl/evaluate.ts';
import {explain} from '../../acl/explain.ts';
import type {Caller} from '../../acl/names.ts';
import type {AccessControl} from '../../acl/resolve.ts';
import {type ControlRequest, STATUS} from '../../protocol/message.ts';
import {whyRefused} from '../../text.ts';
import type {Action, Controls} from '../actions/action.ts';
import {ACCESS_DENIED, type ControlResult, failure, UNSUPPORTED} from '../controlResult.ts';

/** Whether a request may be carried out. */
export type Authorization =
  | {readonly kind: 'authorized'; readonly action: Action}
  /** `because`: for the log. */
  | {readonly kind: 'refused'; readonly result: ControlResult; readonly because?: string};

/**
 * Checks the socket's ACL, then that the action exists, then its own ACL, in mod_ctrls' order (measured); then that the
 * arguments hold no control characters.
 */
export function authorize(
  {action: name, args}: ControlRequest,
  caller: Caller,
  {access, controls}: {readonly access: AccessControl; readonly controls: Controls<Action>},
): Authorization {
  if (!mayConnect(access, caller))
    return denied(access, OPEN_ACTION, caller, {...ACCESS_DENIED, denied: 'connect'});
  const action = controls.find(name);
  if (action === undefined) return {kind: 'refused', result: UNSUPPORTED};
  if (!mayRun(access, action.permission, caller)) return denied(access, action.permission, caller);
  for (const [index, arg] of args.entries()) {
    const why = whyRefused(arg);
    if (why === undefined) continue;
    const result = failure(
      STATUS.WRONG_PARAMETERS,
      `parameter ${index + 1}: ${why}`,
      STATUS.WRONG_PARAMETERS,
    );
    return {kind: 'refused', result};
  }
  return {kind: 'authorized', action};
}

function denied(
  access: AccessControl,
  action: string,
  caller: Caller,
  result = ACCESS_DENIED,
): Authorization {
  return {kind: 'refused', result, because: explain(access, action, caller).sentence};
}
