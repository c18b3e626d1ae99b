import {runMetrics} from '../lib/cli/monitoring/metrics.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';

export default class Metrics extends BaseCommand {
  static override summary = 'Print sessions, transfers and the queue for Prometheus';
  static override description =
    'A ProFTPD of this machine is not asked: its scoreboard and its message queue tell. Where none runs, proftpd_up is 0.';
  static override examples = ['<%= config.bin %> metrics', '<%= config.bin %> -s /run/proftpd.sock metrics'];

  async run(): Promise<void> {
    const {flags} = await this.parse(Metrics);
    await runMetrics(flags);
  }
}
