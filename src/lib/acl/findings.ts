import type {AclRule} from '../config/aclRule.ts';
import {formatLocation, type Location} from '../config/errors.ts';
import {OPEN_ACTION} from './evaluate.ts';
import {isEverybody, isNobody, passing} from './passing.ts';
import type {AccessControl, Acl, ResolvedName, ResolvedRule, SocketAccess} from './resolve.ts';

/** Something about the ACLs that probably is not what was meant. */
export interface Finding {
  readonly code:
    | 'allows-nobody'
    | 'denies-nobody'
    | 'denies-only-both'
    | 'engine-off'
    | 'lets-everybody-in'
    | 'no-effect'
    | 'replaced'
    | 'socket-open'
    | 'socket-shut'
    | 'surplus-words'
    | 'unknown-name';
  /** `null`: it is about a directive that is not there. */
  readonly at: Location | null;
  /** One sentence, without the place and without a full stop. */
  readonly message: string;
}

/** Everything odd about the ACLs: rule by rule in file order, then how rules get on with each other. */
export function findings(control: AccessControl): readonly Finding[] {
  const {rules, socket, actions} = control;
  return [
    ...rules.flatMap((each) => [...aboutRule(each), ...replaced(each, control)]),
    ...pairs([...socketAcls(socket), ...actions.values()]).flatMap(aboutPair),
    ...aboutSocket(socket),
  ];
}

function aboutSocket(socket: SocketAccess): Finding[] {
  if (socket.kind === 'set') return [];
  if (socket.kind === 'off') {
    const message = 'ControlsEngine is off: there is no controls socket, so no one may run anything';
    return [{code: 'engine-off', at: socket.at, message}];
  }
  const message = socket.open
    ? 'no ControlsSocketACL is set, so everybody may connect (ProFTPD from 1.3.9c and 1.3.10rc3 on lets no one in)'
    : 'no ControlsSocketACL is set, so no one may connect (ProFTPD up to 1.3.9b and 1.3.10rc2 lets everybody in)';
  return [{code: socket.open ? 'socket-open' : 'socket-shut', at: null, message}];
}

function aboutRule(resolved: ResolvedRule): Finding[] {
  const {rule, names} = resolved;
  const {at, text, effect, kind, surplus} = rule;
  const found: Finding[] = names
    .filter(({id}) => id === undefined)
    .map((name) => ({code: 'unknown-name', at, message: `${whyUnknown(name, kind)}, dropped`}));
  const passes = passing(resolved);
  if (effect === 'deny' && isEverybody(passes)) {
    found.push({
      code: 'lets-everybody-in',
      at,
      message: `'${text}' lets everybody in: it names no ${kind} there is`,
    });
  }
  if (effect === 'allow' && isNobody(passes)) {
    found.push({code: 'allows-nobody', at, message: `'${text}' allows no one: it names no ${kind} there is`});
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
  const acls = isSocket ? socketAcls(socket) : rule.actions.map((action) => actions.get(action)!);
  if (acls.some((acl) => acl[kind]?.rule === rule)) return [];
  const [acl] = acls;
  const by = (acl?.[kind] ?? acl?.user ?? acl?.group)?.rule;
  if (by === undefined) return [];
  const message = `'${rule.text}' has no effect: '${by.text}' (${formatLocation(by.at)}) replaces it`;
  return [{code: 'replaced', at, message}];
}

function socketAcls(socket: SocketAccess): Acl[] {
  return socket.kind === 'set' ? [socket.acl] : [];
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
  const opener = [user, group].find((each) => isEverybody(passing(each)));
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
  const because = `'${opener.text}' (${formatLocation(opener.at)}) lets everybody in`;
  return rule.effect === 'deny'
    ? {code: 'denies-nobody', at: rule.at, message: `'${rule.text}' denies no one: ${because}`}
    : {code: 'no-effect', at: rule.at, message: `'${rule.text}' has no effect: ${because}`};
}
