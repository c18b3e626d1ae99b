import {globalFlags} from './flags.ts';
import {didYouMean, UsageError} from './usageError.ts';

/** The command line, taken apart: options stand before the action, as POSIX says. */
export interface CommandLine {
  /** The options, each once, in its long form with `=` where it takes a value. */
  readonly options: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
  readonly json: boolean;
  /** The first word: one of our commands or a control action. */
  readonly action: string | undefined;
  /** Everything after the action belongs to it, dashes and all. */
  readonly words: readonly string[];
}

interface GlobalOption {
  readonly long: string;
  readonly short?: string | undefined;
  readonly takesValue: boolean;
  /** Given again, it adds to what it said before. */
  readonly joins: boolean;
}

/** What may stand before any command: the base command's flags, and those that are no command's. */
const GLOBAL_OPTIONS: readonly GlobalOption[] = [
  {long: 'help', short: 'h', takesValue: false, joins: false},
  {long: 'version', takesValue: false, joins: false},
  ...Object.entries(globalFlags).map(([long, flag]) => ({
    long,
    short: flag.char,
    takesValue: flag.type === 'option',
    joins: 'joins' in flag,
  })),
];

/** @throws UsageError for an unknown option or a missing value. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const options: string[] = [];
  const queue = [...argv];
  while (queue.length > 0 && queue[0]!.startsWith('-') && queue[0] !== '-') {
    const token = queue.shift()!;
    if (token === '--') break;
    options.push(...(token.startsWith('--') ? longOption(token, queue) : shortOptions(token, queue)));
  }
  const [action, ...words] = queue;
  return {
    options: lastOfEach(options).filter((option) => option !== '--help' && option !== '--version'),
    help: options.includes('--help'),
    version: options.includes('--version'),
    json: options.includes('--json'),
    action,
    words,
  };
}

/**
 * Of an option given twice the last counts, as with getopt: an alias may name a socket, and `-s` another. Hosts are added
 * to those before.
 */
function lastOfEach(options: readonly string[]): string[] {
  const each = new Map<string, string>();
  for (const option of options) {
    const [name, value] = splitOnce(option, '=');
    const before = each.get(name);
    const joins = GLOBAL_OPTIONS.some(({long, joins}) => joins && name === `--${long}`);
    each.set(name, joins && before !== undefined ? `${before},${value}` : option);
  }
  return [...each.values()];
}

function longOption(token: string, queue: string[]): string[] {
  const [name, value] = splitOnce(token.slice(2), '=');
  const option = GLOBAL_OPTIONS.find(({long}) => long === name);
  if (!option) throw unknownOption(`--${name}`);
  if (!option.takesValue) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`);
    return [`--${name}`];
  }
  return [`--${name}=${value ?? nextValue(`--${name}`, queue)}`];
}

/** `-v`, `-qv`, `-s PATH`, `-sPATH`, as getopt reads them. */
function shortOptions(token: string, queue: string[]): string[] {
  const options: string[] = [];
  for (let i = 1; i < token.length; i++) {
    const option = GLOBAL_OPTIONS.find(({short}) => short === token[i]);
    if (!option) throw unknownOption(`-${token[i]}`);
    if (option.takesValue) {
      const glued = token.slice(i + 1);
      return [...options, `--${option.long}=${glued || nextValue(`-${option.short}`, queue)}`];
    }
    options.push(`--${option.long}`);
  }
  return options;
}

function nextValue(option: string, queue: string[]): string {
  const value = queue.shift();
  if (value === undefined) throw new UsageError(`${option} needs a value`, 'see ftpdctl --help');
  return value;
}

function unknownOption(option: string): UsageError {
  return new UsageError(
    `unknown option: ${option}`,
    didYouMean(
      option,
      GLOBAL_OPTIONS.map(({long}) => `--${long}`),
      "ftpdctl --help lists those that stand before the command; a command's own stand after its name",
    ),
  );
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** The part of an oclif flag definition that says whether it takes a value. */
interface FlagShape {
  readonly type: string;
  readonly char?: string | undefined;
  /** What the option stands for alone, where its value may be left out; a value then follows `=` only. */
  readonly bare?: string | undefined;
}

/**
 * Part a command's own options from its words: they end where the first word begins, and every word belongs to the
 * action, dashes and all (`msg user dave please use --passive`).
 */
export function splitAtFirstWord(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
): {options: string[]; words: string[]} {
  const options: string[] = [];
  let at = 0;
  while (at < argv.length && isOption(argv[at]!)) {
    if (argv[at] === '--') return {options, words: argv.slice(at + 1)};
    const end = at + (takesNext(argv[at]!, flags) ? 2 : 1);
    options.push(withValue(argv[at]!, flags), ...argv.slice(at + 1, end));
    at = end;
  }
  return {options, words: argv.slice(at)};
}

/** oclif knows no values that may be left out: `--wait` becomes `--wait=60`. */
function withValue(token: string, flags: Readonly<Record<string, FlagShape>>): string {
  const bare = token.startsWith('--') ? flags[token.slice(2)]?.bare : undefined;
  return bare === undefined ? token : `${token}=${bare}`;
}

/** A lone dash is a word: standard input. */
function isOption(token: string): boolean {
  return token.startsWith('-') && token !== '-';
}

function takesNext(token: string, flags: Readonly<Record<string, FlagShape>>): boolean {
  if (token.startsWith('--')) {
    const flag = flags[token.slice(2)];
    return flag?.type === 'option' && flag.bare === undefined;
  }
  const flag = Object.values(flags).find(({char}) => char === token[1]);
  return flag?.type === 'option' && token.length === 2;
}
