import {boolean, custom, string} from '@oclif/core/flags';
import {mock, parsePort} from '../lib/cli/mock.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';
import {loadConfiguration} from '../lib/cli/serve/configuration.ts';

export default class Mock extends BaseCommand {
  static override summary = 'Run a mock FTP server whose replies carry the messages';
  static override description =
    'Any password will do. Without --root a small tree in memory is served. Without --config it joins the queue of your own ftpdctl serve.';
  static override examples = [
    '<%= config.bin %> mock',
    '<%= config.bin %> mock --port 2200',
    '<%= config.bin %> mock --config proftpd.conf --root /srv/ftp --read-only',
  ];
  static override flags = {
    config: string({helpValue: 'FILE', summary: 'a proftpd.conf; without it, an embedded default'}),
    port: custom<number>({
      helpValue: 'PORT',
      summary: 'listen on this port, not on those of the configuration; 0: a free one',
      parse: async (input) => parsePort(input),
    })(),
    root: string({helpValue: 'DIR', summary: 'serve this directory, and nothing outside it'}),
    'read-only': boolean({summary: 'refuse every change'}),
    'beyond-loopback': boolean({
      summary: 'listen on addresses that other machines can reach: anybody may log in',
    }),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Mock);
    const {settings} = loadConfiguration(flags.config, process.env);
    await mock(settings, flags);
  }
}
