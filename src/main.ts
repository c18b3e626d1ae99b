import {fileURLToPath} from 'node:url';
import pjson from '../package.json' with {type: 'json'};
import {LOADERS} from './commands.ts';
import {type CommandLine, parseCommandLine} from './lib/cli/options/argv.ts';
import type {BaseCommand} from './lib/cli/options/baseCommand.ts';
import {isFleetOption} from './lib/cli/options/flags.ts';
import {didYouMean, UsageError} from './lib/cli/options/usageError.ts';
import {reportFailure} from './lib/cli/output/failure.ts';
import {printJson, watchOutput} from './lib/cli/output/output.ts';
import {canAsk} from './lib/cli/prompt/terminal.ts';

const COMMANDS: Readonly<
  Record<
    string,
    () => Promise<{default: Pick<typeof BaseCommand, 'id' | 'execute' | 'executeElsewhere' | 'flags'>}>
  >
> = LOADERS;

/** Commands of two words. */
const TOPICS = new Set(Object.keys(COMMANDS).flatMap((id) => (id.includes(':') ? [id.split(':')[0]!] : [])));

/** Topics that are control actions, too: what names no command of ours is sent. */
const ACTION_TOPICS = new Set(['ban']);

/** The action whose words name what to explain. */
const HELP = 'help';

/** Actions that may end the server, or what people need of it; `confirm.ts` knows which words do. */
const MAY_END = new Set(['down', 'restart', 'rmctrl', 'shutdown']);

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Run one command line.
 * @param argv without the interpreter and the program
 * @returns the exit status
 */
export async function main(argv: readonly string[]): Promise<number> {
  watchOutput();
  let json = argv.includes('--json');
  try {
    const line = parseCommandLine(argv);
    json = line.json;
    await dispatch(line);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportFailure(error, json);
  }
}

async function dispatch(line: CommandLine): Promise<void> {
  if (line.version) return showVersion(line);
  if (line.help || wantsHelp(line)) {
    const {showHelp} = await import('./lib/cli/options/help.ts');
    return showHelp(root, helpTopic(line));
  }
  const {id, argv} = commandOf(line);
  if (id === FORWARD && line.action !== FORWARD) await refuseSlip(line);
  const load = COMMANDS[id];
  if (!load) throw unknownCommand(id);
  const program = {version: pjson.version, root, commandIDs: Object.keys(COMMANDS)};
  if (isElsewhere(line, id)) {
    const {runElsewhere} = await import('./lib/cli/fleet/run.ts');
    return runElsewhere(id, line, load, program);
  }
  await confirmEnding(line);
  const {default: Command} = await load();
  Command.id = id;
  await Command.execute(argv, program);
}

/** Whether the line is for other machines. `hosts` says which those are, and runs here. @throws UsageError */
function isElsewhere({options}: CommandLine, id: string): boolean {
  const given = options.filter(isFleetOption);
  if (given.length === 0) return false;
  const name = given[0]!.split('=')[0];
  if (!given.some((option) => /^--hosts(?:-file)?=/.test(option)))
    throw new UsageError(`${name} counts with -H only`, 'ftpdctl -H HOSTS COMMAND; see ftpdctl hosts --help');
  return id !== 'hosts';
}

/** Who forwards what is no command of ours. */
const FORWARD = 'request';

async function refuseSlip({action, words}: CommandLine): Promise<void> {
  const actions = await import('./lib/cli/options/actions.ts');
  actions.refuseSlip(action!, words, Object.keys(COMMANDS));
}

/** @throws FtpdctlError, PromptAborted when a person would rather not */
async function confirmEnding({action, words, options}: CommandLine): Promise<void> {
  if (action === undefined || !MAY_END.has(action === FORWARD ? (words[0] ?? '') : action)) return;
  const confirm = await import('./lib/cli/options/confirm.ts');
  await confirm.confirmEnding(action === FORWARD ? words : [action, ...words], options);
}

function showVersion({json}: CommandLine): void {
  const {version} = pjson;
  const platform = `${process.platform}-${process.arch}`;
  if (json) printJson({version, platform, node: process.version, exitStatus: 0});
  else process.stdout.write(`ftpdctl/${version} ${platform} node-${process.version}\n`);
}

/** A second word that names no command of the topic before it. */
function unknownCommand(id: string): UsageError {
  const [topic, word = ''] = id.split(':');
  const known = Object.keys(COMMANDS).flatMap((other) =>
    other.startsWith(`${topic}:`) ? [other.replace(':', ' ')] : [],
  );
  return word === ''
    ? new UsageError(`${topic}: missing command`, `one of: ${known.join(', ')}`)
    : new UsageError(
        `unknown command: ${topic} ${word}`,
        didYouMean(`${topic} ${word}`, known, `one of: ${known.join(', ')}`),
      );
}

/** ProFTPD has no `up all`; its `down all` is sent by `request`. */
function meansAllServers(action: string, words: readonly string[]): boolean {
  return (action === 'up' || action === 'down') && words.length === 1 && words[0] === 'all';
}

/** `acl:check` is oclif's name for two words, and no word of ours. */
function isCommand(word: string): boolean {
  return Object.hasOwn(COMMANDS, word) && !word.includes(':');
}

/** Whether an action and the word after it name a command of two words, or should. */
function isTopic(action: string, [word]: readonly string[]): boolean {
  return TOPICS.has(action) && (!ACTION_TOPICS.has(action) || Object.hasOwn(COMMANDS, `${action}:${word}`));
}

/** Which command a line means, and its oclif argument vector. */
function commandOf({action, words, options, json}: CommandLine): {id: string; argv: string[]} {
  if (action === undefined) {
    if (canAsk({quiet: options.includes('--quiet'), json})) return {id: 'prompt', argv: [...options]};
    throw new UsageError(
      'missing required action',
      "ftpdctl --help lists our commands, ftpdctl help the server's",
    );
  }
  if (isTopic(action, words))
    return {id: `${action}:${words[0] ?? ''}`, argv: [...options, ...words.slice(1)]};
  if (isCommand(action)) return {id: action, argv: [...options, ...words]};
  const forwarded = [...options, '--', action, ...words];
  return {id: meansAllServers(action, words) ? '__allServers' : FORWARD, argv: forwarded};
}

/**
 * `msg --help`: an option among those before the first word; of an action that is no command of ours, its only word.
 * And `help msg`, which no server answers: its `help` takes no words.
 */
function wantsHelp({action, words}: CommandLine): boolean {
  if (action === undefined) return false;
  if (!(isCommand(action) || isTopic(action, words)))
    return (words.length === 1 && isHelp(words[0]!)) || (action === HELP && words.length > 0);
  const own = isTopic(action, words) ? words.slice(1) : words;
  const firstWord = own.findIndex((word) => !word.startsWith('-') || word === '--');
  const options = firstWord === -1 ? own : own.slice(0, firstWord);
  return options.some(isHelp) || isHelp(words[0] ?? '');
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

/** The words that name what is to be explained. */
function helpTopic({action, words}: CommandLine): string[] {
  if (action === undefined) return [];
  const named = words.filter((word) => !word.startsWith('-'));
  if (action === HELP && named.length > 0) return named;
  return [action, ...(isTopic(action, words) ? named.slice(0, 1) : [])];
}
