import {boolean, string} from '@oclif/core/flags';
import {BaseCommand} from '../lib/cli/baseCommand.ts';
import {loadConfiguration} from '../lib/cli/configuration.ts';
import {harnessOptions} from '../lib/cli/harness.ts';
import {noteLine} from '../lib/cli/output.ts';
import {untilSignal} from '../lib/cli/untilSignal.ts';
import type {Settings} from '../lib/config/settings.ts';
import {DiskTree} from '../lib/ftp/diskTree.ts';
import {MemoryTree} from '../lib/ftp/memoryTree.ts';
import {MockFtpServer} from '../lib/ftp/server.ts';
import {type FileTree, readOnly} from '../lib/ftp/tree.ts';
import type {Mailbox} from '../lib/session/mailbox.ts';
import {noMailbox} from '../lib/session/noMailbox.ts';
import {openMailbox} from '../lib/session/processMailbox.ts';

export default class Mock extends BaseCommand {
  static override summary = 'Run a mock FTP server whose replies carry the messages';
  static override description =
    'Any password will do. Without --root a small tree in memory is served. Without --config it joins the queue of your own ftpdctl serve.';
  static override examples = [
    '<%= config.bin %> mock',
    '<%= config.bin %> mock --config proftpd.conf --root /srv/ftp --read-only',
  ];
  static override flags = {
    config: string({helpValue: 'FILE', summary: 'a proftpd.conf; without it, an embedded default'}),
    root: string({helpValue: 'DIR', summary: 'serve this directory, and nothing outside it'}),
    'read-only': boolean({summary: 'refuse every change'}),
    'beyond-loopback': boolean({
      summary: 'listen on addresses that other machines can reach: anybody may log in',
    }),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Mock);
    const {settings} = loadConfiguration(flags.config, process.env);
    const tree = flags.root === undefined ? MemoryTree.sample() : await DiskTree.open(flags.root);
    await this.#serve(settings, flags['read-only'] ? readOnly(tree) : tree, flags['beyond-loopback']);
  }

  async #serve(settings: Settings, tree: FileTree, beyondLoopback: boolean): Promise<void> {
    const options = await harnessOptions(settings);
    const mailbox = mailboxOf(settings);
    const server = new MockFtpServer({...options, tree, mailbox, beyondLoopback});
    const ended = untilSignal('SIGINT', 'SIGTERM');
    try {
      const listening = await server.listen();
      noteLine(
        `mock FTP server listening on ${listening.map(({address, port}) => `${address}#${port}`).join(', ')}`,
      );
      await ended;
    } finally {
      await server.close();
      await mailbox.close();
    }
  }
}

function mailboxOf(settings: Settings): Mailbox {
  const queuePath = settings.message.queue.value;
  if (queuePath) return openMailbox({queuePath});
  noteLine('no MessageQueue is configured: no message will arrive');
  return noMailbox;
}
