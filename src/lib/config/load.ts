import {posix} from 'node:path';
import {nearMiss} from '../text.ts';
import {ACL_SCOPES, type AclDirective, type AclRule, type AclValue, type ActionAclValue} from './aclRule.ts';
import type {ClassSettings} from './classes.ts';
import {
  type CheckedDirective,
  checkDirective,
  DIRECTIVES,
  type DirectiveName,
  knownDirective,
} from './directives.ts';
import {ConfigError, type ConfigWarning, type Location, parseAt, quoted} from './errors.ts';
import {
  type Conditions,
  type Directive,
  parseConfig,
  type Section,
  type UndecidedCondition,
} from './parser.ts';
import type {ServerSettings, Setting, Settings} from './settings.ts';
import type {ConfigSource} from './source.ts';
import {address} from './values.ts';

/** Where distributions put `proftpd.conf`: Debian and others, Red Hat, FreeBSD, from source. */
export const CONFIGURATION_FILES: readonly string[] = [
  '/etc/proftpd/proftpd.conf',
  '/etc/proftpd.conf',
  '/usr/local/etc/proftpd.conf',
  '/usr/local/etc/proftpd/proftpd.conf',
];

/** A directive that was skipped because nobody here knows it. */
export interface SkippedDirective {
  readonly name: string;
  readonly at: Location;
}

export interface LoadedConfig {
  readonly settings: Settings;
  /**
   * Misspelt names, words nobody reads, and the like; looked for when they are asked for, which takes longer than all
   * the rest. What is odd about the ACLs, `acl/findings.ts` says.
   */
  readonly warnings: readonly ConfigWarning[];
  /** Directives of other modules, normally. */
  readonly skipped: readonly SkippedDirective[];
  /** The modules that are loaded at its end: `mod_msg.c`. */
  readonly modules: ReadonlySet<string>;
  /** `LoadModule` and `ModulePath`, in file order. */
  readonly moduleLines: readonly ModuleLine[];
  /** Every file that was read, the first one first. */
  readonly files: readonly string[];
  /** Conditions that nobody can decide. */
  readonly undecided: readonly UndecidedCondition[];
}

/** A line that loads a module, or says where modules are. */
export interface ModuleLine {
  readonly kind: 'load' | 'path';
  /** The module, or the directory. */
  readonly value: string;
  readonly at: Location;
}

/**
 * Reads `proftpd.conf` and all it includes. Touches nothing but what it reads.
 *
 * @param path absolute
 * @throws ConfigError with file and line: a directive that is known and wrong, a section that is not closed,
 *   a file that cannot be read. Directives nobody here knows are skipped.
 */
export function loadSettings(source: ConfigSource, path: string, conditions?: Conditions): LoadedConfig {
  const {directives, sections, warnings, modules, files, undecided} = parseConfig(source, path, conditions);
  const checked: CheckedDirective[] = [];
  const skipped: SkippedDirective[] = [];
  for (const directive of directives) {
    const name = knownDirective(directive.name);
    if (name === undefined) skipped.push({name: directive.name, at: directive.at});
    else checked.push(checkDirective(name, directive));
  }
  const found = new DirectiveIndex(checked);
  const settings = settingsOf(found, sections);
  checkControlsLog(settings.controls.log, source);
  return {
    settings,
    skipped,
    modules,
    moduleLines: directives.flatMap(moduleLine),
    files,
    undecided,
    get warnings() {
      return [
        ...warnings,
        ...skipped.flatMap(misspelt),
        ...checked.flatMap(surplusWords),
        ...checked.flatMap(({name, at, doubts}) =>
          doubts.map((doubt) => ({at, message: `${name}: ${doubt}`})),
        ),
        ...sections.flatMap((section) => emptyClass(section, found)),
      ];
    },
  };
}

const DEFAULTS = {
  serverName: 'ProFTPD',
  port: 21,
  maxClients: 5,
  interval: 10,
  authFreshness: 10,
} as const;

function settingsOf(found: DirectiveIndex, sections: readonly Section[]): Settings {
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
    scoreboardFile: setting(found.last('ScoreboardFile'), null),
    serverType: setting(found.last('ServerType'), 'standalone'),
    maxInstances: setting(found.last('MaxInstances'), null),
    allowLogSymlinks: setting(
      found.first('AllowLogSymlinks', main) ?? found.firstGlobal('AllowLogSymlinks'),
      false,
    ),
  };
}

function serverSettings(found: DirectiveIndex, section: Section): ServerSettings {
  const {kind, args, at} = section;
  return {
    name: setting(found.last('ServerName', section), DEFAULTS.serverName),
    addresses:
      kind === 'VirtualHost'
        ? {value: parseAt(at, '<VirtualHost>', () => args.map(address)), at}
        : setting(found.last('DefaultAddress'), []),
    port: setting(found.last('Port', section) ?? found.firstGlobal('Port'), DEFAULTS.port),
    engine: setting(found.first('MessageEngine', section) ?? found.firstGlobal('MessageEngine'), false),
  };
}

function classSettings(found: DirectiveIndex, section: Section): ClassSettings {
  return {
    name: section.args[0]!,
    satisfy: found.last('Satisfy', section)?.value ?? 'any',
    rules: found.all('From', section).flatMap(({value}) => value),
  };
}

function setting<T>(found: {readonly value: T; readonly at: Location} | undefined, otherwise: T): Setting<T> {
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

function emptyClass(section: Section, found: DirectiveIndex): ConfigWarning[] {
  if (section.kind !== 'Class' || classSettings(found, section).rules.length > 0) return [];
  return [{at: section.at, message: `<Class ${section.args[0]}> is empty: nobody belongs to it`}];
}

function moduleLine({name, args: [value], at}: Directive): ModuleLine[] {
  const kind = MODULE_DIRECTIVES.get(name.toLowerCase());
  return kind === undefined || value === undefined ? [] : [{kind, value, at}];
}

const MODULE_DIRECTIVES: ReadonlyMap<string, ModuleLine['kind']> = new Map([
  ['loadmodule', 'load'],
  ['modulepath', 'path'],
]);

/** ProFTPD opens this log while it reads, and does not start when it cannot (measured). */
function checkControlsLog({value: path, at}: Setting<string | null>, source: ConfigSource): void {
  if (path === null) return;
  const directory = posix.dirname(path);
  if (source.kind(path) === 'directory')
    throw new ConfigError(at!, `ControlsLog: ${quoted(path)} is a directory`);
  if (source.kind(directory) === 'missing') {
    throw new ConfigError(at!, `ControlsLog: no such directory: ${quoted(directory)}`);
  }
}

/** The directives that were found, by name and by the section they stand in. */
class DirectiveIndex {
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

  /** Every directive that decides who may do something, in file order. */
  acls(): AclRule[] {
    return this.#checked.flatMap(({name, value, at, text, surplus}): AclRule[] => {
      const origin = {at, text, surplus};
      if (name === 'ControlsSocketACL') {
        return [{...(value as AclValue), actions: [], directive: name, ...origin}];
      }
      if (isAclDirective(name)) return [{...(value as ActionAclValue), directive: name, ...origin}];
      return [];
    });
  }
}

/** Whether a directive sets the ACLs of actions. */
function isAclDirective(name: DirectiveName): name is AclDirective {
  return name in ACL_SCOPES;
}
