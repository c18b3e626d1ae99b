import {posix} from 'node:path';
import type {FileFacts, FileKind} from '../tree/tree.ts';
import type {ListOptions} from './listOptions.ts';

/** One line of a listing. */
export interface Entry {
  /** As it is shown: of what the client named itself, as it was named. */
  readonly name: string;
  /** Where it is; absent: its name says so. */
  readonly path?: string;
  readonly facts: FileFacts;
  /** What a link leads to, if that was looked for and is there. */
  readonly behind?: FileFacts;
}

const SIX_MONTHS = 180 * 24 * 60 * 60 * 1000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const LETTER: Readonly<Record<FileKind, string>> = {
  file: '-',
  directory: 'd',
  link: 'l',
  fifo: 'p',
  socket: 's',
  device: 'c',
};

const isDot = (name: string | undefined): boolean => name === '.' || name === '..';

export function isHidden(name: string, {hidden}: ListOptions): boolean {
  if (!name.startsWith('.') || hidden === 'all') return false;
  return hidden === 'none' || isDot(name);
}

/** ProFTPD leaves out links to `.` and `..`: a client that follows links would go round for ever. */
export function isShown({name, facts}: Entry, options: ListOptions): boolean {
  if (isHidden(posix.basename(name), options) || isDot(facts.target)) return false;
  return options.form === 'long' || ['file', 'directory', 'link'].includes(facts.kind);
}

export function sorted(entries: readonly Entry[], options: ListOptions): readonly Entry[] {
  if (options.sorted === 'not') return entries;
  const direction = options.reversed ? -1 : 1;
  const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : Number(a.name > b.name));
  const first = (a: Entry, b: Entry): number => {
    if (options.sorted === 'size') return b.facts.size - a.facts.size;
    if (options.sorted === 'time') return seconds(b, options) - seconds(a, options);
    return 0;
  };
  return entries.toSorted((a, b) => direction * first(a, b) || byName(a, b));
}

function seconds({facts}: Entry, {time}: ListOptions): number {
  return Math.floor(facts[time].getTime() / 1000);
}

export function lineOf(entry: Entry, options: ListOptions): string {
  const {name, facts} = entry;
  if (options.form !== 'long') return `${name}${options.marked ? mark(facts, '@') : ''}`;
  const {target, behind} = {behind: facts, ...entry, target: facts.target};
  const shown = target === undefined ? name : `${name} -> ${target}`;
  return `${longForm(facts, options)} ${shown}${options.marked ? mark(behind, '') : ''}`;
}

function mark({kind, mode}: FileFacts, ofLink: string): string {
  if (kind === 'directory') return '/';
  if (kind === 'link') return ofLink;
  return kind === 'file' && (mode & 0o111) !== 0 ? '*' : '';
}

const TAB = 8;
const MAX_LINE = 79;

/** As many columns as fit, filled from above; the gaps are tabs, and the last names have none (measured). */
export function inColumns(names: readonly string[]): string[] {
  const longest = names.reduce((most, name) => Math.max(most, name.length), 0);
  const width = Math.floor(longest / TAB) + 1;
  const rows = Math.ceil(names.length / Math.max(1, Math.floor(MAX_LINE / (width * TAB))));
  return Array.from({length: rows}, (_, row) => {
    const line: string[] = [];
    for (let at = row; at < names.length; at += rows) line.push(names[at]!);
    const padded = line.slice(0, -1).map((name) => name + '\t'.repeat(width - Math.floor(name.length / TAB)));
    return padded.join('') + line.at(-1);
  });
}

/** Whoever has logged in is `ftp`, and by number what that user is on Red Hat's systems. */
function longForm(facts: FileFacts, options: ListOptions): string {
  const owner = options.numeric ? '14       50      ' : 'ftp      ftp     ';
  const size = (options.human ? humanSize(facts.size) : String(facts.size)).padStart(8);
  const time = shortTime(facts[options.time]);
  return `${permissions(facts)} ${String(facts.links).padStart(3)} ${owner} ${size} ${time}`;
}

function permissions({kind, mode}: FileFacts): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  for (const [index, [bit, letter]] of SPECIAL_BITS.entries()) {
    const place = index * 3 + 2;
    if ((mode & bit) !== 0) bits[place] = bits[place] === 'x' ? letter : letter.toUpperCase();
  }
  return `${LETTER[kind]}${bits.join('')}`;
}

/** Set-uid, set-gid and sticky, each in place of an `x`. */
const SPECIAL_BITS = [
  [0o4000, 's'],
  [0o2000, 's'],
  [0o1000, 't'],
] as const;

function humanSize(size: number): string {
  let [value, unit] = [size, 0];
  while (value >= 1024 && unit < 4) [value, unit] = [value / 1024, unit + 1];
  return unit === 0 ? String(size) : `${value.toFixed(1)}${['k', 'M', 'G', 'T'][unit - 1]}`;
}

function shortTime(time: Date): string {
  const day = `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)}`;
  const recent = Math.abs(Date.now() - time.getTime()) < SIX_MONTHS;
  return recent ? `${day} ${time.toISOString().slice(11, 16)}` : `${day}  ${time.getUTCFullYear()}`;
}
