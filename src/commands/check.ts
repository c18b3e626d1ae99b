import {boolean, custom} from '@oclif/core/flags';
import {reportCheck, runCheck, unknown} from '../lib/cli/monitoring/check.ts';
import {parseRange, type Range} from '../lib/cli/monitoring/range.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';

const range = (name: string, summary: string, char?: 'w' | 'c') =>
  custom<Range>({
    ...(char === undefined ? {} : {char}),
    helpValue: 'RANGE',
    summary,
    parse: async (text) => parseRange(`--${name}`, text),
  })();

export default class Check extends BaseCommand {
  static override summary = 'Say whether all is well, for Nagios and its heirs';
  static override description =
    'A ProFTPD of this machine is not asked: its scoreboard and its message queue tell. Ranges are those of the ' +
    "Monitoring Plugins' guidelines: 50 stands for 0 to 50. Exits with 0 for OK, 1 for WARNING, 2 for CRITICAL, 3 for UNKNOWN.";
  static override examples = [
    '<%= config.bin %> check -w 50 -c 80',
    '<%= config.bin %> --timeout 20 check --probe --queue-warning 8192 --queue-critical 14000',
  ];
  static override flags = {
    warning: range('warning', 'warn where the number of sessions is not within it', 'w'),
    critical: range('critical', 'be critical where the number of sessions is not within it', 'c'),
    'queue-warning': range('queue-warning', 'warn where the bytes of queued messages are not within it'),
    'queue-critical': range(
      'queue-critical',
      'be critical where the bytes of queued messages are not within it',
    ),
    probe: boolean({summary: 'ask the daemon, too, and tell how long its answer takes'}),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Check);
    await runCheck(flags);
  }

  /** What a monitoring system shows is standard output. */
  protected override async catch(error: Error): Promise<never> {
    const understood = await super.catch(error).catch((better: unknown) => better);
    const isFor = (option: string) => this.argv.includes(option);
    reportCheck(unknown(understood), {json: isFor('--json'), quiet: isFor('--quiet')});
    return undefined as never;
  }
}
