import {type AclDirective, type AclRule, directiveOf} from '../config/aclRule.ts';
import {OPEN_ACTION} from './evaluate.ts';
import type {AccessControl, Acl, ResolvedName, ResolvedRule, SocketAccess} from './resolve.ts';

/** A name there is, and its number. */
interface Member {
  readonly name: string;
  readonly id: number;
}

/** Whom one list lets pass. Names are those that exist. */
export type Passing =
  | {readonly kind: 'nobody'}
  | {readonly kind: 'everybody'}
  | {readonly kind: 'only'; readonly members: readonly Member[]}
  | {readonly kind: 'all-but'; readonly members: readonly Member[]};

/** Callers whose user passes and whose primary group does. */
interface Population {
  readonly users: Passing;
  readonly groups: Passing;
}

const NOBODY: Passing = {kind: 'nobody'};
const EVERYBODY: Passing = {kind: 'everybody'};

/** Whom a list lets pass; no list lets nobody pass. */
export function passing(resolved: ResolvedRule | null): Passing {
  if (resolved === null) return NOBODY;
  const denies = resolved.rule.effect === 'deny';
  if (resolved.everybody) return denies ? NOBODY : EVERYBODY;
  const members = resolved.names.filter(exists);
  if (members.length === 0) return denies ? EVERYBODY : NOBODY;
  return {kind: denies ? 'all-but' : 'only', members};
}

function exists(name: ResolvedName): name is Member {
  return name.id !== undefined;
}

/** Everybody who passes an ACL: either list is enough. */
export function passingAcl(acl: Acl): readonly Population[] {
  return simplest([
    {users: passing(acl.user), groups: EVERYBODY},
    {users: EVERYBODY, groups: passing(acl.group)},
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
  const some = populations.filter(({users, groups}) => users.kind !== 'nobody' && groups.kind !== 'nobody');
  return some.filter(
    (each, index) =>
      !some.some(
        (other, at) => at !== index && isWithin(each, other) && (at < index || !isWithin(other, each)),
      ),
  );
}

function isWithin(a: Population, b: Population): boolean {
  return isPart(a.users, b.users) && isPart(a.groups, b.groups);
}

function isPart(a: Passing, b: Passing): boolean {
  if (a.kind === 'nobody' || b.kind === 'everybody') return true;
  if (a.kind === 'everybody' || b.kind === 'nobody') return false;
  if (a.kind === 'only') return a.members.every((each) => has(b.members, each) === (b.kind === 'only'));
  return b.kind === 'all-but' && b.members.every((each) => has(a.members, each));
}

function common(a: Passing, b: Passing): Passing {
  if (a.kind === 'everybody' || b.kind === 'nobody') return b;
  if (b.kind === 'everybody' || a.kind === 'nobody') return a;
  if (a.kind === 'only')
    return only(a.members.filter((each) => has(b.members, each) === (b.kind === 'only')));
  if (b.kind === 'only') return common(b, a);
  return {kind: 'all-but', members: [...a.members, ...b.members.filter((each) => !has(a.members, each))]};
}

function only(members: readonly Member[]): Passing {
  return members.length === 0 ? NOBODY : {kind: 'only', members};
}

function has(members: readonly Member[], {id}: Member): boolean {
  return members.some((each) => each.id === id);
}

/** What a row says where no one passes: `nobody` is a user of most systems. */
const NO_ONE = 'no one';

/** `everybody`, `no one`, `user a, b or group g`, `everybody but user a`, `user a with primary group g`. */
export function inWords(populations: readonly Population[]): string {
  const [first, second] = populations;
  if (first === undefined) return NO_ONE;
  if (populations.length === 2 && first.users.kind === 'all-but' && second!.groups.kind === 'all-but') {
    if (first.groups.kind === 'everybody' && second!.users.kind === 'everybody')
      return `everybody but user ${names(first.users)} with primary group ${names(second!.groups)}`;
  }
  const byName = populations.filter((each) => !isOpenEnded(each));
  return [...byName, ...populations.filter(isOpenEnded)].map(populationInWords).join(' or ');
}

function isOpenEnded({users, groups}: Population): boolean {
  return users.kind !== 'only' && groups.kind !== 'only';
}

function populationInWords({users, groups}: Population): string {
  if (users.kind === 'everybody') return kindInWords('group', groups);
  if (groups.kind === 'everybody') return kindInWords('user', users);
  if (groups.kind === 'only') {
    return users.kind === 'only'
      ? `user ${names(users)} with primary group ${names(groups)}`
      : `group ${names(groups)} but user ${names(users)}`;
  }
  const but = users.kind === 'only' ? `user ${names(users)}` : `everybody but user ${names(users)}`;
  return users.kind === 'only'
    ? `${but} with a primary group other than ${names(groups)}`
    : `${but} and group ${names(groups)}`;
}

function kindInWords(kind: 'user' | 'group', passing: Passing): string {
  if (passing.kind === 'everybody') return 'everybody';
  return passing.kind === 'only' ? `${kind} ${names(passing)}` : `everybody but ${kind} ${names(passing)}`;
}

function names(passing: Passing): string {
  return 'members' in passing ? passing.members.map(({name}) => name).join(', ') : '';
}

/** Who gets through to an action; or, for the socket, who may connect. */
export interface Access {
  /** `null`: the socket itself. */
  readonly action: string | null;
  /** `null` for `help`, which needs none. */
  readonly directive: AclRule['directive'] | null;
  /** Those in force. */
  readonly rules: readonly AclRule[];
  /** Whom the user list of the action alone lets pass. Either list is enough. */
  readonly users: Passing;
  /** Whom the group list of the action alone lets pass, by primary group. */
  readonly groups: Passing;
  /** Who may connect and run the action, in words: `no one`, `everybody`, `user a, b or group g`. */
  readonly who: string;
}

/** Those whose actions are listed although no line is there for them. */
const ALWAYS_LISTED: readonly AclDirective[] = ['AdminControlsACLs', 'ControlsACLs', 'MessageControlsACLs'];

/** Who may do what: the socket first, then every action by its name. */
export function listAccess(control: AccessControl): readonly Access[] {
  const connecting = passingSocket(control.socket);
  const open: Access = {
    action: OPEN_ACTION,
    directive: null,
    rules: [],
    users: {kind: 'everybody'},
    groups: {kind: 'everybody'},
    who: inWords(connecting),
  };
  const given = new Set([...ALWAYS_LISTED, ...control.rules.map(({rule}) => rule.directive)]);
  const actions = [...control.actions]
    .map(([action, acl]) => ({
      action,
      directive: directiveOf(action)!,
      ...lists(acl),
      who: inWords(intersection(connecting, passingAcl(acl))),
    }))
    .filter(({directive}) => given.has(directive));
  const byName = (a: Access, b: Access) => (a.action! < b.action! ? -1 : 1);
  const acl = control.socket.kind === 'set' ? control.socket.acl : {user: null, group: null};
  const connect: Access = {
    action: null,
    directive: 'ControlsSocketACL',
    ...lists(acl),
    who: inWords(connecting),
  };
  return [connect, ...[...actions, open].sort(byName)];
}

function lists({user, group}: Acl): Pick<Access, 'rules' | 'users' | 'groups'> {
  const rules = [user, group].flatMap((each) => (each === null ? [] : [each.rule]));
  return {rules, users: passing(user), groups: passing(group)};
}
