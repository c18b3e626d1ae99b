import {boolean, custom, string} from '@oclif/core/flags';
import {DEFAULT_TIMEOUT} from '../../client/client.ts';
import {UsageError} from './usageError.ts';

/** The group of options that only count with `-H` or `--hosts-file`. */
export const FLEET_GROUP = 'FLEET';
/** Hosts at a time, and the most that may be asked for. */
export const DEFAULT_FANOUT = 32;
const MAX_FANOUT = 1024;

/** The options that choose other machines to run a command on, and how. */
const fleetFlags = {
  hosts: {
    ...string({
      char: 'H',
      helpValue: 'HOSTS',
      summary: 'run it on these machines: see ftpdctl hosts --help',
      helpGroup: 'GLOBAL',
    }),
    joins: true,
  },
  'hosts-file': string({
    helpValue: 'FILE',
    summary: 'and on those in this file, or in standard input ("-")',
    helpGroup: FLEET_GROUP,
  }),
  exclude: {
    ...string({char: 'x', helpValue: 'HOSTS', summary: 'but not on these', helpGroup: FLEET_GROUP}),
    joins: true,
  },
  fanout: custom<number>({
    helpValue: 'NUMBER',
    summary: `on so many at a time at the most (default ${DEFAULT_FANOUT})`,
    helpGroup: FLEET_GROUP,
    parse: async (input) => parseFanout(input),
  })(),
  sudo: boolean({summary: 'run it there as root, with "sudo -n"', helpGroup: FLEET_GROUP}),
};

/** The options that stand before any command. */
export const globalFlags = {
  ...fleetFlags,
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

/** The values of `fleetFlags`. */
export interface FleetOptions {
  readonly hosts?: string | undefined;
  readonly 'hosts-file'?: string | undefined;
  readonly exclude?: string | undefined;
  readonly fanout?: number | undefined;
  readonly sudo: boolean;
}

/** Whether a word is one of them, in its long form. */
export function isFleetOption(word: string): boolean {
  const [name = ''] = word.split('=');
  return name.startsWith('--') && Object.hasOwn(fleetFlags, name.slice(2));
}

/** @throws UsageError */
export function parseFanout(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_FANOUT) return number;
  throw new UsageError(`--fanout wants a number from 1 to ${MAX_FANOUT}, not "${text}"`);
}

/** The values of the others of `globalFlags`. */
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
export function parseSeconds(option: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new UsageError(`${option} wants a number of seconds, not "${text}"`, `for example ${option}=30`);
  }
  return Math.ceil(seconds * 1000);
}
