import ipaddr from 'ipaddr.js';
import {quoted, UnexpectedValue} from './errors.ts';

const TRUE = new Set(['on', 'true', 'yes', '1']);
const FALSE = new Set(['off', 'false', 'no', '0']);

/** ProFTPD's Booleans, in any case and with nothing around them (measured: ` on`, `01` and `y` are refused). */
export function boolean(word: string): boolean {
  const lower = word.toLowerCase();
  if (TRUE.has(lower)) return true;
  if (FALSE.has(lower)) return false;
  throw new UnexpectedValue(`expected on or off (or true, false, yes, no, 1, 0), not ${quoted(word)}`);
}

const INT_MAX = 2 ** 31 - 1;

/** A number above 0, read as atoi(3) does: what follows the digits is ignored (measured: `5s` and `+3` pass). */
export function positiveNumber(word: string): number {
  const digits = /^[ \t\n\v\f\r]*\+?([0-9]+)/.exec(word)?.[1];
  const number = Number(digits ?? 0);
  if (number < 1) throw new UnexpectedValue(`expected a positive number, not ${quoted(word)}`);
  return Math.min(number, INT_MAX);
}

/** A positive number, and nothing behind it, or `none` in any case, for which `null` stands (measured). */
export function positiveNumberOrNone(word: string): number | null {
  if (word.toLowerCase() === 'none') return null;
  if (!/^[ \t\n\v\f\r]*\+?[0-9]+$/.test(word) || Number(word) < 1) {
    throw new UnexpectedValue(`expected a positive number or none, not ${quoted(word)}`);
  }
  return positiveNumber(word);
}

const MAX_PORT = 65535;

/**
 * 0 … 65535; 0 means that the server does not listen. Read as atoi(3) does: what follows the digits is ignored, and a
 * word without any is 0 (measured: both versions start with `Port {{NAME}}`).
 */
export function port(word: string): number {
  const number = Number(LEADING_NUMBER.exec(word)?.[1] ?? 0);
  if (number < 0 || number > MAX_PORT) {
    throw new UnexpectedValue(`expected a port number from 0 to ${MAX_PORT}, not ${quoted(word)}`);
  }
  return number;
}

const LEADING_NUMBER = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/;

/** What cannot be meant of a word that `port` takes. */
export function portDoubts(word: string): string[] {
  if (/^[0-9]+$/.test(word)) return [];
  const read = port(word);
  const therefore = read === 0 ? ', so the server does not listen' : '';
  return [`${quoted(word)} is not a number and is read as ${read}${therefore}`];
}

export function absolutePath(word: string): string {
  if (!word.startsWith('/')) throw new UnexpectedValue(`expected an absolute path, not ${quoted(word)}`);
  return word;
}

/** `none` is documented; the real module refuses it (measured). `null` stands for it. */
export function absolutePathOrNone(word: string): string | null {
  if (word === 'none') return null;
  if (!word.startsWith('/')) {
    throw new UnexpectedValue(`expected an absolute path or none, not ${quoted(word)}`);
  }
  return word;
}

/** `off` or `none`, for which `null` stands, or a path (measured: a relative one keeps 1.3.8 and 1.3.10 from starting). */
export function absolutePathOrOff(word: string): string | null {
  const lower = word.toLowerCase();
  if (lower === 'none' || FALSE.has(lower)) return null;
  if (!word.startsWith('/'))
    throw new UnexpectedValue(`expected an absolute path or off, not ${quoted(word)}`);
  return word;
}

/** An IP address, or a name that may have one: it is not resolved here. */
export function address(word: string): string {
  const isName = /^[A-Za-z0-9._-]+$/.test(word) && /[A-Za-z]/.test(word);
  if (!isName && !isIp(word)) {
    throw new UnexpectedValue(`expected an IP address or a host name, not ${quoted(word)}`);
  }
  return word;
}

/** A full IPv4 or IPv6 address; `10.1` and `127` are none. */
export function isIp(word: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(word) || ipaddr.IPv6.isValid(word);
}

/** The items of a `From`: commas and white space both separate; a comma with nothing before it makes an empty item. */
export function listItems(word: string): string[] {
  return splitItems(word, /()([^ \t\n\v\f\r,]*)[ \t\n\v\f\r,]?/);
}

/**
 * Splits one word of a `…ACLs` directive into its items: commas and white space both separate. A comma with
 * nothing before it makes an empty item, white space alone does not (measured on 1.3.8: `"a, b"` is two
 * actions, `"a ,b"` and `a,,b` name an action `''`, which is refused).
 *
 * Quotes count here once more (measured on 1.3.8, where `"\"u1\",u2"` lets u1 in, too): an item that begins with `"`
 * may contain white space, and ends at the next `"` or comma; only in it a backslash makes the next character literal.
 */
export function aclItems(word: string): string[] {
  return splitItems(word, /(?:"((?:\\.|[^",\\])*)\\?[",]?|([^ \t\n\v\f\r,]*)[ \t\n\v\f\r,]?)/s);
}

/** @param item matches one item, be it empty, and the separator after it, so at the very start: quoted in its first group, or bare in its second */
function splitItems(word: string, item: RegExp): string[] {
  const items: string[] = [];
  let rest = word.replace(LEADING_SPACE, '');
  while (rest !== '') {
    const [whole, quoted, bare] = item.exec(rest) as unknown as [string, string?, string?];
    items.push(bare ?? quoted!.replace(/\\(.)/gs, '$1'));
    rest = rest.slice(whole.length).replace(LEADING_SPACE, '');
  }
  return items;
}

const LEADING_SPACE = /^[ \t\n\v\f\r]+/;
