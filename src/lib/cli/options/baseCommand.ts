import {Command} from '@oclif/core/command';
import {setLogger} from '@oclif/core/logger';
import {parserErrorOf, reportFailure} from '../output/failure.ts';
import {type Ask, askWith} from './ask.ts';
import {globalFlags, isFleetOption} from './flags.ts';
import {didYouMean, UsageError} from './usageError.ts';

/** What a command may ask of the program it is part of. */
export interface Program {
  readonly version: string;
  /** Directory of the package. */
  readonly root: string;
  /** Our own commands by their oclif ids. */
  readonly commandIDs: string[];
  /** Where it asks, and what hears its answer, in place of a daemon of this machine and of standard output. */
  readonly elsewhere?: Elsewhere;
}

/** Another machine that a command is carried out for, and not printed. */
export interface Elsewhere {
  readonly ask: Ask;
  readonly onAnswer: (answer: PresentedAnswer) => void;
  /** The text of a message that was read already. */
  readonly text?: string;
}

/** An answer as it is printed, and as `--json` has it. */
export interface PresentedAnswer {
  readonly exitStatus: number;
  readonly lines: readonly string[];
  readonly hint?: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** oclif's own debug output, unless DEBUG asks for it. */
const silent = {
  namespace: 'ftpdctl',
  child: () => silent,
  debug() {},
  error() {},
  info() {},
  trace() {},
  warn() {},
};

/** What every command has: the global options, and errors that are reported as those want it. */
export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;
  /** Whether it works on the machines that `-H` names by itself: any other command is run on each of them. */
  static takesHosts = false;

  /**
   * Run without loading oclif's configuration from disk, which would cost a third of the program's start. What a
   * command asks of a configuration while it runs is answered here: there are no plugins, hooks or themes.
   */
  static async execute(argv: readonly string[], program: Program): Promise<void> {
    // biome-ignore lint/complexity/noThisInStatic: the command's own class is meant
    const command = new (runnable(this))([...argv], configOf(program));
    try {
      await command._run();
    } catch (error) {
      process.exitCode = reportFailure(error, command.argv.includes('--json'));
    }
  }

  /** The same for another machine: what goes wrong is thrown, and nothing is printed. */
  static async executeElsewhere(
    argv: readonly string[],
    program: Program & {readonly elsewhere: Elsewhere},
  ): Promise<void> {
    // biome-ignore lint/complexity/noThisInStatic: the command's own class is meant
    await new (runnable(this))([...argv], configOf(program))._run();
  }

  protected get elsewhere(): Elsewhere | undefined {
    return (this.config as Partial<Program>).elsewhere;
  }

  /** Asks the daemon that the command is for. */
  protected asking(options: Parameters<typeof askWith>[0]): Ask {
    return this.elsewhere?.ask ?? askWith(options);
  }

  /** What chooses other machines stands before the command: after it, the command would be run on this one. */
  protected override async init(): Promise<void> {
    await super.init();
    if ((this.ctor as typeof BaseCommand).takesHosts) return;
    const own = this.argv.slice(0, this.argv.includes('--') ? this.argv.indexOf('--') : undefined);
    const option = own.find((word) => /^-[Hx]/.test(word) || isFleetOption(word));
    if (option === undefined) return;
    throw new UsageError(`${option.split('=')[0]} stands before the command`, 'ftpdctl -H HOSTS COMMAND');
  }

  protected override async catch(error: Error): Promise<never> {
    if (isUnknownFlags(error)) throw this.#unknownOption(error.flags);
    throw missingArgument(error) ?? parserErrorOf(error, this.#name);
  }

  #unknownOption(options: readonly string[]): UsageError {
    const names = ['help', ...Object.keys({...this.ctor.baseFlags, ...this.ctor.flags})];
    const known = names.map((name) => `--${name}`);
    return new UsageError(
      `unknown option: ${options.join(', ')}`,
      didYouMean(options[0] ?? '', known, `see ftpdctl ${this.#name} --help`),
    );
  }

  /** As it is typed. */
  get #name(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }
}

type Runnable = new (argv: string[], config: Command['config']) => BaseCommand;

function runnable(command: unknown): Runnable {
  return command as Runnable;
}

function configOf(program: Program): Command['config'] {
  if (!process.env['DEBUG']) setLogger({root: '', logger: silent});
  return {
    bin: 'ftpdctl',
    name: 'ftpdctl',
    ...program,
    userAgent: `ftpdctl/${program.version}`,
    plugins: new Map(),
    runHook: async () => ({successes: [], failures: []}),
    scopedEnvVar: () => undefined,
    scopedEnvVarKeys: () => [],
  } as unknown as Command['config'];
}

/** oclif's `NonExistentFlagsError`, which it does not export. Its name is not kept in the program. */
function isUnknownFlags(error: Error): error is Error & {readonly flags: readonly string[]} {
  return 'flags' in error && error.message.startsWith('Nonexistent flag');
}

/** oclif's `RequiredArgsError`, in words like ours. */
function missingArgument(error: Error): UsageError | undefined {
  if (!('args' in error && /^Missing \d+ required arg/.test(error.message))) return undefined;
  const [first] = (error as Error & {readonly args: readonly {name: string; description?: string}[]}).args;
  return first && new UsageError(`missing required ${first.name}`, first.description);
}
