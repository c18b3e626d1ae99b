import {mayConnect, mayRun, OPEN_ACTION} from '../../acl/evaluate.ts';
import {explain} from '../../acl/explain.ts';
import type {Caller} from '../../acl/names.ts';
import type {AccessControl} from '../../acl/resolve.ts';
import type {ControlRequest} from '../../protocol/message.ts';
import {STATUS} from '../../protocol/status.ts';
import type {Action} from '../actions/action.ts';
import {ACCESS_DENIED, type ControlResult, failure, UNSUPPORTED} from '../controlResult.ts';
import type {Controls} from '../controls.ts';
import {whyRefused} from '../words.ts';

/** Whether a request may be carried out. */
export type Authorization =
  | {readonly kind: 'authorized'; readonly action: Action}
  /** `because`: for the log. */
  | {readonly kind: 'refused'; readonly result: ControlResult; readonly because?: string};

/**
 * The socket's ACL, then whether there is such an action, then its own ACL, as mod_ctrls asks (measured); then what no
 * action takes.
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
