import {FtpdctlError} from '../errors.ts';

/** A machine as OpenSSH takes it. */
export interface Host {
  /** As it was written, and as everything that is told of it names it: `[USER@]HOST[:PORT]`. */
  readonly name: string;
  readonly user?: string;
  /** A name of `~/.ssh/config`, of the DNS, or an address. */
  readonly host: string;
  readonly port?: number;
}

/** What `@NAME` stands for: the text of a selection; `undefined` where there is no such group. */
export type Groups = ReadonlyMap<string, string>;

/** Hosts of one selection; compared before any of them is made. */
const MAX_HOSTS = 10_000;
/** Groups in groups in groups. */
const MAX_DEPTH = 20;

/** A selection that means nothing: exit status 3, as for wrong parameters. */
export class HostsError extends FtpdctlError {
  override readonly name = 'HostsError';

  constructor(message: string, hint?: string) {
    super('HOSTS', message, 3, hint === undefined ? {} : {hint});
  }
}

/**
 * The hosts of a selection, each once, in the order they are first named: hosts and groups, separated by commas or white
 * space. `ftp[01-40]`, `r[1-2]n[1,3-5]`, `n[0-10/2]`, `dave@ftp01:2222`, `[2001:db8::1]:22`, `@GROUP`, and `@*` for the
 * hosts of every group, as ClusterShell writes them.
 * @throws HostsError
 */
export function parseHosts(selection: string, groups: Groups = new Map()): Host[] {
  return [...new Map(namesIn(selection, groups, []).map((name) => [name, parseHost(name)])).values()];
}

/** Those of the selection that the other one does not mean; whose user or port it leaves out, with any. */
export function withoutHosts(hosts: readonly Host[], excluded: readonly Host[]): Host[] {
  return hosts.filter((host) =>
    excluded.every(
      (other) =>
        other.host !== host.host ||
        (other.user !== undefined && other.user !== host.user) ||
        (other.port !== undefined && other.port !== host.port),
    ),
  );
}

/** @param path the groups that led here */
function namesIn(selection: string, groups: Groups, path: readonly string[]): string[] {
  const names = new Set<string>();
  for (const word of wordsIn(selection)) {
    for (const name of expandWord(word, groups, path)) {
      names.add(name);
      if (names.size > MAX_HOSTS) throw tooMany(selection);
    }
  }
  return [...names];
}

function expandWord(word: string, groups: Groups, path: readonly string[]): readonly string[] {
  const names = expandRanges(word);
  if (!word.startsWith('@')) return names;
  return names.flatMap((name) => {
    const group = name.slice(1);
    if (path.includes(group) || path.length > MAX_DEPTH)
      throw new HostsError(`the group @${group} is part of itself: ${[...path, group].join(', ')}`);
    return namesIn(groupOf(group, groups), groups, [...path, group]);
  });
}

function groupOf(name: string, groups: Groups): string {
  const hosts = groups.get(name);
  if (hosts !== undefined) return hosts;
  if (name === '*') return [...groups.keys()].map((group) => `@${group}`).join(' ');
  const known = [...groups.keys()].map((group) => `@${group}`).join(', ');
  throw new HostsError(
    `there is no group @${name}`,
    known === ''
      ? 'a line "NAME: HOSTS" in ~/.config/ftpdctl/hosts or /etc/ftpdctl/hosts makes one'
      : `there are: ${known}`,
  );
}

/** Words are separated by commas and white space, but not within brackets; what is not closed is all one word. */
function wordsIn(selection: string): string[] {
  return selection.match(/(?:\[[^\][]*\]|[^\s,[])+(?:\[\S*)?|\[\S*/g) ?? [];
}

/** What brackets hold of an IPv6 address is no range. */
const RANGES = /\[([^\]:]*)\]/;

function expandRanges(word: string): readonly string[] {
  const found = RANGES.exec(word);
  if (found === null) return [word];
  const before = word.slice(0, found.index);
  const rest = expandRanges(word.slice(found.index + found[0].length));
  const numbers = numbersIn(found[1]!, word);
  if (numbers.length * rest.length > MAX_HOSTS) throw tooMany(word);
  return numbers.flatMap((number) => rest.map((after) => `${before}${number}${after}`));
}

/** `01-40`, `1,3-5`, `0-10/2`; the zeros before the first number count. */
function numbersIn(ranges: string, word: string): string[] {
  const numbers: string[] = [];
  for (const range of ranges.split(',')) {
    const [, first, last = first, step = '1'] =
      /^(\d{1,9})(?:-(\d{1,9})(?:\/(\d{1,9}))?)?$/.exec(range) ?? [];
    if (first === undefined || Number(step) === 0 || Number(last) < Number(first))
      throw new HostsError(`${quoted(word)}: "${range}" is no range`, 'for example ftp[01-40] or n[1,3-5]');
    const count = Math.floor((Number(last) - Number(first)) / Number(step)) + 1;
    if (numbers.length + count > MAX_HOSTS) throw tooMany(word);
    const width = first.startsWith('0') ? first.length : 0;
    for (let at = 0; at < count; at += 1)
      numbers.push(String(Number(first) + at * Number(step)).padStart(width, '0'));
  }
  return numbers;
}

function tooMany(selection: string): HostsError {
  return new HostsError(`${quoted(selection)} means more than ${MAX_HOSTS} hosts`);
}

/** What ssh could take for an option, a shell for more than a word, or nobody for a name, is no part of one. */
const HOST =
  /^(?:(?<user>[^\s@:'"`$;&|<>(){}[\]*?!#~-][^\s:'"`$;&|<>(){}[\]*?!#~]*)@)?(?<address>[\w.%:[\]-]+)$/u;
const NAME_AND_PORT = /^(?<host>[\w.][\w.-]*)(?::(?<port>\d{1,5}))?$/;
const IPV6 =
  /^(?:\[(?<bracketed>[\da-f:.]*:[\da-f:.]*(?:%[\w.-]+)?)\](?::(?<port>\d{1,5}))?|(?<bare>[\da-f.]*:[\da-f.]*:[\da-f:.]*(?:%[\w.-]+)?))$/i;
const MAX_PORT = 65_535;

/** @throws HostsError */
function parseHost(name: string): Host {
  const {user, address = ''} = HOST.exec(name)?.groups ?? {};
  const parts = (NAME_AND_PORT.exec(address) ?? IPV6.exec(address))?.groups ?? {};
  const host = parts['host'] ?? parts['bracketed'] ?? parts['bare'];
  const port = parts['port'] === undefined ? undefined : Number(parts['port']);
  if (host === undefined) throw new HostsError(`${quoted(name)} is no host`, whyNoHost(name));
  if (port !== undefined && (port === 0 || port > MAX_PORT))
    throw new HostsError(`${quoted(name)}: there is no port ${port}`);
  return {name, host, ...(user === undefined ? {} : {user}), ...(port === undefined ? {} : {port})};
}

function whyNoHost(name: string): string {
  return /^-|@-/.test(name)
    ? 'ssh would take it for an option'
    : 'for example ftp01, dave@ftp01:2222, ftp[01-40] or @group';
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/**
 * Names in as few words as ranges make of them, which `parseHosts` takes apart again: `ftp01`, `ftp02`, `web` become
 * `ftp[01-02],web`. In the order of the first of each.
 */
export function foldHosts(names: readonly string[]): string {
  return foldedNames(names).join(',');
}

/** The same as words. */
function foldedNames(names: readonly string[]): string[] {
  let words: Word[] = [...new Set(names)].map((name) => ({name, parts: partsOf(name)}));
  const places = Math.max(0, ...words.map(({parts}) => parts.length));
  // The last number of a name counts fastest.
  for (let place = places - 1; place > 0; place -= 1) if (place % 2 === 1) words = foldAt(words, place);
  return words.map(({parts}) => parts.join(''));
}

/** A name, or several, in parts: what stands before the first number, the number or its ranges, what stands after it … */
interface Word {
  readonly name: string;
  readonly parts: readonly string[];
}

/** An address of IPv6 has brackets, and digits that are no decimals. */
function partsOf(name: string): string[] {
  return (name.match(/:/g)?.length ?? 0) > 1 ? [name] : name.split(/(?<!\d)(\d{1,9})(?!\d)/);
}

function foldAt(words: readonly Word[], place: number): Word[] {
  const alike = new Map<string, Word[]>();
  for (const word of words) {
    const number = word.parts[place];
    const key =
      number === undefined
        ? word.name
        : JSON.stringify(word.parts.map((part, at) => (at === place ? 0 : part)));
    const some = alike.get(key);
    if (some) some.push(word);
    else alike.set(key, [word]);
  }
  return [...alike.values()].map((some) => {
    const [first] = some;
    if (some.length === 1) return first!;
    const ranges = rangesOf(some.map(({parts}) => parts[place]!));
    return {...first!, parts: first!.parts.map((part, at) => (at === place ? `[${ranges}]` : part))};
  });
}

/** `01-03,07`. */
function rangesOf(numbers: readonly string[]): string {
  const sorted = [...numbers].sort((a, b) => Number(a) - Number(b) || a.length - b.length);
  const ranges: [string, string][] = [];
  // Those that end at the number before: of several widths there may be several.
  let ending: [string, string][] = [];
  let next: [string, string][] = [];
  for (const [at, number] of sorted.entries()) {
    if (Number(number) !== Number(sorted[at - 1])) {
      ending = Number(number) === Number(sorted[at - 1]) + 1 ? next : [];
      next = [];
    }
    const open = ending.find(([, last]) => follows(last, number));
    const range = open ?? [number, number];
    range[1] = number;
    if (!open) ranges.push(range);
    next.push(range);
  }
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
}

/** Whether a range that begins with as many zeros goes on with it. */
function follows(last: string, next: string): boolean {
  return next === String(Number(next)).padStart(last.startsWith('0') ? last.length : 0, '0');
}
