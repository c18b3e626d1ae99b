/** What the options of LIST ask for, as ProFTPD takes them; every other letter is taken and does nothing. */
export interface ListOptions {
  /** `-a`: names with a dot in front, `.` and `..` too; `-A`: without those two. */
  readonly hidden: 'none' | 'almost all' | 'all';
  /** `-1` and `-C`: names alone, one a line or side by side. `-l` takes it back. */
  readonly form: 'long' | 'names' | 'columns';
  /** `-R`, and nothing with names alone. */
  readonly recursive: boolean;
  /** `-d`: a directory's own entry. */
  readonly directory: boolean;
  /** `-F`: a mark behind the names of directories, programs and (with names alone) links. */
  readonly marked: boolean;
  /** `-L`: what a link leads to in its place. */
  readonly followed: boolean;
  /** `-n`: numbers for owner and group. */
  readonly numeric: boolean;
  /** `-h`: sizes as people write them. */
  readonly human: boolean;
  /** `-t`, `-S`, `-U`: by time, by size, not at all. `-r` turns round the first two. */
  readonly sorted: 'name' | 'time' | 'size' | 'not';
  readonly reversed: boolean;
  /** `-c`, `-u`: the time that is shown, and sorted by. */
  readonly time: 'modified' | 'changed' | 'accessed';
}

const DEFAULTS: ListOptions = {
  hidden: 'none',
  form: 'long',
  recursive: false,
  directory: false,
  marked: false,
  followed: false,
  numeric: false,
  human: false,
  sorted: 'name',
  reversed: false,
  time: 'modified',
};

const LETTERS: Readonly<Record<string, Partial<ListOptions>>> = {
  a: {hidden: 'all'},
  A: {hidden: 'almost all'},
  '1': {form: 'names'},
  C: {form: 'columns'},
  l: {form: 'long'},
  R: {recursive: true},
  d: {directory: true},
  F: {marked: true},
  L: {followed: true},
  n: {numeric: true},
  h: {human: true},
  t: {sorted: 'time'},
  S: {sorted: 'size'},
  U: {sorted: 'not'},
  r: {reversed: true},
  c: {time: 'changed'},
  u: {time: 'accessed'},
};

/** `-al -R path`: the options, and the path with every space behind the one that ends them. */
export function parseListArgument(argument: string): {options: ListOptions; path: string} {
  let options = DEFAULTS;
  let path = argument;
  for (let found = nextWord(path); found !== undefined; found = nextWord(path)) {
    for (const letter of found.letters) options = {...options, ...LETTERS[letter]};
    path = found.rest;
  }
  return {options, path};
}

/** For a path that looks like options and is there. */
export function withoutOptions(path: string): {options: ListOptions; path: string} {
  return {options: DEFAULTS, path};
}

function nextWord(argument: string): {letters: string; rest: string} | undefined {
  const found = /^-([^ \t]*)(?:[ \t]|$)/.exec(argument);
  return found === null ? undefined : {letters: found[1]!, rest: argument.slice(found[0].length)};
}
