import {askWith} from '../lib/cli/options/ask.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';
import {Conversation} from '../lib/cli/prompt/conversation.ts';
import {PromptAborted} from '../lib/cli/prompt/questions.ts';
import {Recent} from '../lib/cli/prompt/recent.ts';
import {canAsk, openQuestions} from '../lib/cli/prompt/terminal.ts';

export default class Prompt extends BaseCommand {
  static override summary = 'Choose what to do, and be asked for the rest';
  static override description =
    'What ftpdctl alone does on a terminal. Escape goes back a step, Ctrl-C and Ctrl-D leave at any time. Names and words that were used are ' +
    'offered again; messages are not kept.';
  static override usage = 'prompt';
  static override examples = ['<%= config.bin %>', '<%= config.bin %> -s /run/proftpd.sock prompt'];

  async run(): Promise<void> {
    const {flags} = await this.parse(Prompt);
    if (!canAsk(flags)) {
      throw new UsageError(
        'prompt mode needs a terminal, and neither -q nor --json',
        'name an action: --help',
      );
    }
    const questions = await openQuestions();
    const ask = askWith(flags, questions.signal);
    try {
      await new Conversation({questions, ask, recent: new Recent(process.env)}).run();
    } catch (error) {
      // Ctrl-D ends a conversation as it should end; Ctrl-C breaks it off.
      if (!(error instanceof PromptAborted && error.reason === 'end')) throw error;
    } finally {
      questions.close();
    }
  }
}
