import {ControlCommand} from '../lib/cli/controlCommand.ts';

export default class Status extends ControlCommand {
  static override strict = false;
  static override summary = 'Say which (virtual) servers are up';
  static override usage = 'status [all | ADDRESS[#PORT]...]';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status 192.0.2.1#21 192.0.2.2'];

  async run(): Promise<void> {
    const {flags, argv} = await this.parse(Status);
    const args = argv.length > 0 ? (argv as string[]) : ['all'];
    await this.send(flags, {action: 'status', args}, (client) => client.request('status', args));
  }
}
