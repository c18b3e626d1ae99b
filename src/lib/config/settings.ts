import {posix} from 'node:path';
import {ACL_ACTIONS, type AclDirective, type AclRule, type AclValue, type ActionAclValue} from './aclRule.ts';
import type {At} from './at.ts';
import type {ClassSettings} from './classes.ts';
import {
  type CheckedDirective,
  checkDirective,
  DIRECTIVES,
  type DirectiveName,
  knownDirective,
} from './directives.ts';
import {ConfigError, type ConfigWarning} from './errors.ts';
import {nearMiss} from './nearMiss.ts';
import {parseConfig} from './parser.ts';
import {quoted} from './quote.ts';
import type {Section} from './sections.ts';
import type {ConfigSource} from './source.ts';
import {address, UnexpectedValue} from './values.ts';

/** A value and the directive it comes from; `null` where it is the default. */
export interface Setting<T> {
  readonly value: T;
  readonly at: At | null;
}

/** The main server or a `<VirtualHost>`. */
export interface ServerSettings {
  readonly name: Setting<string>;
  /** Addresses or host names, not resolved: those of `<VirtualHost …>`, or `DefaultAddress`; none means all. */
  readonly addresses: Setting<readonly string[]>;
  /** TCP port; 0: does not listen. */
  readonly port: Setting<number>;
  /** `MessageEngine`. A `<VirtualHost>` has its own or `<Global>`'s, never the main server's (measured). */
  readonly engine: Setting<boolean>;
}

export interface ControlsSettings {
  readonly engine: Setting<boolean>;
  /** Path; `null`: not said, and every build of ProFTPD has its own default. */
  readonly socket: Setting<string | null>;
  /** Names, not resolved; `null`: whoever starts the server. */
  readonly owner: Setting<{readonly user: string; readonly group: string} | null>;
  readonly maxClients: Setting<number>;
  /** Seconds. */
  readonly interval: Setting<number>;
  /** Seconds. */
  readonly authFreshness: Setting<number>;
  /** Path; `null`: no log. */
  readonly log: Setting<string | null>;
}

export interface MessageSettings {
  /** Path; `null`: not said, so there is nowhere to send a message. */
  readonly queue: Setting<string | null>;
  /** Path; `null`: no log. */
  readonly log: Setting<string | null>;
}

/** Everything a configuration says that matters here. Immutable: a reload makes another. */
export interface Settings {
  readonly main: ServerSettings;
  /** In file order. */
  readonly virtualHosts: readonly ServerSettings[];
  /** In file order: the first that matches counts (`classOf`). */
  readonly classes: readonly ClassSettings[];
  readonly controls: ControlsSettings;
  readonly message: MessageSettings;
  /** Every directive that decides who may do something, in file order; names are not resolved. */
  readonly acls: readonly AclRule[];
  readonly allowLogSymlinks: Setting<boolean>;
}

/** A directive that was skipped because nobody here knows it. */
export interface SkippedDirective {
  readonly name: string;
  readonly at: At;
}

export interface LoadedConfig {
  readonly settings: Settings;
  /** Misspelt names, words nobody reads, and the like. What is odd about the ACLs, `acl/findings.ts` says. */
  readonly warnings: readonly ConfigWarning[];
  /** Directives of other modules, normally. */
  readonly skipped: readonly SkippedDirective[];
}

/**
 * Reads `proftpd.conf` and all it includes. Touches nothing but what it reads.
 *
 * @param path absolute
 * @throws ConfigError with file and line: a directive that is known and wrong, a section that is not closed,
 *   a file that cannot be read. Directives nobody here knows are skipped.
 */
export function loadSettings(source: ConfigSource, path: string): LoadedConfig {
  const {directives, sections, warnings} = parseConfig(source, path);
  const checked: CheckedDirective[] = [];
  const skipped: SkippedDirective[] = [];
  for (const directive of directives) {
    const name = knownDirective(directive.name);
    if (name === undefined) skipped.push({name: directive.name, at: directive.at});
    else checked.push(checkDirective(name, directive));
  }
  const settings = settingsOf(checked, sections);
  checkControlsLog(settings.controls.log, source);
  return {
    settings,
    skipped,
    warnings: [
      ...warnings,
      ...skipped.flatMap(misspelt),
      ...checked.flatMap(surplusWords),
      ...sections.flatMap((section) => emptyClass(section, checked)),
    ],
  };
}

const DEFAULTS = {
  serverName: 'ProFTPD',
  port: 21,
  maxClients: 5,
  interval: 10,
  authFreshness: 10,
} as const;

function settingsOf(checked: readonly CheckedDirective[], sections: readonly Section[]): Settings {
  const found = new Found(checked);
  const [main, ...inner] = sections as [Section, ...Section[]];
  return {
    main: serverSettings(found, main),
    virtualHosts: inner
      .filter(({kind}) => kind === 'VirtualHost')
      .map((section) => serverSettings(found, section)),
    classes: inner.filter(({kind}) => kind === 'Class').map((section) => classSettings(found, section)),
    controls: {
      engine: setting(found.last('ControlsEngine'), true),
      socket: setting(found.last('ControlsSocket'), null),
      owner: setting(found.last('ControlsSocketOwner'), null),
      maxClients: setting(found.last('ControlsMaxClients'), DEFAULTS.maxClients),
      interval: setting(found.last('ControlsInterval'), DEFAULTS.interval),
      authFreshness: setting(found.last('ControlsAuthFreshness'), DEFAULTS.authFreshness),
      log: setting(found.last('ControlsLog'), null),
    },
    message: {
      queue: setting(found.last('MessageQueue'), null),
      log: setting(found.first('MessageLog'), null),
    },
    acls: found.acls(),
    allowLogSymlinks: setting(
      found.first('AllowLogSymlinks', main) ?? found.firstGlobal('AllowLogSymlinks'),
      false,
    ),
  };
}

function serverSettings(found: Found, section: Section): ServerSettings {
  const {kind, args, at} = section;
  return {
    name: setting(found.last('ServerName', section), DEFAULTS.serverName),
    addresses:
      kind === 'VirtualHost'
        ? {value: hostAddresses(args, at), at}
        : setting(found.last('DefaultAddress'), []),
    port: setting(found.last('Port', section) ?? found.firstGlobal('Port'), DEFAULTS.port),
    engine: setting(found.first('MessageEngine', section) ?? found.firstGlobal('MessageEngine'), false),
  };
}

function hostAddresses(args: readonly string[], at: At): readonly string[] {
  try {
    return args.map(address);
  } catch (error) {
    if (error instanceof UnexpectedValue)
      throw new ConfigError(at, `<VirtualHost>: ${error.message}`, {cause: error});
    throw error;
  }
}

function classSettings(found: Found, section: Section): ClassSettings {
  return {
    name: section.args[0]!,
    satisfy: found.last('Satisfy', section)?.value ?? 'any',
    rules: found.all('From', section).flatMap(({value}) => value),
  };
}

/** The directives that were found, by name and by the section they stand in. */
class Found {
  readonly #checked: readonly CheckedDirective[];

  constructor(checked: readonly CheckedDirective[]) {
    this.#checked = checked;
  }

  all<N extends DirectiveName>(name: N, section?: Section): CheckedDirective<N>[] {
    return this.#checked.filter(
      (each): each is CheckedDirective<N> => each.name === name && (section ?? each.section) === each.section,
    );
  }

  /** For what ProFTPD keeps the first of: it looks its configuration up from the top (measured). */
  first<N extends DirectiveName>(name: N, section?: Section): CheckedDirective<N> | undefined {
    return this.all(name, section)[0];
  }

  firstGlobal<N extends DirectiveName>(name: N): CheckedDirective<N> | undefined {
    return this.all(name).find(({section}) => section.kind === 'Global');
  }

  /** For what ProFTPD sets as it reads. */
  last<N extends DirectiveName>(name: N, section?: Section): CheckedDirective<N> | undefined {
    return this.all(name, section).at(-1);
  }

  acls(): AclRule[] {
    return this.#checked.flatMap(({name, value, at, text, surplus}): AclRule[] => {
      const origin = {at, text, surplus};
      if (name === 'ControlsSocketACL')
        return [{...(value as AclValue), actions: [], directive: name, ...origin}];
      if (isAclDirective(name)) return [{...(value as ActionAclValue), directive: name, ...origin}];
      return [];
    });
  }
}

function isAclDirective(name: DirectiveName): name is AclDirective {
  return name in ACL_ACTIONS;
}

function setting<T>(found: {readonly value: T; readonly at: At} | undefined, otherwise: T): Setting<T> {
  return found === undefined ? {value: otherwise, at: null} : {value: found.value, at: found.at};
}

function misspelt({name, at}: SkippedDirective): ConfigWarning[] {
  const meant = nearMiss(name, Object.keys(DIRECTIVES));
  return meant === undefined
    ? []
    : [{at, message: `${name} is not known and is skipped: did you mean ${meant}?`}];
}

function surplusWords({name, at, surplus}: CheckedDirective): ConfigWarning[] {
  if (surplus.length === 0 || isAclDirective(name) || name === 'ControlsSocketACL') return [];
  return [{at, message: `${name}: ignored: ${surplus.map(quoted).join(' ')}`}];
}

function emptyClass(section: Section, checked: readonly CheckedDirective[]): ConfigWarning[] {
  if (section.kind !== 'Class' || new Found(checked).all('From', section).some(({value}) => value.length > 0))
    return [];
  return [{at: section.at, message: `<Class ${section.args[0]}> is empty: nobody belongs to it`}];
}

/** ProFTPD opens this log while it reads, and does not start when it cannot (measured). */
function checkControlsLog({value: path, at}: Setting<string | null>, source: ConfigSource): void {
  if (path === null || at === null) return;
  if (source.kind(path) === 'directory')
    throw new ConfigError(at, `ControlsLog: ${quoted(path)} is a directory`);
  if (source.kind(posix.dirname(path)) === 'missing') {
    throw new ConfigError(at, `ControlsLog: no such directory: ${quoted(posix.dirname(path))}`);
  }
}
