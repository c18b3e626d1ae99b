import {ControlCommand} from '../../lib/cli/options/controlCommand.ts';
import {allServers} from '../../lib/cli/servers.ts';

/** What `up all` and `down all` are carried out by. */
export default class AllServers extends ControlCommand {
  static override hidden = true;
  static override summary = 'Take all servers up or down, address by address';

  async run(): Promise<void> {
    const {flags} = await this.parse(AllServers);
    const action = this.words[0] === 'up' ? 'up' : 'down';
    this.report(flags, {action, args: ['all']}, await allServers(action, this.asking(flags)));
  }
}
