import {listHosts} from '../lib/cli/fleet/selection.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';

export default class Hosts extends BaseCommand {
  static override summary = 'List the machines that -H means, or the groups there are';
  static override description =
    'HOSTS are names that ssh knows, [USER@]HOST[:PORT], with ranges, and groups. A group is a line "NAME: HOSTS" in ' +
    '~/.config/ftpdctl/hosts or /etc/ftpdctl/hosts.';
  static override usage = 'hosts';
  static override examples = [
    '<%= config.bin %> -H ftp[01-40],@web -x ftp13 hosts',
    '<%= config.bin %> -H @ftp msg all going down at 18:00',
    '<%= config.bin %> hosts',
  ];
  static override takesHosts = true;

  async run(): Promise<void> {
    const {flags} = await this.parse(Hosts);
    await listHosts(flags, process.env);
  }
}
