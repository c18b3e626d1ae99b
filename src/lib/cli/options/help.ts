import type {Command} from '@oclif/core/command';
import {Config} from '@oclif/core/config';
import {CommandHelp, Help} from '@oclif/core/help';
import type {Topic} from '@oclif/core/interfaces';
import {KNOWN_ACTIONS} from '../../config/aclRule.ts';
import {actionHelp} from './actions.ts';
import {FLEET_GROUP} from './flags.ts';
import {didYouMean, UsageError} from './usageError.ts';

/** Columns and rows of a screen where no terminal says its own. */
const COLUMNS = 80;
const ROWS = 24;
/** Narrower than this, and columns of text are no columns any more. */
const MIN_COLUMNS = 40;
/** By so much oclif oversteps the width it is given, where a list has no room for two columns. */
const OVERHANG = 2;

const USAGE = 'ftpdctl [OPTION...] COMMAND [WORD...]: a control client for every ProFTPD';
const EXAMPLES = ['ftpdctl -s /run/proftpd.sock msg user dave please delete some files'];
const FORWARDED = 'Any other word is sent to the server as a control action: see ftpdctl help.';
/** Of the options that stand before every command, those that the program's help explains where the screen has room. */
const EXPLAINED = ['hosts', 'socket'];
const WHERE_ACTIONS_ARE =
  'Which actions a server has: ftpdctl help. The commands and options: ftpdctl --help';

/**
 * Show the help of a command, of a topic, of a control action, or of the program.
 * @param topic the words that name it
 * @throws UsageError when nothing is known of them
 */
export async function showHelp(root: string, topic: string[]): Promise<void> {
  // oclif asks the account database for what the environment does not say, and a uid need not be in it.
  process.env['HOME'] ||= '/';
  process.env['SHELL'] ??= '';
  const config = new OwnConfig({root, userPlugins: false, devPlugins: false});
  await config.load();
  const help = new ScreenHelp(config, {maxWidth: columns()});
  const [first] = topic;
  const isTopic = first !== undefined && config.findTopic(first) && !config.findCommand(first);
  if (isTopic && topic.length === 1 && KNOWN_ACTIONS.includes(first)) return help.showAction(first);
  if (first === undefined || config.findCommand(topic.join(':')) || config.findTopic(topic.join(':')))
    return help.showHelp(topic);
  if (config.findCommand(first)) return help.showHelp([first]);
  if (!config.findTopic(first)) return help.showAction(first);
  const ours = config.commandIDs.map((id) => id.replaceAll(':', ' '));
  throw new UsageError(
    `"${topic.join(' ')}" is not a command of ftpdctl`,
    didYouMean(topic.join(' '), ours, `ftpdctl ${first} --help lists those there are`),
  );
}

/**
 * oclif loads plugins that `$XDG_DATA_HOME/ftpdctl/package.json` names, and a theme from the configuration directory.
 * We have neither, and under `sudo` those directories may be another user's.
 */
class OwnConfig extends Config {
  override async loadTheme(): Promise<undefined> {}
}

/** Room for a line: `COLUMNS`, where a shell exports it, else what the terminal says. */
function columns(): number {
  const wanted = Number(process.env['COLUMNS']) || process.stdout.columns || COLUMNS;
  return Math.max(wanted, MIN_COLUMNS) - OVERHANG;
}

/** Sections with an empty line between them, unless only without it they fit on the screen. */
function screen(...sections: readonly string[]): string {
  const present = sections.filter((section) => section !== '');
  const airy = present.join('\n\n');
  return fits(airy) ? airy : present.join('\n');
}

function fits(text: string): boolean {
  return text.split('\n').length < (process.stdout.rows || ROWS);
}

/** oclif's help, led by examples and laid out to fit on one screen. */
class ScreenHelp extends Help {
  protected override CommandHelpClass = CommandPage;

  protected override async showRootHelp(): Promise<void> {
    const anyCommand = this.config.findCommand('msg', {must: true});
    const page = new CommandPage(anyCommand, this.config, this.opts);
    const commands = this.sortedCommands.filter(({id}) => !id.includes(':'));
    const entries = [...this.sortedTopics, ...commands].map(entryOf).sort(([a], [b]) => (a < b ? -1 : 1));
    const pageWith = (options: string) =>
      screen(
        this.wrap(USAGE, 0),
        page.examplesSection(EXAMPLES),
        options,
        this.section('COMMANDS', entries),
        this.wrap(FORWARDED, 0),
      );
    const explained = pageWith(
      [
        page.optionsSection('OPTIONS', (flag) => EXPLAINED.includes(flag.name)),
        indented(this.wrap(`${otherOptions(anyCommand, EXPLAINED)}: man ftpdctl`, INDENT)),
      ].join('\n'),
    );
    this.log(
      fits(explained) ? explained : pageWith(this.wrap(`Options: ${otherOptions(anyCommand, [])}`, 0)),
    );
  }

  protected override async showTopicHelp({name, description = ''}: Topic): Promise<void> {
    const commands = this.sortedCommands.filter(({id}) => id.startsWith(`${name}:`));
    this.log(screen(this.wrap(description, 0), this.section('COMMANDS', commands.map(entryOf))));
  }

  /** What is known of an action of the server. */
  showAction(action: string): void {
    const {summary, usage, description} = actionHelp(action, this.config.commandIDs);
    this.log(
      screen(
        this.wrap(summary, 0),
        this.section('USAGE', usage.map((line) => this.wrap(`ftpdctl ${line}`)).join('\n')),
        this.wrap(description, 0),
        this.wrap(WHERE_ACTIONS_ARE, 0),
      ),
    );
  }

  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    this.log(this.formatCommand(command));
  }
}

/** The help of one command. The options that stand before every command have their place in the program's help. */
class CommandPage extends CommandHelp {
  override generate(): string {
    const {id, summary = '', description = '', examples = [], usage = this.#usage()} = this.command;
    const usages = [usage].flat().flatMap((lines) => lines.split('\n'));
    return screen(
      this.wrap(summary, 0),
      this.examplesSection(examples.map((example) => this.render(String(example)))),
      this.section('USAGE', usages.map((line) => this.wrap(`ftpdctl ${line}`)).join('\n')),
      this.optionsSection('OPTIONS', (flag) => isShownWith(flag, this.command)),
      this.wrap(description, 0),
      this.wrap(`More: man ftpdctl-${id.replaceAll(' ', '-')}; options of every command: ftpdctl --help`, 0),
    );
  }

  /** oclif knows no values that may be left out; ours are named in brackets. */
  protected override flagHelpLabel(flag: Command.Flag.Any): string {
    return super.flagHelpLabel(flag).replace(/=((?:\u001b\[4m)?)\[/, '[=$1');
  }

  #usage(): string {
    const args = Object.keys(this.command.args).map((name) => name.toUpperCase());
    return [this.command.id, '[OPTION...]', ...args].join(' ');
  }

  examplesSection(examples: readonly string[]): string {
    const lines = examples.map((example) => this.wrap(`$ ${example}`));
    return lines.length === 0 ? '' : this.section('EXAMPLES', lines.join('\n'));
  }

  optionsSection(header: string, wanted: (flag: Command.Flag.Any) => boolean): string {
    const flags = Object.values(this.command.flags).filter((flag) => !flag.hidden && wanted(flag));
    const rows = this.flags(flags.sort(byLetterThenName));
    return rows === undefined ? '' : this.section(header, rows);
  }
}

function isGlobal(flag: Command.Flag.Any): boolean {
  return flag.helpGroup === 'GLOBAL';
}

/** Its own; and what chooses other machines, which stands before every command, with the one that explains it. */
function isShownWith(flag: Command.Flag.Any, {id}: Command.Loadable): boolean {
  return !isGlobal(flag) && (flag.helpGroup !== FLEET_GROUP || id === 'hosts');
}

/** Columns that what stands in a section is moved by. */
const INDENT = 2;

function indented(text: string): string {
  return text.replace(/^/gm, ' '.repeat(INDENT));
}

/** The names of the others. */
function otherOptions({flags}: Command.Loadable, explained: readonly string[]): string {
  const others = Object.values(flags)
    .filter((flag) => isGlobal(flag) && !explained.includes(flag.name))
    .sort(byLetterThenName);
  const names = others.map(({char, name, ...flag}) => {
    const value = 'helpValue' in flag && flag.helpValue !== undefined ? `=${flag.helpValue}` : '';
    return `${char === undefined ? '' : `-${char}/`}--${name}${value}`;
  });
  return ['-h/--help', ...names, '--version'].join(', ');
}

function byLetterThenName(a: Command.Flag.Any, b: Command.Flag.Any): number {
  const key = ({char, name}: Command.Flag.Any) => `${char ?? '~'}${name}`;
  return key(a) < key(b) ? -1 : 1;
}

/** A row of a list of commands: its words and what it is for. */
function entryOf(entry: Command.Loadable | Topic): [string, string] {
  if ('id' in entry) return [entry.id.replaceAll(':', ' '), entry.summary ?? ''];
  return [entry.name, entry.description ?? ''];
}
