import {boolean} from '@oclif/core/flags';
import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {kickSessions} from '../lib/cli/sessions.ts';

export default class Kick extends ControlCommand {
  static override summary = 'End FTP sessions at once';
  static override description =
    'Their clients get no word, and transfers are cut off: send a message first. How many have ended is seen, not taken ' +
    'from the words of the daemon. One session of a ProFTPD is ended by root alone.';
  static override usage = 'kick [OPTION...] user|host|class [-n COUNT] NAME...\nkick [OPTION...] session ID';
  static override examples = [
    '<%= config.bin %> kick user bob',
    '<%= config.bin %> kick session 812-tp0nvq',
    '<%= config.bin %> kick --dry-run class guests',
  ];
  static override flags = {
    'dry-run': boolean({summary: 'say whom it would end, and end nobody'}),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Kick);
    await kickSessions(this.words, flags, {
      ask: this.asking(flags),
      report: (request, answer, more) => this.report(flags, request, answer, more),
    });
  }
}
