import {type AclDirective, type AclRule, directiveOf} from '../config/aclRule.ts';
import {CONNECT, OPEN_ACTION} from './evaluate.ts';
import type {AccessControl, Acl, ResolvedName, ResolvedRule, SocketAccess} from './resolve.ts';

/** A name there is, and its number. */
interface Member {
  readonly name: string;
  readonly id: number;
}

/** Whom one list lets pass: those it names, or everybody but those. Names are those that exist. */
interface Passing {
  readonly kind: 'only' | 'all-but';
  readonly members: readonly Member[];
}

/** Callers whose user passes and whose primary group does. */
interface Population {
  readonly users: Passing;
  readonly groups: Passing;
}

const EVERYBODY: Passing = {kind: 'all-but', members: []};

/** Whom a list lets pass. */
export function passing({rule, everybody, names}: ResolvedRule): Passing {
  const kind = (rule.effect === 'deny') === everybody ? 'only' : 'all-but';
  return {kind, members: everybody ? [] : names.filter(exists)};
}

function exists(name: ResolvedName): name is Member {
  return name.id !== undefined;
}

export function isNobody({kind, members}: Passing): boolean {
  return kind === 'only' && members.length === 0;
}

export function isEverybody({kind, members}: Passing): boolean {
  return kind === 'all-but' && members.length === 0;
}

/** Everybody who passes an ACL: either list is enough, and no list lets nobody pass. */
export function passingAcl({user, group}: Acl): readonly Population[] {
  return simplest([
    ...(user === null ? [] : [{users: passing(user), groups: EVERYBODY}]),
    ...(group === null ? [] : [{users: EVERYBODY, groups: passing(group)}]),
  ]);
}

/** Everybody who may connect. */
export function passingSocket(socket: SocketAccess): readonly Population[] {
  if (socket.kind === 'set') return passingAcl(socket.acl);
  return socket.kind === 'unset' && socket.open ? [{users: EVERYBODY, groups: EVERYBODY}] : [];
}

/** Everybody who is among both. */
export function intersection(a: readonly Population[], b: readonly Population[]): readonly Population[] {
  return simplest(
    a.flatMap((one) =>
      b.map((other) => ({
        users: common(one.users, other.users),
        groups: common(one.groups, other.groups),
      })),
    ),
  );
}

/** Without those that are empty, and those that are part of another. */
function simplest(populations: readonly Population[]): readonly Population[] {
  const some = populations.filter(({users, groups}) => !isNobody(users) && !isNobody(groups));
  return some.filter(
    (each, index) =>
      !some.some((other, at) => isWithin(each, other) && (at < index || !isWithin(other, each))),
  );
}

function isWithin(a: Population, b: Population): boolean {
  return isPart(a.users, b.users) && isPart(a.groups, b.groups);
}

function isPart(a: Passing, b: Passing): boolean {
  if (a.kind === 'only') return a.members.every((each) => includes(b, each));
  return b.kind === 'all-but' && b.members.every((each) => !includes(a, each));
}

function common(a: Passing, b: Passing): Passing {
  if (a.kind === 'only') return {kind: 'only', members: a.members.filter((each) => includes(b, each))};
  if (b.kind === 'only') return common(b, a);
  return {kind: 'all-but', members: [...a.members, ...b.members.filter((each) => includes(a, each))]};
}

function includes({kind, members}: Passing, {id}: Member): boolean {
  return members.some((each) => each.id === id) === (kind === 'only');
}

/** What a row says where no one passes: `nobody` is a user of most systems. */
const NO_ONE = 'no one';

/** `everybody`, `no one`, `user a, b or group g`, `everybody but user a`, `user a with primary group g`. */
export function inWords(populations: readonly Population[]): string {
  const [first, second] = populations;
  if (first === undefined) return NO_ONE;
  // Whoever is not denied by the one list or not by the other: together they shut out only who is in both.
  if (second !== undefined && isEverybody(first.groups) && isEverybody(second.users)) {
    const [{users}, {groups}] = [first, second];
    if (users.kind === 'all-but' && groups.kind === 'all-but')
      return `everybody but user ${names(users)} with primary group ${names(groups)}`;
  }
  const byName = populations.filter((each) => !isOpenEnded(each));
  return [...byName, ...populations.filter(isOpenEnded)].map(populationInWords).join(' or ');
}

function isOpenEnded({users, groups}: Population): boolean {
  return users.kind === 'all-but' && groups.kind === 'all-but';
}

function populationInWords({users, groups}: Population): string {
  if (isEverybody(users)) return kindInWords('group', groups);
  if (isEverybody(groups)) return kindInWords('user', users);
  const [user, group] = [`user ${names(users)}`, names(groups)];
  if (users.kind === 'only') {
    const other = groups.kind === 'only' ? 'primary group' : 'a primary group other than';
    return `${user} with ${other} ${group}`;
  }
  return groups.kind === 'only' ? `group ${group} but ${user}` : `everybody but ${user} and group ${group}`;
}

function kindInWords(kind: 'user' | 'group', passing: Passing): string {
  if (isEverybody(passing)) return 'everybody';
  return `${passing.kind === 'only' ? '' : 'everybody but '}${kind} ${names(passing)}`;
}

function names({members}: Passing): string {
  return members.map(({name}) => name).join(', ');
}

/** Who gets through to an action; or, as `CONNECT`, to the socket. */
export interface Access {
  readonly action: string;
  /** Those in force. */
  readonly rules: readonly AclRule[];
  /** Who may connect and run the action, in words: `no one`, `everybody`, `user a, b or group g`. */
  readonly who: string;
}

/** Those whose actions are listed although no line is there for them. */
const ALWAYS_LISTED: readonly AclDirective[] = ['AdminControlsACLs', 'ControlsACLs', 'MessageControlsACLs'];

/** Who may do what: the socket first, then every action by its name. */
export function listAccess({socket, actions, rules}: AccessControl): readonly Access[] {
  const connecting = passingSocket(socket);
  const who = inWords(connecting);
  const given = new Set([...ALWAYS_LISTED, ...rules.map(({rule}) => rule.directive)]);
  const listed = [...actions]
    .filter(([action]) => given.has(directiveOf(action)!))
    .map(([action, acl]) => ({
      action,
      rules: rulesOf(acl),
      who: inWords(intersection(connecting, passingAcl(acl))),
    }));
  const byName = (a: Access, b: Access) => (a.action < b.action ? -1 : 1);
  return [
    {action: CONNECT, rules: socket.kind === 'set' ? rulesOf(socket.acl) : [], who},
    ...[...listed, {action: OPEN_ACTION, rules: [], who}].sort(byName),
  ];
}

function rulesOf({user, group}: Acl): AclRule[] {
  return [user, group].flatMap((each) => (each === null ? [] : [each.rule]));
}
