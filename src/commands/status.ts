import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {serverStates, statusSummary} from '../lib/cli/output/answer.ts';
import {printLine} from '../lib/cli/output/output.ts';
import {detailsIn} from '../lib/client/details.ts';
import {STATUS} from '../lib/protocol/message.ts';

export default class Status extends ControlCommand {
  static override summary = 'Say which (virtual) servers are up';
  static override description = 'Exits with 1 where one of them is down.';
  static override usage = 'status [all | ADDRESS[#PORT]...]';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status 192.0.2.1#21 192.0.2.2'];

  async run(): Promise<void> {
    const {flags} = await this.parse(Status);
    const args = this.words.length > 0 ? this.words : ['all'];
    const request = {action: 'status', args};
    const answer = await this.ask(flags, (daemon) => daemon.request(request.action, args));
    const servers = serverStates(answer.responses);
    const isDown = answer.verdict === STATUS.OK && servers.some(({state}) => state === 'down');
    this.report(flags, request, answer, {
      fields: {servers},
      ...(isDown && !flags['stock-exit-status'] ? {exitStatus: -STATUS.GENERIC_ERROR} : {}),
    });
    if (flags.json || flags.quiet) return;
    const details = await detailsIn('status', answer);
    if (details) printLine(statusSummary(details));
  }
}
