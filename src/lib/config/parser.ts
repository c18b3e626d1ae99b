import {compareVersions, type ProftpdVersion, parseVersion} from '../protocol/version.ts';
import {ConfigError, type ConfigWarning, formatLocation, type Location, quoted} from './errors.ts';
import {logicalLines, quoteWord, type Statement, takeApart, words} from './lexer.ts';
import {type ConfigSource, expandGlob, isGlob} from './source.ts';

/** The sections ProFTPD's core knows, by what they are called in a message. */
export type SectionKind = 'Global' | 'VirtualHost' | 'Class' | 'Anonymous' | 'Directory' | 'Limit';

/** Where a directive may stand: in the main server's part of the file, or in a section. */
export type ContextKind = 'server' | SectionKind;

/** One section of the file, or the part outside all sections. */
export interface Section {
  readonly kind: ContextKind;
  /** The words after its name. */
  readonly args: readonly string[];
  readonly at: Location;
  readonly parent: Section | null;
}

interface SectionRule {
  readonly kind: SectionKind;
  /** Measured on 1.3.8: a `<Global>` within a `<VirtualHost>` is let through, a `<VirtualHost>` within a `<Global>` is not. */
  readonly within: readonly ContextKind[];
  /** `none`: a word after the name is an error; `some`: at least one is needed. */
  readonly words: 'none' | 'some';
}

const SECTION_RULES: readonly SectionRule[] = [
  {kind: 'Global', within: ['server', 'VirtualHost'], words: 'none'},
  {kind: 'VirtualHost', within: ['server'], words: 'some'},
  {kind: 'Class', within: ['server', 'Global'], words: 'some'},
  {kind: 'Anonymous', within: ['server', 'Global', 'VirtualHost'], words: 'some'},
  {kind: 'Directory', within: ['server', 'Global', 'VirtualHost', 'Anonymous'], words: 'some'},
  {kind: 'Limit', within: ['server', 'Global', 'VirtualHost', 'Anonymous', 'Directory'], words: 'some'},
];

const byName = new Map(SECTION_RULES.map((rule) => [rule.kind.toLowerCase(), rule]));

/** The rule of a section by its name in any case, or `undefined` for a section of some other module. */
function sectionRule(name: string): SectionRule | undefined {
  return byName.get(name.toLowerCase());
}

/** What a message calls a context. */
export function showContext(kind: ContextKind): string {
  return kind === 'server' ? 'the server config' : `<${kind}>`;
}

/** One directive as it stands in a file, sections and conditions resolved. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly section: Section;
  readonly at: Location;
  /** As written, but for comments and superfluous white space and quotes. */
  readonly text: string;
}

/** What a file, with all it includes, comes to. */
export interface ParsedConfig {
  /** In file order. */
  readonly directives: readonly Directive[];
  /** Every section opened, in file order; the first is the main server. */
  readonly sections: readonly Section[];
  readonly warnings: readonly ConfigWarning[];
  /** The modules that are loaded at its end, by name. */
  readonly modules: ReadonlySet<string>;
  /** Every file that was read, the first one first. */
  readonly files: readonly string[];
  /** In file order, without those in what was read over. */
  readonly undecided: readonly UndecidedCondition[];
}

/** What decides the conditions of a file. */
export interface Conditions {
  /** Modules that an `<IfModule>` finds present without a `LoadModule`; default: those that matter here most. */
  readonly modules?: Iterable<string> | undefined;
  /** What an `<IfVersion>` compares. */
  readonly version?: ProftpdVersion | undefined;
  /** What nobody can decide: whether such names are defined, and such versions are this one's. Default: they are not. */
  readonly assumed?: boolean;
}

/** A condition that depends on what is not known: a name that only `-D` on ProFTPD's command line may define, or a version. */
export interface UndecidedCondition {
  /** `<IfDefine TLS>` */
  readonly text: string;
  readonly kind: 'define' | 'version';
  readonly at: Location;
}

/** A section that is read over: a condition that is false, or a section nobody here knows. */
interface Skipped {
  readonly name: string;
  readonly at: Location;
  /** How many of the same name are open, itself among them; ProFTPD counts no others. */
  readonly depth: number;
}

/**
 * Reads a configuration file and all it includes into directives, as ProFTPD 1.3.8 and 1.3.10 do (measured).
 * Knows the syntax and the sections, not the directives. Deliberately stricter in one thing: an included file
 * with an error is an error (as in 1.3.10; 1.3.8 goes on without the rest of it).
 *
 * @throws ConfigError with the place
 */
export function parseConfig(source: ConfigSource, path: string, conditions: Conditions = {}): ParsedConfig {
  const parser = new Parser(source, conditions);
  const kind = source.kind(path);
  if (kind !== 'file') {
    const found = kind === 'directory' ? 'a directory' : 'none';
    throw new ConfigError({file: path}, `expected a configuration file, found ${found}`);
  }
  parser.readFile(path, []);
  return parser.finish();
}

const BYTE_ORDER_MARK = '\ufeff';

class Parser {
  readonly #source: ConfigSource;
  readonly #directives: Directive[] = [];
  readonly #sections: Section[];
  readonly #warnings: ConfigWarning[] = [];
  /** Those an `<IfModule>` finds present: a `LoadModule` adds to them, for what follows it. */
  readonly #modules: Set<string>;
  readonly #files = new Set<string>();
  /** Names that a `Define` has defined, for what follows it. */
  readonly #defined = new Set<string>();
  readonly #undecided: UndecidedCondition[] = [];
  readonly #version: ProftpdVersion | undefined;
  readonly #assumed: boolean;
  #section: Section;
  #skipped: Skipped | null = null;
  /** Conditions that were true and whose end is still to come: ProFTPD does not insist on one. */
  #conditions: {name: string; at: Location}[] = [];

  constructor(source: ConfigSource, {modules, version, assumed = false}: Conditions) {
    this.#source = source;
    this.#modules = new Set(modules ?? PRESENT_MODULES);
    this.#version = version;
    this.#assumed = assumed;
    this.#section = {kind: 'server', args: [], at: {file: '', line: 0}, parent: null};
    this.#sections = [this.#section];
  }

  finish(): ParsedConfig {
    if (this.#section.parent !== null) {
      const {kind, at} = this.#section;
      throw new ConfigError(at, `<${kind}> is not closed: expected </${kind}> before the end of the file`);
    }
    return {
      directives: this.#directives,
      sections: this.#sections,
      warnings: this.#warnings,
      modules: this.#modules,
      files: [...this.#files],
      undecided: this.#undecided,
    };
  }

  /** @param chain the files this one is included by, outermost first */
  readFile(path: string, chain: readonly Location[]): void {
    this.#files.add(path);
    const text = this.#textOf(path, chain.at(-1));
    if (text.startsWith(BYTE_ORDER_MARK)) {
      const hint = 'save the file as UTF-8 without a byte order mark';
      throw new ConfigError({file: path, line: 1}, 'expected a directive, found a byte order mark', {hint});
    }
    const outer = this.#conditions;
    this.#conditions = [];
    for (const line of logicalLines(text)) {
      const at = {file: path, line: line.line};
      if (line.truncated) this.#warn(at, 'a NUL byte: the rest of the line is ignored');
      const found = words(line.text, (name) => this.#source.env(name));
      const [first, ...rest] = found;
      if (first !== undefined) this.#statement([first, ...rest], at, chain);
    }
    if (this.#skipped !== null) {
      const {name, at} = this.#skipped;
      throw new ConfigError(at, `<${name}> is not closed: expected </${name}> before the end of the file`);
    }
    for (const {name, at} of this.#conditions)
      this.#warn(at, `<${name}> is not closed by the end of the file`);
    this.#conditions = outer;
  }

  #textOf(path: string, includedAt: Location | undefined): string {
    try {
      return this.#source.read(path);
    } catch (cause) {
      const {message} = cause as Error;
      if (includedAt === undefined)
        throw new ConfigError({file: path}, `cannot be read: ${message}`, {cause});
      throw new ConfigError(includedAt, `cannot read ${path}: ${message}`, {cause});
    }
  }

  #warn(at: Location, message: string): void {
    this.#warnings.push({at, message});
  }

  #statement(found: readonly [string, ...string[]], at: Location, chain: readonly Location[]): void {
    if (this.#skipped !== null) {
      this.#readOver(this.#skipped, found);
      return;
    }
    const statement = takeApart(found, at);
    if (statement.form === 'open') this.#open(statement);
    else if (statement.form === 'close') this.#close(statement);
    else if (statement.name.toLowerCase() === 'include') this.#include(statement, chain);
    else {
      const {name, args} = statement;
      if (args[0] !== undefined) this.#nameSet(name)?.add(args[0]);
      this.#directives.push({name, args, at, section: this.#section, text: found.map(quoteWord).join(' ')});
    }
  }

  /** What conditions ask for that a directive adds to. Measured on 1.3.8: `Define` counts in any section. */
  #nameSet(directive: string): Set<string> | undefined {
    const name = directive.toLowerCase();
    if (name === 'loadmodule') return this.#modules;
    return name === 'define' ? this.#defined : undefined;
  }

  #readOver(skipped: Skipped, [first]: readonly [string, ...string[]]): void {
    const name = skipped.name.toLowerCase();
    const word = first.toLowerCase();
    if (word === `</${name}>`) {
      this.#skipped = skipped.depth === 1 ? null : {...skipped, depth: skipped.depth - 1};
    } else if (word === `<${name}` || word === `<${name}>`) {
      this.#skipped = {...skipped, depth: skipped.depth + 1};
    }
  }

  #open({name, args, at}: Statement): void {
    if (this.#isCondition(name)) {
      if (args.length === 0) throw new ConfigError(at, `<${name}>: missing parameters`);
      if (this.#holds(name, args, at)) this.#conditions.push({name, at});
      else this.#skipped = {name, at, depth: 1};
      return;
    }
    const rule = sectionRule(name);
    if (rule === undefined) {
      this.#warn(at, `<${name}> is of no module known here: all of it is skipped`);
      this.#skipped = {name, at, depth: 1};
      return;
    }
    if (!rule.within.includes(this.#section.kind)) {
      throw new ConfigError(at, `<${rule.kind}> is not allowed in ${showContext(this.#section.kind)}`);
    }
    if (rule.words === 'none' && args.length > 0) {
      throw tooMany(`<${rule.kind}>`, at);
    }
    if (rule.words === 'some' && args.length === 0)
      throw new ConfigError(at, `<${rule.kind}>: missing parameters`);
    this.#section = {kind: rule.kind, args, at, parent: this.#section};
    this.#sections.push(this.#section);
  }

  /** mod_ifversion, where it is loaded, brings its own. */
  #isCondition(name: string): boolean {
    const word = name.toLowerCase();
    return word === 'ifversion' ? this.#modules.has('mod_ifversion.c') : CONDITIONS.has(word);
  }

  #holds(name: string, args: readonly string[], at: Location): boolean {
    const [word] = args as [string];
    const isNegated = word.startsWith('!');
    const rest = isNegated ? word.slice(1) : word;
    switch (name.toLowerCase()) {
      case 'ifmodule':
        return this.#modules.has(rest) !== isNegated;
      case 'ifdefine':
        if (this.#defined.has(rest)) return !isNegated;
        return this.#assume({text: `<${name} ${word}>`, kind: 'define', at}) !== isNegated;
      default: {
        const holds = this.#version && versionHolds(args, this.#version);
        return holds ?? this.#assume({text: `<${name} ${args.join(' ')}>`, kind: 'version', at});
      }
    }
  }

  #assume(condition: UndecidedCondition): boolean {
    this.#undecided.push(condition);
    if (condition.kind === 'version')
      this.#warn(
        condition.at,
        `${condition.text}: nobody can say whether it holds: taken for ${this.#assumed ? 'true' : 'false'}`,
      );
    return this.#assumed;
  }

  #close({name, args, at}: Statement): void {
    if (this.#isCondition(name)) {
      // Measured on 1.3.8: a word after </IfDefine is let through, and so is one where the inside is skipped.
      if (args.length > 0 && name.toLowerCase() === 'ifmodule') throw tooMany(`</${name}>`, at);
      const index = this.#conditions.findLastIndex((open) => open.name.toLowerCase() === name.toLowerCase());
      if (index === -1) this.#warn(at, `</${name}> without a <${name}>`);
      else this.#conditions.splice(index, 1);
      return;
    }
    if (args.length > 0) throw tooMany(`</${name}>`, at);
    const {kind, parent} = this.#section;
    if (parent === null) throw new ConfigError(at, `</${name}> without a <${name}>`);
    if (kind.toLowerCase() !== name.toLowerCase()) {
      throw new ConfigError(
        at,
        `expected </${kind}> (opened at ${formatLocation(this.#section.at)}), found </${name}>`,
      );
    }
    this.#section = parent;
  }

  #include({args, at}: Statement, chain: readonly Location[]): void {
    const path = args[0];
    if (path === undefined) throw new ConfigError(at, 'Include: missing parameters');
    if (!path.startsWith('/'))
      throw new ConfigError(at, `Include: expected an absolute path, not ${quoted(path)}`);
    const paths = this.#includedBy(path, at);
    const inner = [...chain, at];
    for (const file of paths) {
      if (inner.some((outer) => outer.file === file))
        throw new ConfigError(at, `Include: ${file} would include itself`);
      this.readFile(file, inner);
    }
  }

  /** Every file of a directory (those with a leading dot too), every match of a pattern, or the file. */
  #includedBy(path: string, at: Location): string[] {
    const source = this.#source;
    const files = (paths: string[]) => paths.filter((each) => source.kind(each) === 'file');
    try {
      if (isGlob(path)) return files(expandGlob(path, source));
      const kind = source.kind(path);
      if (kind === 'directory') {
        const directory = path.replace(/\/+$/, '');
        return files([...source.list(path)].sort().map((name) => `${directory}/${name}`));
      }
      if (kind === 'missing') this.#warn(at, `Include: no such file: ${path}`);
      return kind === 'file' ? [path] : [];
    } catch (cause) {
      const {message} = cause as Error;
      throw new ConfigError(at, `Include: cannot read ${path}: ${message}`, {cause});
    }
  }
}

function tooMany(what: string, at: Location): ConfigError {
  return new ConfigError(at, `${what}: too many parameters, expected none`);
}

/** `<IfVersion>` is one where its module is loaded. */
const CONDITIONS: ReadonlySet<string> = new Set(['ifmodule', 'ifdefine']);

/**
 * Whether an `<IfVersion>` holds, by the documentation of mod_ifversion and as measured on 1.3.8.
 *
 * @param args `>= 1.3.9`, `!< 1.3.9`, `1.3.8`, …
 * @returns `undefined` for what is not decided here: regular expressions; and a maintenance release's letter where all else
 *   is equal (measured: 1.3.8 is neither above nor below 1.3.8a)
 */
function versionHolds(args: readonly string[], version: ProftpdVersion): boolean | undefined {
  const [operator, written] = args.length === 1 ? ['=', args[0]!] : (args as [string, string]);
  const isNegated = operator.startsWith('!');
  const holds = COMPARISONS.get(isNegated ? operator.slice(1) : operator);
  const [, numbers, suffix = ''] = /^(\d+(?:\.\d+){0,2})(\D.*)?$/.exec(written) ?? [];
  if (holds === undefined || numbers === undefined || args.length > 2) return undefined;
  const other = parseVersion(`${[...numbers.split('.'), '0', '0'].slice(0, 3).join('.')}${suffix}`);
  if (other === undefined) return undefined;
  const order = compareVersions(version, other);
  const isSameNumber = version.numbers.every((number, index) => number === other.numbers[index]);
  if (isSameNumber && order !== 0 && (version.stage > 0 || other.stage > 0)) return undefined;
  return holds(order) !== isNegated;
}

/** Of what `compareVersions` says. */
const COMPARISONS: ReadonlyMap<string, (order: number) => boolean> = new Map([
  ['=', (order: number) => order === 0],
  ['==', (order: number) => order === 0],
  ['>', (order: number) => order > 0],
  ['>=', (order: number) => order >= 0],
  ['<', (order: number) => order < 0],
  ['<=', (order: number) => order <= 0],
]);

/**
 * The modules an `<IfModule>` finds present without a `LoadModule`: mod_dso, which has that directive; those that
 * matter here most, and those that are part of every ProFTPD 1.3.8 (`proftpd -l`, less the ones that depend on the build). Names are compared as they
 * are, with `.c` and in this case (measured: `mod_msg` and `MOD_MSG.C` are absent).
 */
const PRESENT_MODULES: ReadonlySet<string> = new Set([
  'mod_core.c',
  'mod_xfer.c',
  'mod_rlimit.c',
  'mod_auth_unix.c',
  'mod_auth_file.c',
  'mod_auth.c',
  'mod_ls.c',
  'mod_log.c',
  'mod_site.c',
  'mod_delay.c',
  'mod_facts.c',
  'mod_dso.c',
  'mod_ctrls.c',
  'mod_ctrls_admin.c',
  'mod_msg.c',
]);
