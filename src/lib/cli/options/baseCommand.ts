import {Command} from '@oclif/core/command';
import {boolean, custom, string} from '@oclif/core/flags';
import {setLogger} from '@oclif/core/logger';
import {DEFAULT_TIMEOUT} from '../../client/client.ts';
import {didYouMean} from '../completion/suggest.ts';
import {reportFailure} from '../output/failure.ts';
import {parseSeconds} from './seconds.ts';
import {UsageError} from './usageError.ts';

/** The options that stand before any command. */
export const globalFlags = {
  socket: string({
    char: 's',
    helpValue: 'PATH',
    summary: 'controls socket of the server, an absolute path',
    helpGroup: 'GLOBAL',
  }),
  timeout: custom<number>({
    helpValue: 'SECONDS',
    summary: `give up after this long (default ${DEFAULT_TIMEOUT / 1000})`,
    helpGroup: 'GLOBAL',
    parse: async (input) => parseSeconds('--timeout', input),
  })(),
  verbose: boolean({char: 'v', summary: 'say what is being done, on standard error', helpGroup: 'GLOBAL'}),
  quiet: boolean({char: 'q', summary: 'print nothing on success', helpGroup: 'GLOBAL'}),
  json: boolean({summary: 'print one JSON object, errors too', helpGroup: 'GLOBAL'}),
  'stock-exit-status': boolean({
    summary: 'exit as the stock client of that server would',
    description: 'That of 1.3.8 exits with 0 once answered, that of 1.3.9 and later with the status negated.',
    helpGroup: 'GLOBAL',
  }),
};

/** The values of `globalFlags`. */
export interface GlobalOptions {
  readonly socket?: string | undefined;
  readonly timeout?: number | undefined;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly 'stock-exit-status': boolean;
}

/** What a command may ask of the program it is part of. */
export interface Program {
  readonly version: string;
  /** Directory of the package. */
  readonly root: string;
  /** Our own commands by their oclif ids. */
  readonly commandIDs: string[];
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

  /**
   * Run without loading oclif's configuration from disk, which would cost a third of the program's start. What a
   * command asks of a configuration while it runs is answered here: there are no plugins, hooks or themes.
   */
  static async execute(argv: readonly string[], program: Program): Promise<void> {
    if (!process.env['DEBUG']) setLogger({root: '', logger: silent});
    const config = {
      bin: 'ftpdctl',
      name: 'ftpdctl',
      ...program,
      userAgent: `ftpdctl/${program.version}`,
      plugins: new Map(),
      runHook: async () => ({successes: [], failures: []}),
      scopedEnvVar: () => undefined,
      scopedEnvVarKeys: () => [],
    } as unknown as Command['config'];
    // biome-ignore lint/complexity/noThisInStatic: the command's own class is meant
    const Runnable = this as unknown as new (argv: string[], config: Command['config']) => BaseCommand;
    const command = new Runnable([...argv], config);
    try {
      await command._run();
    } catch (error) {
      process.exitCode = reportFailure(error, command.argv.includes('--json'));
    }
  }

  protected override async catch(error: Error): Promise<never> {
    if (isUnknownFlags(error)) throw this.#unknownOption(error.flags);
    throw missingArgument(error) ?? error;
  }

  #unknownOption(options: readonly string[]): UsageError {
    const names = ['help', ...Object.keys({...this.ctor.baseFlags, ...this.ctor.flags})];
    const known = names.map((name) => `--${name}`);
    return new UsageError(
      `unknown option: ${options.join(', ')}`,
      didYouMean(options[0] ?? '', known, 'see --help'),
    );
  }
}

/** oclif's `NonExistentFlagsError`, which it does not export. */
function isUnknownFlags(error: Error): error is Error & {readonly flags: readonly string[]} {
  return error.constructor.name === 'NonExistentFlagsError';
}

/** oclif's `RequiredArgsError`, in words like ours. */
function missingArgument(error: Error): UsageError | undefined {
  if (error.constructor.name !== 'RequiredArgsError') return undefined;
  const [first] = (error as Error & {readonly args: readonly {name: string; description?: string}[]}).args;
  return first && new UsageError(`missing required ${first.name}`, first.description);
}
