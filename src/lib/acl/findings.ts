import type {AclRule} from '../config/aclRule.ts';
import {type At, showAt} from '../config/at.ts';
import {OPEN_ACTION} from './evaluate.ts';
import {passing} from './list.ts';
import type {AccessControl, Acl, ResolvedName, ResolvedRule} from './resolve.ts';

/** Something about the ACLs that probably is not what was meant. */
export interface Finding {
  readonly code:
    | 'allows-nobody'
    | 'denies-nobody'
    | 'denies-only-both'
    | 'lets-everybody-in'
    | 'no-effect'
    | 'replaced'
    | 'socket-shut'
    | 'surplus-words'
    | 'unknown-name';
  /** `null`: it is about a directive that is not there. */
  readonly at: At | null;
  /** One sentence, without the place and without a full stop. */
  readonly message: string;
}

/** Everything odd about the ACLs: rule by rule in file order, then how rules get on with each other. */
export function findings(control: AccessControl): readonly Finding[] {
  const {rules, socket, actions} = control;
  return [
    ...rules.flatMap((each) => [...aboutRule(each), ...replaced(each, control)]),
    ...pairs([socket, ...actions.values()]).flatMap(aboutPair),
    ...(socket.user === null && socket.group === null ? [SOCKET_SHUT] : []),
  ];
}

const SOCKET_SHUT: Finding = {
  code: 'socket-shut',
  at: null,
  message: 'no ControlsSocketACL is set, so nobody may connect (ProFTPD 1.3.8 and older let everybody in)',
};

function aboutRule(resolved: ResolvedRule): Finding[] {
  const {rule, names} = resolved;
  const {at, text, effect, kind, surplus} = rule;
  const found: Finding[] = names
    .filter(({id}) => id === undefined)
    .map((name) => ({code: 'unknown-name', at, message: `${whyUnknown(name, kind)}, dropped`}));
  const passes = passing(resolved).kind;
  if (effect === 'deny' && passes === 'everybody') {
    found.push({
      code: 'lets-everybody-in',
      at,
      message: `'${text}' lets everybody in: it names no ${kind} there is`,
    });
  }
  if (effect === 'allow' && passes === 'nobody') {
    found.push({code: 'allows-nobody', at, message: `'${text}' allows nobody: it names no ${kind} there is`});
  }
  if (surplus.length > 0) {
    const hint = 'write the names with commas and without spaces, or in quotes';
    found.push({code: 'surplus-words', at, message: `surplus words ignored: ${surplus.join(' ')} (${hint})`});
  }
  return found;
}

function whyUnknown({name}: ResolvedName, kind: 'user' | 'group'): string {
  const no = `no such ${kind}: ${name}`;
  if (name.startsWith('!')) return `${no} (lists know no '!')`;
  if (/^#?[0-9]+$/.test(name)) return `${no} (lists know no numeric ids)`;
  if (/[*?[]/.test(name)) return `${no} (lists know no patterns)`;
  return no;
}

function replaced({rule}: ResolvedRule, {socket, actions}: AccessControl): Finding[] {
  const {directive, kind, at} = rule;
  const isSocket = directive === 'ControlsSocketACL';
  if (!isSocket && rule.actions.length === 0) {
    const message = `'${rule.text}' has no effect: ${OPEN_ACTION} has no ACL, and no other action is named`;
    return [{code: 'no-effect', at, message}];
  }
  const acls = isSocket ? [socket] : rule.actions.map((action) => actions.get(action)!);
  if (acls.some((acl) => acl[kind]?.rule === rule)) return [];
  const [acl] = acls;
  const by = (acl?.[kind] ?? acl?.user ?? acl?.group)!.rule;
  const message = `'${rule.text}' has no effect: '${by.text}' (${showAt(by.at)}) replaces it`;
  return [{code: 'replaced', at, message}];
}

/** Each pair of a user list and a group list that are in force together, once. */
function pairs(acls: readonly Acl[]): {user: ResolvedRule; group: ResolvedRule}[] {
  const found: {user: ResolvedRule; group: ResolvedRule}[] = [];
  for (const {user, group} of acls) {
    if (user === null || group === null) continue;
    if (!found.some((pair) => pair.user === user && pair.group === group)) found.push({user, group});
  }
  return found;
}

function aboutPair({user, group}: {user: ResolvedRule; group: ResolvedRule}): Finding[] {
  const opener = [user, group].find((each) => passing(each).kind === 'everybody');
  if (opener !== undefined) {
    const other = opener === user ? group.rule : user.rule;
    return [outdone(other, opener.rule)];
  }
  if (passing(user).kind === 'all-but' && passing(group).kind === 'all-but') {
    const message = `'${user.rule.text}' and '${group.rule.text}' deny only who is in both lists: either lets the others in`;
    return [{code: 'denies-only-both', at: group.rule.at, message}];
  }
  return [];
}

function outdone(rule: AclRule, opener: AclRule): Finding {
  const because = `'${opener.text}' (${showAt(opener.at)}) lets everybody in`;
  return rule.effect === 'deny'
    ? {code: 'denies-nobody', at: rule.at, message: `'${rule.text}' denies nobody: ${because}`}
    : {code: 'no-effect', at: rule.at, message: `'${rule.text}' has no effect: ${because}`};
}
