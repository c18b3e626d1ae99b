import {ACL_DIRECTIVES, type AclRule, actionsUnder} from '../config/aclRule.ts';
import type {ConfigWarning, Location} from '../config/errors.ts';
import type {Setting, Settings} from '../config/settings.ts';
import {aclItems} from '../config/values.ts';
import {formatVersion, isOpenWithoutSocketAcl, type ProftpdVersion} from '../protocol/version.ts';
import type {NameService} from './names.ts';

/** A name of a list and its uid or gid; `undefined` where there is no such user or group: then it is dropped. */
export interface ResolvedName {
  readonly name: string;
  readonly id: number | undefined;
}

/** A directive with its names looked up. */
export interface ResolvedRule {
  readonly rule: AclRule;
  readonly everybody: boolean;
  readonly names: readonly ResolvedName[];
}

/** What is in force for one action, or for the socket: a list of each kind, or none. */
export interface Acl {
  readonly user: ResolvedRule | null;
  readonly group: ResolvedRule | null;
}

/** What decides on who may connect. */
export type SocketAccess =
  /** `ControlsEngine off`: there is no socket. */
  | {readonly kind: 'off'; readonly at: Location}
  /** Without a `ControlsSocketACL` the version decides; `version`: which, where one is meant. */
  | {readonly kind: 'unset'; readonly open: boolean; readonly version: string | null}
  | {readonly kind: 'set'; readonly acl: Acl};

/** Who may do what, as of the time the names were looked up. Immutable: a reload makes another. */
export interface AccessControl {
  readonly socket: SocketAccess;
  /** For every action that has a directive, whether one is given or not. */
  readonly actions: ReadonlyMap<string, Acl>;
  /** Every directive, in file order, those no longer in force among them. */
  readonly rules: readonly ResolvedRule[];
}

/** How the lists are to be judged. */
export interface Judgement {
  /** `ControlsEngine` */
  readonly engine?: Setting<boolean>;
  /** As which ProFTPD; without it as the newest, and as `ftpdctl serve`. */
  readonly version?: ProftpdVersion | undefined;
}

const UNSET: Acl = {user: null, group: null};

/**
 * Looks the names up and finds out which directives are in force (measured on 1.3.8 and 1.3.10): of one action
 * and kind the last, of ControlsSocketACL the last altogether.
 *
 * @param rules `Settings.acls`
 */
export function resolveAcls(
  rules: readonly AclRule[],
  names: NameService,
  judgement: Judgement = {},
): AccessControl {
  const resolved = rules.map((rule) => resolveRule(rule, names));
  const actions = new Map<string, Acl>(
    ACL_DIRECTIVES.flatMap((directive) => actionsUnder(directive).map((each) => [each, UNSET])),
  );
  let socket: Acl | undefined;
  for (const each of resolved) {
    const {directive, kind, actions: set} = each.rule;
    if (directive === 'ControlsSocketACL') socket = {...UNSET, [kind]: each};
    for (const action of set) actions.set(action, {...actions.get(action)!, [kind]: each});
  }
  return {socket: socketAccess(socket, judgement), actions, rules: resolved};
}

function socketAccess(acl: Acl | undefined, {engine, version}: Judgement): SocketAccess {
  // The default is on: what is off, a line has turned off.
  if (engine?.value === false) return {kind: 'off', at: engine.at!};
  if (acl !== undefined) return {kind: 'set', acl};
  const open = version !== undefined && isOpenWithoutSocketAcl(version);
  return {kind: 'unset', open, version: version === undefined ? null : formatVersion(version)};
}

function resolveRule(rule: AclRule, service: NameService): ResolvedRule {
  const {everybody, names} = parseNames(rule.list);
  const look = (name: string) => (rule.kind === 'user' ? service.uid(name) : service.gid(name));
  return {rule, everybody, names: names.map((name) => ({name, id: look(name)}))};
}

/** The names of an ACL list, as written. */
export interface NameList {
  /** `*` stands among them: then the other names do not matter, wherever it stands (measured). */
  readonly everybody: boolean;
  /** Without `*`, each as it is: no patterns, no `!`, no numeric ids. */
  readonly names: readonly string[];
}

/** `a,b`, `"a b"`, `*`. Nothing at all is a list, too: `""` names nobody. */
function parseNames(list: string): NameList {
  const items = aclItems(list).filter((item) => item !== '');
  return {everybody: items.includes('*'), names: items.filter((item) => item !== '*')};
}

/** What chown(2) takes for "as it is". */
const UNCHANGED = -1;

/** Whom the socket's file is given to, and what is wrong with the names. */
export interface SocketOwner {
  /** `null`: whoever starts the server. */
  readonly owner: {readonly uid: number; readonly gid: number} | null;
  readonly warnings: readonly ConfigWarning[];
}

/**
 * `ControlsSocketOwner`. A name there is not is warned of, and leaves the user or the group as it is, as in ProFTPD:
 * 1.3.8 and 1.3.10 start with it (measured).
 */
export function resolveSocketOwner(
  {value, at}: Settings['controls']['owner'],
  names: NameService,
): SocketOwner {
  if (value === null) return {owner: null, warnings: []};
  const {user, group} = value;
  const [uid, gid] = [names.uid(user), names.gid(group)];
  const unknown = [
    ...(uid === undefined ? [`user: ${user}`] : []),
    ...(gid === undefined ? [`group: ${group}`] : []),
  ];
  return {
    owner: {uid: uid ?? UNCHANGED, gid: gid ?? UNCHANGED},
    warnings: unknown.map((what) => ({
      at: at!,
      message: `ControlsSocketOwner: no such ${what}, left as it is`,
    })),
  };
}
