import {didYouMean} from '../completion/suggest.ts';
import {globalFlags} from './globalFlags.ts';
import {UsageError} from './usageError.ts';

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
}

/** What may stand before any command: the base command's flags, and those that are no command's. */
const GLOBAL_OPTIONS: readonly GlobalOption[] = [
  {long: 'help', short: 'h', takesValue: false},
  {long: 'version', takesValue: false},
  ...Object.entries(globalFlags).map(([long, {char, type}]) => ({
    long,
    short: char,
    takesValue: type === 'option',
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

/** Of an option given twice the last counts, as with getopt: an alias may name a socket, and `-s` another. */
function lastOfEach(options: readonly string[]): string[] {
  return [...new Map(options.map((option) => [splitOnce(option, '=')[0], option])).values()];
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
  if (value === undefined) throw new UsageError(`${option} needs a value`);
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
