import {listBans} from '../../lib/cli/bans.ts';
import {askWith} from '../../lib/cli/options/ask.ts';
import {BaseCommand} from '../../lib/cli/options/baseCommand.ts';

export default class BanList extends BaseCommand {
  static override summary = 'List who is banned, by whom or what, since when and until when';
  static override description =
    'It asks mod_ban of the ProFTPD with "ban info". Every other word after "ban" is sent as it is: ' +
    'ban user|host|class NAME..., ban info.';
  static override examples = ['<%= config.bin %> ban list', '<%= config.bin %> --json ban list'];

  async run(): Promise<void> {
    const {flags} = await this.parse(BanList);
    await listBans(flags, askWith(flags));
  }
}
