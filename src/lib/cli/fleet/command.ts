import {DEFAULT_TIMEOUT} from '../../client/client.ts';
import type {SessionFilter} from '../../daemon/daemon.ts';
import {audienceOf, draftOf} from '../message/draft.ts';
import {sourceText} from '../message/send.ts';
import type {CommandLine} from '../options/argv.ts';
import {splitAtFirstWord} from '../options/argv.ts';
import {DEFAULT_FANOUT, isFleetOption, parseFanout, parseSeconds} from '../options/flags.ts';
import {UsageError} from '../options/usageError.ts';

/** Commands that make no sense on another machine. */
const HERE_ONLY: Readonly<Record<string, string>> = {
  completion: 'it prints a script for a shell of this machine',
  mock: 'it runs until it is ended; start it there',
  prompt: 'it asks at this terminal',
  serve: 'it runs until it is ended; start it there',
  __complete: 'it completes what is typed here',
};

/** Seconds that an answer of our client may take there, of those that the whole may: then its own words come in time. */
const OWN_SHARE = 0.9;

/** A command line as other machines are given it. */
export interface FleetCommand {
  /** oclif's name of the command, and its arguments, options before them, for a command of ours that is run here. */
  readonly id: string;
  readonly argv: readonly string[];
  /** The words after our client's name there, without `--json`. */
  readonly words: readonly string[];
  /** The words that show what it would do there, where a person is asked about that first. */
  readonly preview?: readonly string[];
  /** What it reads from its standard input there. */
  readonly input?: string;
  /** The text of a message. */
  readonly text?: string;
  readonly socket?: string;
  /** Whose sessions. */
  readonly filter: SessionFilter;
  readonly fanout: number;
  /** Milliseconds for each host. */
  readonly timeout: number;
  readonly sudo: boolean;
  readonly json: boolean;
  readonly yes: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/**
 * Make a command line ready for other machines: files and standard input are read, once.
 * @param id oclif's name of the command
 * @throws UsageError
 */
export async function fleetCommand(id: string, line: CommandLine, flags: Flags): Promise<FleetCommand> {
  const why = HERE_ONLY[id];
  const {action = '', options, json} = line;
  if (why !== undefined) throw new UsageError(`${action} is for this machine only: ${why}`);
  const value = (name: string) => optionValue(options, name);
  const [fanout, seconds, socket] = [value('fanout'), value('timeout'), value('socket')];
  const own = id === 'msg' ? await messageWords(line.words, flags) : {words: line.words, wait: 0};
  if (id === 'who' && own.words.some((word) => word.startsWith('--watch')))
    throw new UsageError('who: --watch is for this machine only', 'ask again and again instead');
  const timeout = seconds === undefined ? DEFAULT_TIMEOUT : parseSeconds('--timeout', seconds);
  const globals = options.filter(
    (option) =>
      !isFleetOption(option) &&
      !/^--(?:json|timeout=)/.test(option) &&
      !(id === 'who' && option === '--quiet'),
  );
  // A connection of hours is none to count on: what takes effect goes on there by itself.
  const there = id === 'drain' ? ['--detach', ...own.words] : own.words;
  const isDrain = id === 'drain' && !own.words.some((word) => /^--(?:show|cancel|dry-run)$/.test(word));
  const theirs = `--timeout=${Math.max(0.1, Math.round((timeout / 1000) * OWN_SHARE * 10) / 10)}`;
  return {
    id,
    argv: argvOf(
      id,
      action,
      own.words,
      options.filter((option) => !isFleetOption(option)),
    ),
    words: [...globals, theirs, action, ...there],
    ...(isDrain ? {preview: [...globals.filter(isNotQuiet), theirs, action, '--dry-run', ...there]} : {}),
    ...('text' in own && own.text === '-' ? {input: own.text} : {}),
    ...('text' in own ? {text: own.text} : {}),
    ...(socket === undefined ? {} : {socket}),
    filter: id === 'who' ? filterIn(own.words, flags) : {},
    fanout: fanout === undefined ? DEFAULT_FANOUT : parseFanout(fanout),
    timeout: timeout + own.wait,
    sudo: options.includes('--sudo'),
    json,
    yes: options.includes('--yes'),
    quiet: options.includes('--quiet'),
    verbose: options.includes('--verbose'),
  };
}

function isNotQuiet(option: string): boolean {
  return option !== '--quiet';
}

type Flags = Parameters<typeof splitAtFirstWord>[1];

function optionValue(options: readonly string[], name: string): string | undefined {
  const before = `--${name}=`;
  return options.find((option) => option.startsWith(before))?.slice(before.length);
}

/** The options of `who`. @throws UsageError */
function filterIn(all: readonly string[], flags: Flags): SessionFilter {
  const {options, words} = splitAtFirstWord(all, flags);
  const usage = 'ftpdctl who --user NAME, --host NAME or --class NAME';
  if (words.length > 0) throw new UsageError(`who: unexpected word "${words[0]}"`, usage);
  const value = (name: string) => {
    const at = options.lastIndexOf(`--${name}`);
    return optionValue(options, name) ?? (at === -1 ? undefined : options[at + 1]);
  };
  return {user: value('user'), host: value('host'), class: value('class')};
}

function argvOf(id: string, action: string, words: readonly string[], options: readonly string[]): string[] {
  if (id === 'request' && action !== 'request') return [...options, '--', action, ...words];
  if (id === '__allServers') return [...options, '--', action, ...words];
  return [...options, ...(id.includes(':') ? words.slice(1) : words)];
}

/** The words of `msg` with the text in place of the file, or of the dash, that it was to be read from. */
async function messageWords(
  all: readonly string[],
  flags: Flags,
): Promise<{readonly words: readonly string[]; readonly text: string; readonly wait: number}> {
  const {options, words} = splitAtFirstWord(all, flags);
  const {file, rest} = withoutFile(options);
  const draft = draftOf(words);
  const audience = audienceOf(draft);
  const text = await sourceText(draft, file);
  const wait = optionValue(rest, 'wait');
  return {
    words: [...rest, ...audience, text],
    text,
    wait: wait === undefined ? 0 : parseSeconds('--wait', wait),
  };
}

function withoutFile(options: readonly string[]): {readonly file?: string; readonly rest: readonly string[]} {
  const at = options.findIndex((option) => /^(?:-F|--file(?:=|$))/.test(option));
  if (at === -1) return {rest: options};
  const [, glued] = /^(?:-F|--file=)(.+)$/s.exec(options[at]!) ?? [];
  const file = glued ?? options[at + 1];
  if (file === undefined) throw new UsageError('-F needs a value');
  const after = options.slice(at + (glued === undefined ? 2 : 1));
  return {file, rest: [...options.slice(0, at), ...after]};
}
