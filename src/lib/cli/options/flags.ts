import {boolean, custom, string} from '@oclif/core/flags';
import {DEFAULT_TIMEOUT} from '../../client/client.ts';
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
  quiet: boolean({
    char: 'q',
    summary: 'print nothing on success, errors on standard error',
    helpGroup: 'GLOBAL',
  }),
  json: boolean({summary: 'print one JSON object, errors too', helpGroup: 'GLOBAL'}),
  yes: boolean({
    summary: 'do not ask before what ends a server',
    description:
      'At a terminal ftpdctl asks before shutdown, restart, "rmctrl all" and "down all"; elsewhere it never does.',
    helpGroup: 'GLOBAL',
  }),
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
  readonly yes: boolean;
  readonly 'stock-exit-status': boolean;
}

/** An option for seconds that may stand alone, too. @param bare the seconds that it means then */
export function optionalSeconds(name: string, bare: string, summary: string) {
  const parse = async (input: string) => parseSeconds(`--${name}`, input);
  return {...custom<number>({helpValue: '[SECONDS]', summary, parse})(), bare};
}

/** The longest time a timer of Node takes, in seconds. */
const MAX_SECONDS = 2_147_483;

/** Seconds as a person writes them, in milliseconds. @throws UsageError unless a number above 0. */
function parseSeconds(option: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new UsageError(`${option} wants a number of seconds, not "${text}"`, `for example ${option}=30`);
  }
  return Math.ceil(seconds * 1000);
}
