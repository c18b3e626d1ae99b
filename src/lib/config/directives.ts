import {type AclDirective, actionAcl, socketAcl} from './aclRule.ts';
import {from, fromDoubts} from './classes.ts';
import {ConfigError, parseAt, quoted, UnexpectedValue} from './errors.ts';
import {type ContextKind, type Directive, showContext} from './parser.ts';
import {
  absolutePath,
  absolutePathOrNone,
  absolutePathOrOff,
  address,
  boolean,
  port,
  portDoubts,
  positiveNumber,
  positiveNumberOrNone,
} from './values.ts';

/** What a directive takes, and where. */
interface DirectiveRule<T> {
  readonly contexts: readonly ContextKind[];
  /** Parameters it needs. ProFTPD ignores what follows (measured), unless `surplus` says it is used. */
  readonly parameters: number;
  readonly surplus?: 'used';
  /** What of it ProFTPD takes (measured) although it cannot be what was meant, in sentences without the name. */
  readonly doubts?: (args: readonly string[]) => readonly string[];
  /** @param args as many as it needs, at least. @throws UnexpectedValue */
  readonly value: (args: readonly string[]) => T;
}

const SERVER = ['server'] as const;
const SERVER_OR_VIRTUAL = ['server', 'VirtualHost'] as const;
const ANY_SERVER = ['server', 'VirtualHost', 'Global'] as const;

function one<T>(contexts: readonly ContextKind[], value: (word: string) => T): DirectiveRule<T> {
  return {contexts, parameters: 1, value: ([word]) => value(word!)};
}

function acl(directive: AclDirective) {
  return {contexts: SERVER, parameters: 4, value: (args: readonly string[]) => actionAcl(directive, args)};
}

/** Every directive known here, one line each. Contexts and counts as 1.3.8 and 1.3.10 have them (measured). */
export const DIRECTIVES = {
  AdminControlsACLs: acl('AdminControlsACLs'),
  AllowLogSymlinks: one(ANY_SERVER, boolean),
  BanControlsACLs: acl('BanControlsACLs'),
  ControlsACLs: acl('ControlsACLs'),
  ControlsAuthFreshness: one(SERVER, positiveNumber),
  ControlsEngine: one(SERVER, boolean),
  ControlsInterval: one(SERVER, positiveNumber),
  ControlsLog: one(SERVER, absolutePath),
  ControlsMaxClients: one(SERVER, positiveNumber),
  ControlsSocket: one(SERVER, absolutePath),
  ControlsSocketACL: {contexts: SERVER, parameters: 3, value: socketAcl},
  ControlsSocketOwner: {
    contexts: SERVER,
    parameters: 2,
    value: ([user, group]: readonly string[]) => ({user: user!, group: group!}),
  },
  DefaultAddress: {
    contexts: SERVER,
    parameters: 1,
    surplus: 'used',
    value: (args: readonly string[]) => args.map(address),
  },
  DelayControlsACLs: acl('DelayControlsACLs'),
  DynMasqControlsACLs: acl('DynMasqControlsACLs'),
  From: {contexts: ['Class'], parameters: 0, surplus: 'used', value: from, doubts: fromDoubts},
  MaxInstances: one(SERVER, positiveNumberOrNone),
  MessageControlsACLs: acl('MessageControlsACLs'),
  MessageEngine: one(ANY_SERVER, boolean),
  MessageLog: one(SERVER, absolutePathOrNone),
  MessageQueue: one(SERVER, absolutePath),
  ModuleControlsACLs: acl('ModuleControlsACLs'),
  Port: {...one(ANY_SERVER, port), doubts: ([word]) => portDoubts(word!)},
  Satisfy: one(['Class'], satisfy),
  ScoreboardFile: one(SERVER, absolutePathOrOff),
  ServerName: one(SERVER_OR_VIRTUAL, (word) => word),
  ServerType: one(SERVER, serverType),
  ShaperControlsACLs: acl('ShaperControlsACLs'),
  StatCacheControlsACLs: acl('StatCacheControlsACLs'),
  TLSControlsACLs: acl('TLSControlsACLs'),
} as const satisfies Record<string, DirectiveRule<unknown>>;

export type DirectiveName = keyof typeof DIRECTIVES;
export type ValueOf<N extends DirectiveName> = ReturnType<(typeof DIRECTIVES)[N]['value']>;

const byLowerCase = new Map(
  (Object.keys(DIRECTIVES) as DirectiveName[]).map((name) => [name.toLowerCase(), name]),
);

/** The name as the table has it; ProFTPD does not mind the case of it. */
export function knownDirective(name: string): DirectiveName | undefined {
  return byLowerCase.get(name.toLowerCase());
}

/** A directive that is known and has been found right. */
export interface CheckedDirective<N extends DirectiveName = DirectiveName> extends Directive {
  readonly name: N;
  readonly value: ValueOf<N>;
  /** Parameters nobody reads. */
  readonly surplus: readonly string[];
  /** What cannot be meant, in sentences without the name. */
  readonly doubts: readonly string[];
}

/** @throws ConfigError: not allowed here, too few parameters, or not a value it takes */
export function checkDirective<N extends DirectiveName>(name: N, directive: Directive): CheckedDirective<N> {
  const rule: DirectiveRule<unknown> = DIRECTIVES[name];
  const {args, at, section} = directive;
  if (!rule.contexts.includes(section.kind)) {
    const allowed = rule.contexts.map(showContext).join(', ');
    throw new ConfigError(at, `${name} is not allowed in ${showContext(section.kind)}, only in ${allowed}`);
  }
  if (args.length < rule.parameters) {
    throw new ConfigError(
      at,
      `${name}: missing parameters, expected ${rule.parameters}, found ${args.length}`,
    );
  }
  const surplus = rule.surplus === 'used' ? [] : args.slice(rule.parameters);
  const value = parseAt(at, name, () => rule.value(args)) as ValueOf<N>;
  return {...directive, name, value, surplus, doubts: rule.doubts?.(args) ?? []};
}

function serverType(word: string): 'inetd' | 'standalone' {
  const type = word.toLowerCase();
  if (type === 'inetd' || type === 'standalone') return type;
  throw new UnexpectedValue(`expected inetd or standalone, not ${quoted(word)}`);
}

function satisfy(word: string): 'any' | 'all' {
  const lower = word.toLowerCase();
  if (lower === 'any' || lower === 'all') return lower;
  throw new UnexpectedValue(`expected any or all, not ${quoted(word)}`);
}
