import {string} from '@oclif/core/flags';
import {ControlCommand} from '../lib/cli/controlCommand.ts';
import {printJson} from '../lib/cli/output.ts';
import {sessionTable} from '../lib/cli/sessionTable.ts';
import type {WhoDetails} from '../lib/protocol/details.ts';
import {STATUS} from '../lib/protocol/status.ts';

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
    const answer = await this.ask(flags, (client) => client.request('who'));
    const details = answer.server?.details as WhoDetails | undefined;
    if (answer.verdict !== STATUS.OK || !details) {
      this.report(flags, {action: 'who', args: []}, answer);
      return;
    }
    const sessions = details.sessions.filter(
      (session) =>
        (flags.user === undefined || session.user === flags.user) &&
        (flags.host === undefined || session.host === flags.host || session.address === flags.host) &&
        (flags.class === undefined || session.class === flags.class),
    );
    if (flags.json) printJson({sessions, exitStatus: 0});
    else process.stdout.write(sessionTable(sessions));
  }
}
