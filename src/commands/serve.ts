import {boolean, string} from '@oclif/core/flags';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';
import {loadConfiguration, printEmbeddedConfiguration} from '../lib/cli/serve/configuration.ts';
import {checkConfiguration, reportCheck, serve} from '../lib/cli/serve/serve.ts';

export default class Serve extends BaseCommand {
  static override summary = 'Run a control server that answers every ftpdctl';
  static override description =
    "It reads ProFTPD's own configuration and gives every local user the verdict that ProFTPD would give. " +
    'Without --config it serves you alone. SIGHUP reads the configuration again, SIGTERM and SIGINT end it.';
  static override examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --config /etc/proftpd/proftpd.conf',
    '<%= config.bin %> serve --check --config proftpd.conf',
    '<%= config.bin %> serve --print-config > proftpd.conf',
  ];
  static override flags = {
    config: string({helpValue: 'FILE', summary: 'a proftpd.conf; without it, an embedded default'}),
    check: boolean({summary: 'only check the configuration, and touch nothing', exclusive: ['print-config']}),
    'print-config': boolean({
      summary: 'print the embedded default, as a file to start from',
      exclusive: ['config'],
    }),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Serve);
    if (flags.socket !== undefined) {
      throw new UsageError('serve takes no -s', 'it listens at the ControlsSocket of its configuration');
    }
    const load = () => loadConfiguration(flags.config, process.env);
    if (flags['print-config']) printEmbeddedConfiguration(process.env, flags);
    else if (flags.check) reportCheck(checkConfiguration(load()), flags);
    else await serve(load, this.config.version, flags);
  }
}
