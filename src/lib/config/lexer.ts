import {ConfigError, type Location, quoted} from './errors.ts';

/** One directive's worth of text: continuation lines joined, comments still in it. */
export interface LogicalLine {
  readonly text: string;
  /** The last physical line of it: that is the number ProFTPD reports (measured). */
  readonly line: number;
  /** A NUL byte ended it: ProFTPD loses the rest of that physical line. */
  readonly truncated: boolean;
}

/**
 * Joins continuation lines as ProFTPD does (measured on 1.3.8): a backslash counts only as the very last
 * character of a line (so not before `\r` or a space), is removed with the line end, and nothing is put in
 * its place. A comment line that ends in a backslash counts for nothing.
 */
export function* logicalLines(text: string): Generator<LogicalLine> {
  let pending = '';
  let truncated = false;
  const physical = text.split('\n');
  for (const [index, whole] of physical.entries()) {
    const nul = whole.indexOf('\0');
    const line = nul === -1 ? whole : whole.slice(0, nul);
    const continued = line.endsWith('\\');
    const body = continued ? line.slice(0, -1) : line.replace(/\r+$/, '');
    truncated ||= nul !== -1;
    if (!(continued && COMMENT_LINE.test(body))) pending += body;
    if (continued && index < physical.length - 1) continue;
    yield {text: pending, line: index + 1, truncated};
    pending = '';
    truncated = false;
  }
}

const COMMENT_LINE = /^[ \t\v\f\r]*#/;

/** A quoted word, closed or running to the end of the line; or a word up to the next white space. */
const WORD = /[ \t\v\f\r]*(?:"((?:\\.|[^"\\])*)\\?"?|([^ \t\v\f\r]+))/gsy;

const ENVIRONMENT = /%\{env:([^}]+)\}/g;

/**
 * The words of a logical line (measured on 1.3.8): split at white space; a word that begins with `"` runs to
 * the next `"`, and only in it a backslash makes the next character literal; a word that begins with `#`
 * ends the line. `%{env:NAME}` is replaced inside words, so its value is never split; unset means empty.
 */
export function words(text: string, env: (name: string) => string | undefined): string[] {
  const found: string[] = [];
  for (const [, quoted, bare] of text.matchAll(WORD)) {
    if (bare?.startsWith('#')) break;
    const word = bare ?? quoted!.replace(/\\(.)/gs, '$1');
    found.push(word.replace(ENVIRONMENT, (_, name: string) => env(name) ?? ''));
  }
  return found;
}

/** A word as it may stand in a file: `words` takes the quotes and backslashes off again. */
export function quoteWord(word: string): string {
  return /^[^ \t\n\v\f\r"\\#][^ \t\n\v\f\r"\\]*$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}

/** A line with its first word taken apart: `<Name …>`, `</Name>` or `Name …`. */
export interface Statement {
  readonly form: 'open' | 'close' | 'directive';
  readonly name: string;
  readonly args: readonly string[];
  readonly at: Location;
}

/** No directive of any module has other characters; `MessageEngine=on` and `MessageEngine: on` are slips. */
const DIRECTIVE_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Takes the words of a line apart. @throws ConfigError */
export function takeApart(found: readonly [string, ...string[]], at: Location): Statement {
  const [first, ...rest] = found;
  if (!first.startsWith('<')) {
    if (!DIRECTIVE_NAME.test(first)) {
      throw new ConfigError(at, `expected the name of a directive, found ${quoted(first)}`);
    }
    return {form: 'directive', name: first, args: rest, at};
  }
  const form = first.startsWith('</') ? 'close' : 'open';
  let inside = first.slice(form === 'close' ? 2 : 1);
  let args = rest;
  if (inside.endsWith('>')) {
    inside = inside.slice(0, -1);
  } else {
    const last = rest.at(-1);
    if (!last?.endsWith('>'))
      throw new ConfigError(at, `expected '>' at the end of the line that begins with ${quoted(first)}`);
    args = last === '>' ? rest.slice(0, -1) : [...rest.slice(0, -1), last.slice(0, -1)];
  }
  if (!DIRECTIVE_NAME.test(inside)) {
    throw new ConfigError(
      at,
      `expected the name of a section right after '${form === 'close' ? '</' : '<'}'`,
    );
  }
  return {form, name: inside, args, at};
}
