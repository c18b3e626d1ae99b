import {boolean, string} from '@oclif/core/flags';
import {runDoctor} from '../lib/cli/doctor.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Say what keeps messages from arriving, and what mends it';
  static override description =
    'It looks at the ProFTPD of this machine, its configuration, socket, ACLs, module, queue and scoreboard, as far as you ' +
    'may see them, and changes nothing. Several are told apart by their controls socket (-s) or configuration. ' +
    'Exits with 0 where a message of yours would arrive, else with 1.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --probe',
    '<%= config.bin %> --json doctor --config /etc/proftpd/proftpd.conf',
  ];
  static override flags = {
    config: string({
      helpValue: 'FILE',
      summary: "its configuration, where that is at no distribution's place",
    }),
    probe: boolean({summary: 'ask the daemon, too, which waits for its next poll; nobody gets a message'}),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Doctor);
    await runDoctor(flags);
  }
}
