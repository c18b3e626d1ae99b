import {type AclRule, directiveOf, subactionsOf} from '../config/aclRule.ts';
import {formatLocation} from '../config/errors.ts';
import {CONNECT, type ListVerdict, listVerdicts, mayConnect, OPEN_ACTION} from './evaluate.ts';
import type {Caller} from './names.ts';
import type {AccessControl, SocketAccess} from './resolve.ts';

/** A verdict and where it comes from. */
export interface Explanation {
  readonly action: string;
  /** `null`: nobody can say, since no directive known here covers the action, or it depends on what is asked of it. */
  readonly allowed: boolean | null;
  /** The directive that let the caller pass, or the one that did not; `null` where there is none. */
  readonly decidedBy: AclRule | null;
  /** All of it in English, one sentence without a full stop. */
  readonly sentence: string;
}

/**
 * Who reads it. `administrator`: may see the configuration. `caller`: may know the verdict and what concerns themselves,
 * but neither where a line stands nor whom else it names.
 */
export type Reader = 'administrator' | 'caller';

/** The verdict of `mayRun`, with the directive that decided and the reason. */
export function explain(
  control: AccessControl,
  action: string,
  caller: Caller,
  reader: Reader = 'administrator',
): Explanation {
  if (action === CONNECT) return atSocket(control, action, caller, reader, '');
  if (!mayConnect(control, caller)) return atSocket(control, action, caller, reader, 'may not connect: ');
  if (action === OPEN_ACTION) {
    const what = `${action} is open to whoever may connect, and `;
    return atSocket(control, action, caller, reader, what);
  }
  if (control.actions.has(action)) return atAction(control, action, caller, reader);
  const parts = subactionsOf(action).map((each) => atAction(control, each, caller, reader));
  const [first] = parts;
  if (first === undefined) return cannotSay(action, `no ACL directive known here covers action '${action}'`);
  if (parts.every(({allowed}) => allowed === first.allowed)) return {...first, action};
  const each = parts.map((part) => `${part.action} is ${part.allowed ? 'allowed' : 'denied'}`).join(', ');
  return cannotSay(action, `it depends on what is asked: ${each}`);
}

function cannotSay(action: string, why: string): Explanation {
  return {action, allowed: null, decidedBy: null, sentence: `cannot say: ${why}`};
}

function atSocket(
  {socket}: AccessControl,
  action: string,
  caller: Caller,
  reader: Reader,
  what: string,
): Explanation {
  if (socket.kind === 'set') return conclude(action, listVerdicts(socket.acl, caller), caller, reader, what);
  const allowed = socket.kind === 'unset' && socket.open;
  const sentence = `${allowed ? 'allowed' : 'denied'}: ${what}${withoutList(socket, reader)}`;
  return {action, allowed, decidedBy: null, sentence};
}

function withoutList(socket: Exclude<SocketAccess, {kind: 'set'}>, reader: Reader): string {
  if (socket.kind === 'off') {
    const where = reader === 'caller' ? '' : ` (${formatLocation(socket.at)})`;
    return `ControlsEngine is off${where}, so there is no socket to connect to`;
  }
  const {open, version} = socket;
  const passes = open ? 'everybody passes' : 'no one passes';
  return `no ControlsSocketACL is set, so ${passes}${version === null ? '' : ` in ProFTPD ${version}`}`;
}

function atAction(control: AccessControl, action: string, caller: Caller, reader: Reader): Explanation {
  const lists = listVerdicts(control.actions.get(action)!, caller);
  if (lists.length > 0) return conclude(action, lists, caller, reader, '');
  const sentence = `denied: no ${directiveOf(action)} is set for ${action}, so no one passes`;
  return {action, allowed: false, decidedBy: null, sentence};
}

/** @param lists one at least */
function conclude(
  action: string,
  lists: readonly ListVerdict[],
  caller: Caller,
  reader: Reader,
  what: string,
): Explanation {
  const yes = lists.find(({passes}) => passes);
  const told = yes === undefined ? lists : [yes];
  const why = told.map((each) => reason(each, caller, reader)).join('; ');
  return {
    action,
    allowed: yes !== undefined,
    decidedBy: told[0]!.rule.rule,
    sentence: `${yes === undefined ? 'denied' : 'allowed'}: ${what}${why}`,
  };
}

function reason({because, rule: {rule, names}}: ListVerdict, {uid, gid}: Caller, reader: Reader): string {
  const {directive, kind, effect, at, text} = rule;
  const id = kind === 'user' ? uid : gid;
  const who = kind === 'user' ? `uid ${id}` : `primary gid ${id}`;
  const name = names.find((each) => each.id === id)?.name;
  const denies = effect === 'deny';
  const says = {
    everybody: `${denies ? 'denies' : 'allows'} every ${kind}`,
    listed: `${denies ? 'denies' : 'allows'} ${kind} ${name} (${who})`,
    'not-listed': denies ? `denies others only, so ${who} passes` : `does not name ${who}`,
  };
  return `${reader === 'administrator' ? `${formatLocation(at)} (${text})` : directive} ${says[because]}`;
}
