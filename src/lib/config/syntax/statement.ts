import {ConfigError} from '../errors.ts';
import type {Location} from '../location.ts';
import {quoted} from '../values/quote.ts';

/** A line with its first word taken apart: `<Name …>`, `</Name>` or `Name …`. */
export interface Statement {
  readonly form: 'open' | 'close' | 'directive';
  readonly name: string;
  readonly args: readonly string[];
  readonly at: Location;
}

/** No directive of any module has other characters; `MessageEngine=on` and `MessageEngine: on` are slips. */
const DIRECTIVE_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/**
 * Takes the words of a line apart.
 *
 * @param found at least one word
 * @throws ConfigError
 */
export function takeApart(found: readonly string[], at: Location): Statement {
  const [first = '', ...rest] = found;
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
    const last = rest.at(-1) ?? '';
    if (!last.endsWith('>'))
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
