import {string} from '@oclif/core/flags';
import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {optionalSeconds} from '../lib/cli/options/flags.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';
import {listSessions} from '../lib/cli/sessions.ts';

/** Seconds that `--watch` alone stands for. */
const WATCH_SECONDS = '2';

export default class Who extends ControlCommand {
  static override summary = 'List the FTP sessions that a message can reach';
  static override description =
    'A ProFTPD of this machine is not asked: its scoreboard tells, to everybody who may read it. Several are told apart by ' +
    'their controls socket (-s).';
  static override usage = 'who [--user NAME] [--host NAME] [--class NAME] [--watch[=SECONDS]]';
  static override examples = [
    '<%= config.bin %> who',
    '<%= config.bin %> who --class staff',
    '<%= config.bin %> who --watch',
    '<%= config.bin %> --json who',
  ];
  static override flags = {
    user: string({helpValue: 'NAME', summary: 'only sessions of this user'}),
    host: string({helpValue: 'NAME', summary: 'only sessions from this host name or address'}),
    class: string({helpValue: 'NAME', summary: 'only sessions of this class'}),
    watch: optionalSeconds(
      'watch',
      WATCH_SECONDS,
      `look again every ${WATCH_SECONDS} s or this often, until Ctrl-C`,
    ),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Who);
    if (this.words.length > 0) {
      const usage = 'ftpdctl who --user NAME, --host NAME or --class NAME';
      throw new UsageError(`who: unexpected word "${this.words[0]}"`, usage);
    }
    await listSessions(flags, {
      ask: this.asking(flags),
      refuse: (answer) => this.report(flags, {action: 'who', args: []}, answer),
    });
  }
}
