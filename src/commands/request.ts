import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';

export default class Request extends ControlCommand {
  static override summary = 'Send any control action to the server, as it is';
  static override description =
    'Every word after the action belongs to it, dashes and all. An action that is not a command of ftpdctl needs no ' +
    '"request" before it: ftpdctl kick user bob.';
  static override usage = 'request ACTION [WORD...]';
  static override examples = [
    '<%= config.bin %> request help',
    '<%= config.bin %> kick user -n 5 bob',
    '<%= config.bin %> request msg user dave sent as the stock client would',
  ];

  async run(): Promise<void> {
    const {flags} = await this.parse(Request);
    const [action, ...args] = this.words;
    if (!action)
      throw new UsageError('missing required action', 'ftpdctl help asks the server which ones it has');
    await this.send(flags, {action, args});
  }
}
