import {string as word} from '@oclif/core/args';
import {string} from '@oclif/core/flags';
import {BaseCommand} from '../../lib/cli/options/baseCommand.ts';
import {
  checkAccess,
  exitStatusOfVerdict,
  proftpdFlag,
  reportAccess,
} from '../../lib/cli/serve/aclQuestions.ts';

export default class AclCheck extends BaseCommand {
  static override summary = 'Say whether somebody may run a control action, and which line decides';
  static override description =
    'Without --config it judges the configuration of the ProFTPD that runs on this machine, by its version; or it asks a ' +
    'running ftpdctl serve: everybody may ask about themselves; about others root, the ' +
    "server's own user, and whoever may run get. With --config it judges that proftpd.conf without any server, as the " +
    'installed ProFTPD would, or the one of --proftpd. ' +
    'Exits with 0 for allowed, with 2 for denied, with 6 where nobody can say.';
  static override examples = [
    '<%= config.bin %> acl check msg',
    '<%= config.bin %> acl check msg --user dave',
    '<%= config.bin %> acl check kick --group staff --config /etc/proftpd/proftpd.conf',
    '<%= config.bin %> acl check connect --proftpd 1.3.10 --config /etc/proftpd/proftpd.conf',
  ];
  static override args = {
    action: word({required: true, description: 'for example msg, kick or lsctrl'}),
  };
  static override flags = {
    user: string({helpValue: 'NAME', summary: 'ask about this user, with the primary group of that user'}),
    group: string({helpValue: 'NAME', summary: 'ask about somebody with this primary group'}),
    config: string({helpValue: 'FILE', summary: 'judge this proftpd.conf'}),
    proftpd: proftpdFlag,
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(AclCheck);
    const answer = await checkAccess(args.action, flags, this.asking(flags));
    reportAccess(answer, flags, exitStatusOfVerdict(answer.details.allowed));
  }
}
