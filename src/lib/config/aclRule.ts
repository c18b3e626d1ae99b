import {type Location, quoted, UnexpectedValue} from './errors.ts';
import {aclItems} from './values.ts';

/** What the words of a `…ACLs` or `ControlsSocketACL` directive say. */
export interface AclValue {
  readonly effect: 'allow' | 'deny';
  readonly kind: 'user' | 'group';
  /** The one word that holds the names, as it came out of the quotes. */
  readonly list: string;
}

/** What a directive decides on. */
interface AclScope {
  /** As the directive names them. */
  readonly actions: readonly string[];
  /** Where those are no actions themselves: the one action whose first word they are (`delay reset`). */
  readonly of?: string;
}

/**
 * Every directive that decides on control actions, and on which: those of 1.3.8's own modules (measured), and mod_tls's,
 * of which old versions have `remove` and new ones `ocspcache`.
 */
export const ACL_SCOPES = {
  AdminControlsACLs: {
    actions: [
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
  },
  BanControlsACLs: {actions: ['ban', 'permit']},
  ControlsACLs: {actions: ['insctrl', 'lsctrl', 'rmctrl']},
  DelayControlsACLs: {actions: ['info', 'reset'], of: 'delay'},
  DynMasqControlsACLs: {actions: ['refresh'], of: 'dynmasq'},
  MessageControlsACLs: {actions: ['msg']},
  ModuleControlsACLs: {actions: ['insmod', 'lsmod', 'rmmod']},
  ShaperControlsACLs: {actions: ['all', 'info', 'sess'], of: 'shaper'},
  StatCacheControlsACLs: {actions: ['statcache']},
  TLSControlsACLs: {actions: ['clear', 'info', 'ocspcache', 'remove', 'sesscache'], of: 'tls'},
} as const satisfies Record<string, AclScope>;

export type AclDirective = keyof typeof ACL_SCOPES;

/** Those directives, by name. */
export const ACL_DIRECTIVES = Object.keys(ACL_SCOPES) as AclDirective[];

/** The actions a directive decides on, each as one would ask about it: `msg`, `delay reset`. */
export function actionsUnder(directive: AclDirective): readonly string[] {
  return asAsked(ACL_SCOPES[directive]);
}

function asAsked({actions, of}: AclScope): readonly string[] {
  return of === undefined ? actions : actions.map((action) => `${of} ${action}`);
}

/** The directive that covers an action, as `actionsUnder` names it. */
export function directiveOf(action: string): AclDirective | undefined {
  return ACL_DIRECTIVES.find((directive) => actionsUnder(directive).includes(action));
}

/** What may be asked of an action whose directive decides on that: `delay info`, `delay reset`; else nothing. */
export function subactionsOf(action: string): string[] {
  const directive = ACL_DIRECTIVES.find((each) => (ACL_SCOPES[each] as AclScope).of === action);
  return directive === undefined ? [] : [...actionsUnder(directive)];
}

/** Action of mod_ctrls that its directive takes by name although no ACL is ever asked about it (measured). */
const WITHOUT_ACL = 'help';

export interface ActionAclValue extends AclValue {
  /** What the directive sets, each once (`actionsUnder`); none for `""`, which ProFTPD takes, and for `help`, which has no ACL. */
  readonly actions: readonly string[];
}

/** One directive that decides who may do something. */
export interface AclRule extends ActionAclValue {
  readonly directive: AclDirective | 'ControlsSocketACL';
  readonly at: Location;
  /** The directive as written. */
  readonly text: string;
  /** Words after the list: ProFTPD ignores them, so `allow user a, b` is about `a` alone. */
  readonly surplus: readonly string[];
}

/**
 * `ACTIONS allow|deny user|group LIST`. Measured: `allow`, `deny`, `user`, `group` and the actions in lower
 * case only, `all` in any case and beside others.
 *
 * @param args four at least
 * @throws UnexpectedValue
 */
export function actionAcl(directive: AclDirective, args: readonly string[]): ActionAclValue {
  const [actions, effect, kind, list] = args as [string, string, string, string];
  return {actions: actionsOf(directive, actions), ...aclValue(effect, kind, list, ['second', 'third'])};
}

/**
 * `allow|deny user|group LIST`, the first two in any case (measured).
 *
 * @param args three at least
 * @throws UnexpectedValue
 */
export function socketAcl(args: readonly string[]): AclValue {
  const [effect, kind, list] = args as [string, string, string];
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
  const scope: AclScope = ACL_SCOPES[directive];
  const known = scope.actions;
  const items = aclItems(word);
  const isAll = (item: string) => item.toLowerCase() === 'all';
  for (const item of items) {
    const takes =
      isAll(item) || known.includes(item) || (directive === 'ControlsACLs' && item === WITHOUT_ACL);
    if (!takes) {
      const expected = [...new Set(['all', ...known])].join(', ');
      throw new UnexpectedValue(`unknown action ${quoted(item)}: expected ${expected}`);
    }
  }
  const actions = items.some(isAll) ? known : known.filter((action) => items.includes(action));
  return asAsked({...scope, actions});
}

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
