import {string} from '@oclif/core/flags';
import {BaseCommand} from '../../lib/cli/options/baseCommand.ts';
import {listAccess, proftpdFlag, reportAccess} from '../../lib/cli/serve/aclQuestions.ts';

export default class AclList extends BaseCommand {
  static override summary = 'Say who may run which control action';
  static override description =
    'Without --config it reads the configuration of the ProFTPD that runs on this machine and judges by its version; or ' +
    "it asks a running ftpdctl serve, which tells root, the server's own user, and whoever may run get. With --config it " +
    'reads that proftpd.conf without any server, and judges as the installed ProFTPD would, or the one of --proftpd.';
  static override examples = [
    '<%= config.bin %> acl list',
    '<%= config.bin %> acl list --config /etc/proftpd/proftpd.conf',
  ];
  static override flags = {
    config: string({helpValue: 'FILE', summary: 'read this proftpd.conf'}),
    proftpd: proftpdFlag,
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(AclList);
    reportAccess(await listAccess(flags, this.asking(flags)), flags, 0);
  }
}
