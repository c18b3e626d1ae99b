import {ACL_ACTIONS, type AclDirective, type AclRule} from '../config/aclRule.ts';
import {showAt} from '../config/at.ts';
import {type Answer, answers, CONNECT, OPEN_ACTION} from './evaluate.ts';
import type {Caller} from './names.ts';
import type {AccessControl} from './resolve.ts';

/** A verdict and where it comes from. */
export interface Explanation {
  readonly action: string;
  readonly allowed: boolean;
  /** What decided: the socket's ACL, the action's, or that no directive knows the action. */
  readonly stage: 'socket' | 'action' | 'unknown';
  /** The directive that let the caller pass, or the one that did not; `null` where there is none. */
  readonly decidedBy: AclRule | null;
  /** What each list of that stage said; none for an unknown action. */
  readonly answers: readonly Answer[];
  /** All of it in English, one sentence without a full stop. */
  readonly sentence: string;
}

/** The verdict of `mayRun`, with the directive that decided and the reason. */
export function explain(control: AccessControl, action: string, caller: Caller): Explanation {
  const atSocket = answers(control.socket, caller);
  if (action === CONNECT) {
    return conclude({action, stage: 'socket', answers: atSocket}, caller, 'ControlsSocketACL', '');
  }
  const acl = control.actions.get(action);
  const connects = atSocket.some(({passes}) => passes);
  if (acl === undefined && action !== OPEN_ACTION) return unknown(action);
  if (acl === undefined || !connects) {
    const what = connects ? `${action} is open to whoever may connect, and ` : 'may not connect: ';
    return conclude({action, stage: 'socket', answers: atSocket}, caller, 'ControlsSocketACL', what);
  }
  return conclude({action, stage: 'action', answers: answers(acl, caller)}, caller, directiveOf(action)!, '');
}

/** The directive that has an action in its charge. */
export function directiveOf(action: string): AclDirective | undefined {
  const entries = Object.entries(ACL_ACTIONS) as [AclDirective, readonly string[]][];
  return entries.find(([, actions]) => actions.includes(action))?.[0];
}

function unknown(action: string): Explanation {
  const sentence = `denied: no directive has an action '${action}' in its charge`;
  return {action, allowed: false, stage: 'unknown', decidedBy: null, answers: [], sentence};
}

function conclude(
  judged: Pick<Explanation, 'action' | 'stage' | 'answers'>,
  caller: Caller,
  directive: string,
  what: string,
): Explanation {
  const set = judged.answers.filter(({rule}) => rule !== null);
  const yes = set.find(({passes}) => passes);
  const told = yes === undefined ? set : [yes];
  const why =
    told.length === 0
      ? `no ${directive} is set${judged.stage === 'action' ? ` for ${judged.action}` : ''}, so nobody passes`
      : told.map((each) => reason(each, caller)).join('; ');
  return {
    ...judged,
    allowed: yes !== undefined,
    decidedBy: told[0]?.rule?.rule ?? null,
    sentence: `${yes === undefined ? 'denied' : 'allowed'}: ${what}${why}`,
  };
}

function reason({kind, because, rule}: Answer, {uid, gid}: Caller): string {
  const {effect, at, text} = rule!.rule;
  const id = kind === 'user' ? uid : gid;
  const who = kind === 'user' ? `uid ${id}` : `primary gid ${id}`;
  const name = rule!.names.find((each) => each.id === id)?.name;
  const denies = effect === 'deny';
  const says = {
    everybody: `${denies ? 'denies' : 'allows'} every ${kind}`,
    listed: `${denies ? 'denies' : 'allows'} ${kind} ${name} (${who})`,
    'not-listed': denies ? `denies others only, so ${who} passes` : `does not name ${who}`,
    unset: '',
  };
  return `${showAt(at)} (${text}) ${says[because]}`;
}
