import type {ControlAnswer} from '../../client/client.ts';
import {directiveOf, subactionsOf} from '../../config/values/aclRule.ts';
import {STATUS} from '../../protocol/status.ts';
import {KNOWN_ACTIONS} from '../completion/knownActions.ts';
import {didYouMean} from '../completion/suggest.ts';

/** What mod_msg says to `msg all` where nobody is connected (measured), with status 0. */
const NOBODY = 'error sending message: Success';

/**
 * What a server's answer leaves unsaid: who would have to be let in where, or which word was probably meant.
 * @param commandIDs our own commands
 * @param socket the one that `-s` named
 */
export function hintFor(
  action: string,
  answer: Pick<ControlAnswer, 'verdict' | 'server' | 'responses'>,
  commandIDs: readonly string[],
  socket?: string,
): string | undefined {
  if (action === 'msg' && answer.responses.includes(NOBODY))
    return 'nobody is connected: no message was sent';
  switch (answer.verdict) {
    case STATUS.ACCESS_DENIED:
      return accessHint(action, answer.server, socket);
    case STATUS.UNSUPPORTED_OPERATION:
      return unsupportedHint(action, commandIDs);
    default:
      return undefined;
  }
}

function unsupportedHint(action: string, commandIDs: readonly string[]): string {
  const known = [...commandIDs.map((id) => id.split(':')[0]!), ...KNOWN_ACTIONS];
  return didYouMean(action, known, '"ftpdctl help" lists what this server can do');
}

function accessHint(action: string, server: ControlAnswer['server'], socket: string | undefined): string {
  if (server?.denied === 'connect')
    return "ControlsSocketACL must let in your user or your primary group, root's too: only who runs the server can say why not";
  const directive =
    directiveOf(action) ?? directiveOf(subactionsOf(action)[0] ?? '') ?? "the ACLs of the action's module";
  const ofServe = socket === undefined ? '' : `-s ${shellWord(socket)} `;
  const [before, after] = server === undefined ? ['', ' --config FILE'] : [ofServe, ''];
  return (
    `ControlsSocketACL and ${directive} must both let in your user or your primary group, root's too; ` +
    `"ftpdctl ${before}acl check ${action}${after}" says which line decides`
  );
}

/** As a shell takes it. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
