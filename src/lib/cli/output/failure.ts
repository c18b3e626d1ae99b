import {FtpdctlError} from '../../errors.ts';
import {UsageError} from '../options/usageError.ts';
import {PromptAborted} from '../prompt/questions.ts';
import {printError, printJson} from './output.ts';

/** `EX_SOFTWARE` of `sysexits.h`: a fault of this program. */
const EXIT_SOFTWARE = 70;

/**
 * Say what went wrong, in one line or as JSON, and give the exit status. Nothing else in the program prints errors.
 */
export function reportFailure(thrown: unknown, json: boolean): number {
  if (thrown instanceof PromptAborted) return thrown.exitStatus;
  const error = understand(thrown);
  // Printing may end the program.
  process.exitCode = error.exitStatus;
  if (json) printJson({error: errorFields(error), exitStatus: error.exitStatus});
  else printError(errorLine(error));
  return error.exitStatus;
}

/** An error as `--json` has it. */
export function errorFields({code, message, hint}: FtpdctlError): Readonly<Record<string, string>> {
  return {code, message, ...(hint === undefined ? {} : {hint})};
}

/** An error in one line: what went wrong, and what to do. */
export function errorLine({message, hint}: FtpdctlError): string {
  return hint === undefined ? message : `${message} (${hint})`;
}

function understand(thrown: unknown): FtpdctlError {
  if (thrown instanceof FtpdctlError) return unwrapped(thrown);
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (isOclifUsageError(error)) return new UsageError(oneLine(error.message), 'see --help');
  return new FtpdctlError('INTERNAL', `this should not happen: ${oneLine(error.message)}`, EXIT_SOFTWARE, {
    cause: error,
    hint: 'please report it, with the command you gave',
  });
}

/** oclif wraps what the parser of an option's value throws in two lines of its own. */
function unwrapped(error: FtpdctlError): FtpdctlError {
  error.message = error.message.replace(/^Parsing --\S+ \n\t(.*)\nSee more help with --help$/s, '$1');
  return error;
}

/** What oclif's parser throws: unknown flags, missing or bad values. Its own exit status would be 2. */
function isOclifUsageError(error: Error): boolean {
  return 'parse' in error || ('oclif' in error && error.constructor.name !== 'ExitError');
}

/** oclif adds a line about `--help`, and lists below the first line. */
function oneLine(message: string): string {
  return message
    .replace(/\n?See more help with --help\s*$/, '')
    .split(/\s*\n\s*/)
    .filter((line) => line !== '')
    .join(' ');
}
