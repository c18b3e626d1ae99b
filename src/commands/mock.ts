import {boolean, string} from '@oclif/core/flags';
import {mockOptions, nameRules} from '../lib/cli/mock/options.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';
import type {GlobalOptions} from '../lib/cli/options/globalFlags.ts';
import {errorLine} from '../lib/cli/output/failure.ts';
import {printError, printJson} from '../lib/cli/output/output.ts';
import {loadConfiguration} from '../lib/cli/serve/configuration.ts';
import {untilSignal} from '../lib/cli/serve/untilSignal.ts';
import {withLocation} from '../lib/config/errors.ts';
import type {Settings} from '../lib/config/settings.ts';
import {FtpdctlError} from '../lib/errors.ts';
import type {ListeningAddress} from '../lib/ftp/server.ts';
import {MockFtpServer} from '../lib/ftp/server.ts';
import {DiskTree} from '../lib/ftp/tree/diskTree.ts';
import {MemoryTree} from '../lib/ftp/tree/memoryTree.ts';
import {type FileTree, readOnly, TreeError} from '../lib/ftp/tree/tree.ts';
import {type Mailbox, noMailbox} from '../lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../lib/session/mailbox/processMailbox.ts';

interface MockOptions extends GlobalOptions {
  readonly 'beyond-loopback': boolean;
}

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
    const tree = flags.root === undefined ? MemoryTree.sample() : await openTree(flags.root);
    await this.#serve(settings, flags['read-only'] ? readOnly(tree) : tree, flags);
  }

  async #serve(settings: Settings, tree: FileTree, flags: MockOptions): Promise<void> {
    const options = await mockOptions(settings);
    for (const rule of nameRules(settings))
      printError(`${rule}: clients have no host names here, only addresses`);
    const mailbox = mailboxOf(settings);
    const server = new MockFtpServer({...options, tree, mailbox, beyondLoopback: flags['beyond-loopback']});
    const ended = untilSignal('SIGHUP');
    try {
      announce(await server.listen(), flags);
      await ended;
    } finally {
      await server.close();
      await mailbox.close();
    }
  }
}

function announce(listening: readonly ListeningAddress[], {json, quiet}: GlobalOptions): void {
  if (json) printJson({listening: listening.map(({address, port}) => ({address, port})), pid: process.pid});
  else if (!quiet) {
    const places = listening.map(({address, port}) => `${address}#${port}`).join(', ');
    printError(`mock FTP server listening on ${places}`);
  }
}

/** Without a queue it is an FTP server all the same; one that cannot be joined is an error, as for `serve`. */
function mailboxOf({message: {queue}}: Settings): Mailbox {
  if (!queue.value) return without('no MessageQueue is configured');
  try {
    return openMailbox({queuePath: queue.value, warn: printError});
  } catch (error) {
    if (error instanceof FtpdctlError && error.code === 'UNIX_DGRAM_MISSING')
      return without(errorLine(error));
    throw withLocation(queue.at, 'MessageQueue', error);
  }
}

function without(reason: string): Mailbox {
  printError(`no message will arrive: ${reason}`);
  return noMailbox;
}

async function openTree(directory: string): Promise<FileTree> {
  try {
    return await DiskTree.open(directory);
  } catch (cause) {
    const {message} = TreeError.from(cause);
    throw new FtpdctlError('NO_ROOT', `--root ${directory}: ${message}`, 1, {
      cause,
      hint: 'name a directory that can be read',
    });
  }
}
