import {boolean} from '@oclif/core/flags';
import {ControlCommand} from '../lib/cli/controlCommand.ts';
import {audienceOf} from '../lib/cli/messageWords.ts';

export default class Msg extends ControlCommand {
  static override summary = 'Send a message to connected FTP clients';
  static override description =
    "The message joins the reply to each client's next FTP command. Every word after the audience belongs to the " +
    'message, dashes and all; words are joined by one space.';
  static override usage = 'msg [OPTION...] user|host|class NAME MESSAGE...\nmsg [OPTION...] all MESSAGE...';
  static override examples = [
    '<%= config.bin %> msg user dave please delete some files',
    '<%= config.bin %> msg class staff the disk is nearly full',
    '<%= config.bin %> msg all going down for maintenance in 5 minutes',
  ];
  static override flags = {
    transliterate: boolean({
      summary: 'write characters beyond ASCII in ASCII, which alone every server takes',
    }),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Msg);
    const {audience, words} = audienceOf(this.words);
    const text = await this.#text(words.join(' '), flags.transliterate);
    await this.send(flags, {action: 'msg', args: [...audience, text]}, (client) =>
      client.message(audience, text),
    );
  }

  async #text(text: string, transliterate: boolean): Promise<string> {
    if (!transliterate) return text;
    const {default: anyAscii} = await import('any-ascii');
    return anyAscii(text);
  }
}
