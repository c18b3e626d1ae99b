import type {Location} from '../errors.ts';

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
export function sectionRule(name: string): SectionRule | undefined {
  return byName.get(name.toLowerCase());
}

/** What a message calls a context. */
export function showContext(kind: ContextKind): string {
  return kind === 'server' ? 'the server config' : `<${kind}>`;
}
