import {FtpdctlError, internalError} from '../../errors.ts';
import {UsageError} from '../options/usageError.ts';
import {PromptAborted} from '../prompt/questions.ts';
import {printError, printJson} from './output.ts';

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

/** Whatever was thrown, as an error of ours. */
export function understand(thrown: unknown): FtpdctlError {
  if (thrown instanceof FtpdctlError) return unwrapped(thrown);
  if (thrown instanceof Error && isOclifUsageError(thrown)) return usageErrorOf(thrown, 'see ftpdctl --help');
  return internalError(thrown);
}

/** oclif wraps what the parser of an option's value throws in two lines of its own. */
function unwrapped(error: FtpdctlError): FtpdctlError {
  error.message = error.message.replace(/^Parsing --\S+ \n\t(.*)\nSee more help with --help$/s, '$1');
  return error;
}

/**
 * What oclif's parser has thrown as an error of ours; anything else as it is.
 * @param command its name, of which the help is worth a look
 */
export function parserErrorOf(thrown: unknown, command: string): unknown {
  if (!(thrown instanceof Error && isOclifUsageError(thrown))) return thrown;
  return usageErrorOf(thrown, `see ftpdctl ${command} --help`);
}

function usageErrorOf(error: Error, hint: string): UsageError {
  return new UsageError(inOurWords(oneLine(error.message)), hint);
}

/** What oclif's parser throws: unknown flags, missing or bad values. Its own exit status would be 2. */
function isOclifUsageError(error: Error): boolean {
  return 'parse' in error || ('oclif' in error && !('code' in error && error.code === 'EEXIT'));
}

/** What oclif's parser says of a command line, and how the rest of the program would say it. */
const OUR_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Unexpected arguments?: (.*)$/, 'unexpected words: $1'],
  [/^Flag (\S+) expects a value$/, '$1 needs a value'],
  [/^Expected (--\S+?)=(.*) to be one of: (.*)$/, '$1: "$2" is not one of $3'],
  [/^Expected (.*) to be one of: (.*)$/, '"$1" is not one of $2'],
  [
    /^The following error occurred: (--[^=\s]+)\S* cannot also be provided when using (--\S+)$/,
    '$2 and $1 exclude each other',
  ],
  [
    /^The following error occurred: All of the following must be provided when using (--\S+): (.*)$/,
    '$1 needs $2',
  ],
];

function inOurWords(message: string): string {
  const [pattern, words] = OUR_WORDS.find(([pattern]) => pattern.test(message)) ?? [];
  return pattern === undefined ? message : message.replace(pattern, words!);
}

/** oclif adds a line about `--help`, and lists below the first line. */
function oneLine(message: string): string {
  return message
    .replace(/\n?See more help with --help\s*$/, '')
    .split(/\s*\n\s*/)
    .filter((line) => line !== '')
    .join(' ');
}
