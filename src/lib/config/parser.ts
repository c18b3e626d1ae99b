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
 * @param modules those an `<IfModule>` finds present without a `LoadModule`
 * @throws ConfigError with the place
 */
export function parseConfig(
  source: ConfigSource,
  path: string,
  modules: Iterable<string> = PRESENT_MODULES,
): ParsedConfig {
  const parser = new Parser(source, modules);
  if (source.kind(path) !== 'file')
    throw new ConfigError({file: path}, 'expected a configuration file, found none');
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
  #section: Section;
  #skipped: Skipped | null = null;
  /** Conditions that were true and whose end is still to come: ProFTPD does not insist on one. */
  #conditions: {name: string; at: Location}[] = [];

  constructor(source: ConfigSource, modules: Iterable<string>) {
    this.#source = source;
    this.#modules = new Set(modules);
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
      throw new ConfigError(includedAt ?? {file: path}, `cannot read ${path}: ${message}`, {cause});
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
      if (name.toLowerCase() === 'loadmodule' && args[0] !== undefined) this.#modules.add(args[0]);
      this.#directives.push({name, args, at, section: this.#section, text: found.map(quoteWord).join(' ')});
    }
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
    const condition = CONDITIONS.get(name.toLowerCase());
    const rule = sectionRule(name);
    if (condition !== undefined) {
      if (args.length === 0) throw new ConfigError(at, `<${name}>: missing parameters`);
      if (isTrue(args[0]!, (word) => condition(word, this.#modules))) this.#conditions.push({name, at});
      else this.#skipped = {name, at, depth: 1};
      return;
    }
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

  #close({name, args, at}: Statement): void {
    if (CONDITIONS.has(name.toLowerCase())) {
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

/** What holds of a name in a condition. Nothing is ever defined: there is no `-D` here. */
const CONDITIONS: ReadonlyMap<string, (name: string, modules: ReadonlySet<string>) => boolean> = new Map([
  ['ifmodule', (name: string, modules: ReadonlySet<string>) => modules.has(name)],
  ['ifdefine', () => false],
]);

function isTrue(word: string, holds: (name: string) => boolean): boolean {
  return word.startsWith('!') ? !holds(word.slice(1)) : holds(word);
}

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
