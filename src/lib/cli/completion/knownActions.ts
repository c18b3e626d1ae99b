import {ACL_DIRECTIVES, ACL_SCOPES, actionsUnder} from '../../config/values/aclRule.ts';

/** Those that no directive decides on: `receipt` is that of `ftpdctl serve`. */
const WITHOUT_DIRECTIVE = ['help', 'receipt'];

/** The control actions of ProFTPD's own modules, and `receipt` of `ftpdctl serve`. */
export const KNOWN_ACTIONS: readonly string[] = [
  ...WITHOUT_DIRECTIVE,
  ...ACL_DIRECTIVES.flatMap(controls),
].sort();

/** What is sent for what a directive decides on: `delay` for `delay info`. */
function controls(directive: (typeof ACL_DIRECTIVES)[number]): readonly string[] {
  const scope = ACL_SCOPES[directive];
  return 'of' in scope ? [scope.of] : actionsUnder(directive);
}
