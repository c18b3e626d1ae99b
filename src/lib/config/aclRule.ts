import type {At} from './at.ts';
import {UnexpectedValue} from './errors.ts';
import {listItems} from './items.ts';
import {quoted} from './quote.ts';

/** What the words of a `…ACLs` or `ControlsSocketACL` directive say. */
export interface AclValue {
  readonly effect: 'allow' | 'deny';
  readonly kind: 'user' | 'group';
  /** The one word that holds the names, as it came out of the quotes. */
  readonly list: string;
}

/** The actions that `ControlsACLs`, `AdminControlsACLs` and `MessageControlsACLs` decide on. */
export const ACL_ACTIONS = {
  ControlsACLs: ['insctrl', 'lsctrl', 'rmctrl'],
  AdminControlsACLs: [
    'config',
    'debug',
    'dns',
    'down',
    'get',
    'kick',
    'restart',
    'scoreboard',
    'shutdown',
    'status',
    'trace',
    'up',
  ],
  MessageControlsACLs: ['msg'],
} as const;

export type AclDirective = keyof typeof ACL_ACTIONS;

/** Action of mod_ctrls that its directive takes by name although no ACL is ever asked about it (measured). */
const WITHOUT_ACL = 'help';

export interface ActionAclValue extends AclValue {
  /** What the directive sets, each once; none for `""`, which ProFTPD takes, and for `help`, which has no ACL. */
  readonly actions: readonly string[];
}

/** One directive that decides who may do something. */
export interface AclRule extends ActionAclValue {
  readonly directive: AclDirective | 'ControlsSocketACL';
  readonly at: At;
  /** The directive as written. */
  readonly text: string;
  /** Words after the list: ProFTPD ignores them, so `allow user a, b` is about `a` alone. */
  readonly surplus: readonly string[];
}

/**
 * `ACTIONS allow|deny user|group LIST`. Measured: `allow`, `deny`, `user`, `group` and the actions in lower
 * case only, `all` in any case and beside others.
 *
 * @throws UnexpectedValue
 */
export function actionAcl(
  directive: AclDirective,
  [actions = '', effect = '', kind = '', list = '']: readonly string[],
) {
  return {actions: actionsOf(directive, actions), ...aclValue(effect, kind, list, ['second', 'third'])};
}

/**
 * `allow|deny user|group LIST`, the first two in any case (measured).
 *
 * @throws UnexpectedValue
 */
export function socketAcl([effect = '', kind = '', list = '']: readonly string[]): AclValue {
  return aclValue(effect.toLowerCase(), kind.toLowerCase(), list, ['first', 'second']);
}

function aclValue(effect: string, kind: string, list: string, [first, second]: [string, string]): AclValue {
  if (effect !== 'allow' && effect !== 'deny') {
    throw new UnexpectedValue(`expected 'allow' or 'deny' as ${first} parameter, not ${quoted(effect)}`);
  }
  if (kind !== 'user' && kind !== 'group') {
    throw new UnexpectedValue(`expected 'user' or 'group' as ${second} parameter, not ${quoted(kind)}`);
  }
  return {effect, kind, list};
}

function actionsOf(directive: AclDirective, word: string): readonly string[] {
  const known: readonly string[] = ACL_ACTIONS[directive];
  const items = listItems(word);
  const isAll = (item: string) => item.toLowerCase() === 'all';
  for (const item of items) {
    const takes =
      isAll(item) || known.includes(item) || (directive === 'ControlsACLs' && item === WITHOUT_ACL);
    if (!takes) {
      throw new UnexpectedValue(`unknown action ${quoted(item)}: expected all, ${known.join(', ')}`);
    }
  }
  return items.some(isAll) ? known : known.filter((action) => items.includes(action));
}
