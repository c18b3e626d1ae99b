import {boolean, custom, string} from '@oclif/core/flags';
import {sendMessage} from '../lib/cli/message/send.ts';
import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {optionalSeconds} from '../lib/cli/options/flags.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';
import type {Via} from '../lib/daemon/daemon.ts';

/** Seconds that `--wait` alone stands for. */
const WAIT_SECONDS = '60';

export default class Msg extends ControlCommand {
  static override summary = 'Send a message to connected FTP clients';
  static override description =
    "The message joins the reply to each client's next FTP command. Every word after the audience belongs to it, " +
    'dashes and all; but "-" alone is standard input, and "-F FILE" alone a file. Exits with 7, and sends nothing, where a server ' +
    'cannot say who gets it (--dry-run) or who was shown it (--wait).';
  static override usage =
    'msg [OPTION...] user|host|class|session NAME MESSAGE...\nmsg [OPTION...] all MESSAGE...';
  static override examples = [
    '<%= config.bin %> msg user dave please delete some files',
    '<%= config.bin %> msg class staff the disk is nearly full',
    '<%= config.bin %> msg -F notice.txt all',
    '<%= config.bin %> msg --wait=30 all going down in 5 minutes',
  ];
  static override flags = {
    file: string({char: 'F', helpValue: 'FILE', summary: 'read the message from a file'}),
    'join-lines': boolean({summary: 'make one line of several where the way takes one'}),
    transliterate: boolean({summary: 'write it in ASCII, which every server and way takes'}),
    'dry-run': boolean({summary: 'say who would get it, and send nothing'}),
    via: custom<Via>({
      options: ['auto', 'controls', 'direct'],
      helpValue: 'WAY',
      summary: 'auto, controls (the socket) or direct (as root)',
    })(),
    wait: optionalSeconds(
      'wait',
      WAIT_SECONDS,
      `wait until each was shown it, ${WAIT_SECONDS} s or this long; exit with 75 if time is over, ` +
        'with 4 if somebody never will',
    ),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Msg);
    if (flags['dry-run'] && flags.wait !== undefined) {
      const why = 'msg: --dry-run sends nothing that --wait could wait for';
      throw new UsageError(why, 'leave one of them out');
    }
    await sendMessage(this.words, flags, {
      ask: this.asking(flags),
      text: this.elsewhere?.text,
      report: (request, answer, more) => this.report(flags, request, answer, more),
    });
  }
}
