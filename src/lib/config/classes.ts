import ipaddr from 'ipaddr.js';
import {quoted, UnexpectedValue} from './errors.ts';
import {globMatcher, isGlob} from './source.ts';
import {isIp, listItems} from './values.ts';

/** A client, as far as classes are concerned. */
export interface ClientHost {
  readonly address: string;
  /** From reverse DNS; ProFTPD puts the address in its place where there is none. */
  readonly name: string;
}

/** One item of a `From`. */
export interface ClassRule {
  readonly text: string;
  /** What it looks at. */
  readonly by: 'address' | 'name';
  readonly matches: (client: ClientHost) => boolean;
}

export interface ClassSettings {
  readonly name: string;
  /** `any` rule is enough, or `all` must hold. */
  readonly satisfy: 'any' | 'all';
  readonly rules: readonly ClassRule[];
}

/**
 * The class a client belongs to: the first in file order that takes it, as in ProFTPD, or `null` (measured
 * on 1.3.8). A negated rule takes whoever the rule itself does not: `From 10.0.0.0/8 !10.0.0.1` takes everybody.
 *
 * @param address IPv4 or IPv6, an IPv4-mapped one too
 * @param name the client's host name, where one is known
 */
export function classOf(classes: readonly ClassSettings[], address: string, name = address): string | null {
  const client = {address: ipaddr.process(address).toString(), name};
  const takes = ({satisfy, rules}: ClassSettings) =>
    satisfy === 'all'
      ? rules.every((rule) => rule.matches(client))
      : rules.some((rule) => rule.matches(client));
  return classes.find((each) => each.rules.length > 0 && takes(each))?.name ?? null;
}

/**
 * The items of one `From`: addresses, `ADDRESS/BITS`, `10.0.1.`, host names, host names with wildcards or a
 * leading dot, each with `!` before it. `all` and `none` count as the first item only, and nothing is read
 * after them (measured on 1.3.8). Addresses with wildcards are taken here, and refused by 1.3.8.
 *
 * @throws UnexpectedValue
 */
export function from(args: readonly string[]): readonly ClassRule[] {
  const items = args.flatMap(listItems).filter((item) => item !== '');
  const keyword = items.findIndex(isKeyword);
  return (keyword === -1 ? items : items.slice(0, Math.max(keyword, 1))).map(classRule);
}

/** The items that `from` takes as host names although none is like that (measured: both versions start with `From ...`). */
export function fromDoubts(args: readonly string[]): string[] {
  return from(args)
    .filter(({by, text}) => by === 'name' && !HOST_NAME.test(text))
    .map(({text}) => `${quoted(text)} is neither an address nor a host name: no client matches it`);
}

/** Wildcards among it, and a `!` before it. */
const HOST_NAME = /^!?[A-Za-z0-9._*?[\]!^-]*[A-Za-z0-9*?][A-Za-z0-9._*?[\]!^-]*$/;

function isKeyword(item: string): boolean {
  return /^(all|none)$/i.test(item);
}

function classRule(text: string): ClassRule {
  if (isKeyword(text)) return {text, by: 'address', matches: () => text.toLowerCase() === 'all'};
  if (!text.startsWith('!')) return {text, ...matcher(text)};
  const {by, matches} = matcher(text.slice(1));
  return {text, by, matches: (client) => !matches(client)};
}

type Matcher = Pick<ClassRule, 'by' | 'matches'>;

function matcher(item: string): Matcher {
  const matches = addressMatcher(item);
  return matches === null ? {by: 'name', matches: hostName(item)} : {by: 'address', matches};
}

function addressMatcher(item: string): ClassRule['matches'] | null {
  if (item.includes('/')) return network(item);
  if (isIp(item)) {
    const wanted = ipaddr.process(item).toString();
    return ({address}) => address === wanted;
  }
  if (/^[0-9]+\.([0-9]+\.){0,2}$/.test(item)) return ({address}) => address.startsWith(item);
  if (/^[0-9.*?[\]-]+$/.test(item) && isGlob(item)) {
    const matches = globMatcher(item);
    return ({address}) => matches(address);
  }
  return null;
}

/** A whole name counts in the case it is written in, one with wildcards in any (measured). */
function hostName(item: string): ClassRule['matches'] {
  const wild = isGlob(item);
  if (item === '' || (/[0-9]/.test(item) && !/[A-Za-z]/.test(item)) || item.includes(':'))
    throw unexpected(item);
  if (!wild && !item.startsWith('.')) return ({name}) => name === item;
  const matches = globMatcher(wild ? item : `*${item}`, {ignoreCase: true});
  return ({name}) => matches(name);
}

function network(item: string): ClassRule['matches'] {
  const slash = item.indexOf('/');
  const [base, bits] = [item.slice(0, slash), item.slice(slash + 1)];
  const [family, most] = base.includes(':') ? ['ipv6', 128] : ['ipv4', 32];
  if (!isIp(base) || !/^[0-9]{1,3}$/.test(bits) || Number(bits) > most) throw unexpected(item);
  const network = ipaddr.parse(base);
  return ({address}) => {
    const client = ipaddr.parse(address);
    return client.kind() === family && client.match(network, Number(bits));
  };
}

function unexpected(item: string): UnexpectedValue {
  return new UnexpectedValue(`expected an address, ADDRESS/BITS or a host name, not ${quoted(item)}`);
}
