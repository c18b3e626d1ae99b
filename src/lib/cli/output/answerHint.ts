import type {ControlAnswer} from '../../client/client.ts';
import {STATUS} from '../../protocol/status.ts';
import {KNOWN_ACTIONS} from '../completion/knownActions.ts';
import {didYouMean} from '../completion/suggest.ts';

/** What mod_msg says to `msg all` where nobody is connected (measured), with status 0. */
const NOBODY = 'error sending message: Success';

/**
 * What a server's answer leaves unsaid: who would have to be let in where, or which word was probably meant.
 * @param commandIDs our own commands
 */
export function hintFor(
  action: string,
  answer: Pick<ControlAnswer, 'verdict' | 'server' | 'responses'>,
  commandIDs: readonly string[],
): string | undefined {
  if (action === 'msg' && answer.responses.includes(NOBODY))
    return 'nobody is connected: no message was sent';
  switch (answer.verdict) {
    case STATUS.ACCESS_DENIED:
      return accessHint(action, answer.server !== undefined);
    case STATUS.UNSUPPORTED_OPERATION:
      return unsupportedHint(action, commandIDs);
    default:
      return undefined;
  }
}

function unsupportedHint(action: string, commandIDs: readonly string[]): string {
  const known = [...commandIDs.map((id) => id.split(':')[0]!), ...KNOWN_ACTIONS.keys()];
  return didYouMean(action, known, '"ftpdctl help" lists what this server can do');
}

function accessHint(action: string, isServe: boolean): string {
  const directive = KNOWN_ACTIONS.get(action) ?? "the ACLs of the action's module";
  const where = isServe ? '' : ' --config FILE';
  return (
    `ControlsSocketACL and ${directive} must both let in your user or your primary group, root's too; ` +
    `"ftpdctl acl check ${action}${where}" says which line decides`
  );
}
