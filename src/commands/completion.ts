import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {string} from '@oclif/core/args';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';
import {didYouMean, UsageError} from '../lib/cli/options/usageError.ts';
import {printJson} from '../lib/cli/output/output.ts';

const SHELLS = ['bash', 'zsh', 'fish'];

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script of a shell';
  static override description =
    'It completes commands, options, control actions, and the users, hosts and classes of connected sessions.';
  static override usage = 'completion bash|zsh|fish';
  static override examples = [
    'eval "$(ftpdctl completion bash)"',
    'ftpdctl completion zsh > /usr/local/share/zsh/site-functions/_ftpdctl',
    'ftpdctl completion fish > ~/.config/fish/completions/ftpdctl.fish',
  ];
  static override args = {
    shell: string({required: true, options: SHELLS, description: 'bash, zsh or fish'}),
  };

  protected override async catch(error: Error): Promise<never> {
    const [shell] = this.argv.filter((word) => !word.startsWith('-'));
    if (shell === undefined || SHELLS.includes(shell)) return super.catch(error);
    const hint = didYouMean(shell, SHELLS, 'there is one for bash, zsh and fish');
    throw new UsageError(`there is no completion script for ${shell}`, hint);
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Completion);
    const script = readFileSync(join(this.config.root, 'completions', `ftpdctl.${args.shell}`), 'utf8');
    if (flags.json) printJson({shell: args.shell, script, exitStatus: 0});
    else process.stdout.write(script);
  }
}
