import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {statusSummary} from '../lib/cli/output/answer.ts';
import {printLine} from '../lib/cli/output/output.ts';
import {detailsIn} from '../lib/client/details.ts';

export default class Status extends ControlCommand {
  static override summary = 'Say which (virtual) servers are up';
  static override usage = 'status [all | ADDRESS[#PORT]...]';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status 192.0.2.1#21 192.0.2.2'];

  async run(): Promise<void> {
    const {flags} = await this.parse(Status);
    const args = this.words.length > 0 ? this.words : ['all'];
    const answer = await this.send(flags, {action: 'status', args});
    if (flags.json || flags.quiet) return;
    const details = await detailsIn('status', answer);
    if (details) printLine(statusSummary(details));
  }
}
