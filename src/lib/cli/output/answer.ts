import type {ControlAnswer} from '../../client/client.ts';
import {directiveOf, KNOWN_ACTIONS, subactionsOf} from '../../config/aclRule.ts';
import type {StatusDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import {countOf} from '../../text.ts';
import {didYouMean} from '../options/usageError.ts';

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
      return isWithoutModule(action, answer.verdict, answer.server)
        ? '"man ftpdctl" tells how to make a ProFTPD take messages (SETTING UP A PROFTPD); if "rmctrl msg" has taken ' +
            'the action away, "insctrl msg" brings it back'
        : unsupportedHint(action, commandIDs);
    default:
      return undefined;
  }
}

/**
 * The lines of an answer as people are shown them. A ProFTPD without mod_msg knows nothing of the action, and says no more.
 */
export function shownLines(
  action: string,
  {verdict, server, responses}: Pick<ControlAnswer, 'verdict' | 'server' | 'responses'>,
): readonly string[] {
  return isWithoutModule(action, verdict, server) ? ['mod_msg is not loaded'] : responses;
}

function isWithoutModule(
  action: string,
  verdict: ControlAnswer['verdict'],
  server: ControlAnswer['server'],
): boolean {
  return action === 'msg' && verdict === STATUS.UNSUPPORTED_OPERATION && server === undefined;
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
  const which = socket === undefined ? '' : `-s ${shellWord(socket)} `;
  return (
    `ControlsSocketACL and ${directive} must both let in your user or your primary group, root's too; ` +
    `"ftpdctl ${which}acl check ${action}" says which line decides`
  );
}

/** As a shell takes it. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A server as `status` has it. */
export interface ServerState {
  /** `ADDRESS#PORT`, as `up` and `down` take it. */
  readonly server: string;
  readonly address: string;
  readonly port: number;
  readonly state: 'up' | 'down';
}

const STATE = /^status: ((\S+)#(\d+)) (UP|DOWN)$/;

/** The servers that the lines of an answer to `status` speak of (measured on 1.3.8 and 1.3.10rc5). */
export function serverStates(lines: readonly string[]): ServerState[] {
  return lines.flatMap((line) => {
    const [, server, address, port, state] = STATE.exec(line) ?? [];
    if (server === undefined) return [];
    return [{server, address: address!, port: Number(port), state: state === 'UP' ? 'up' : 'down'}];
  });
}

/** What `ftpdctl serve` says of itself: `up 2 h 5 min, 3 sessions, 1 message waiting, MessageEngine on`. */
export function statusSummary({uptime, sessions, waiting, engine}: StatusDetails): string {
  const messages = `${countOf(waiting, 'message')} waiting`;
  return `up ${duration(uptime)}, ${countOf(sessions, 'session')}, ${messages}, MessageEngine ${engine ? 'on' : 'off'}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** The two largest units that count. @param seconds a whole number */
function duration(seconds: number): string {
  let left = seconds;
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left %= size;
    return count === 0 ? [] : [`${count} ${unit}`];
  });
  return parts.slice(0, 2).join(' ') || '0 s';
}
