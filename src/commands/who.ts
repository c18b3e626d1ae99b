import {string} from '@oclif/core/flags';
import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {UsageError, unsupported} from '../lib/cli/options/usageError.ts';
import {printError, printJson} from '../lib/cli/output/output.ts';
import {sessionCount, sessionTable} from '../lib/cli/output/sessionTable.ts';

export default class Who extends ControlCommand {
  static override summary = 'List the FTP sessions that a message can reach';
  static override description = 'ftpdctl serve alone answers this; for a ProFTPD there is ftpwho.';
  static override usage = 'who [--user NAME] [--host NAME] [--class NAME]';
  static override examples = [
    '<%= config.bin %> who',
    '<%= config.bin %> who --class staff',
    '<%= config.bin %> --json who',
  ];
  static override flags = {
    user: string({helpValue: 'NAME', summary: 'only sessions of this user'}),
    host: string({helpValue: 'NAME', summary: 'only sessions from this host name or address'}),
    class: string({helpValue: 'NAME', summary: 'only sessions of this class'}),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Who);
    if (this.words.length > 0) {
      const usage = 'ftpdctl who --user NAME, --host NAME or --class NAME';
      throw new UsageError(`who: unexpected word "${this.words[0]}"`, usage);
    }
    const {json, quiet, user, host, class: className} = flags;
    const result = await this.ask(flags, (daemon) => daemon.sessions({user, host, class: className}));
    if (result.kind === 'unsupported') throw unsupported(result);
    if (result.kind === 'refused') return this.report(flags, {action: 'who', args: []}, result.answer);
    const {sessions, omitted} = result;
    if (json) printJson({sessions, omitted, exitStatus: 0});
    else if (!quiet) process.stdout.write(sessionTable(sessions));
    if (omitted > 0) printError(`and ${sessionCount(omitted)} more`);
  }
}
