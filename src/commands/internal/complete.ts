import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Commands, Completer, liveActions, liveNames} from '../../lib/cli/completion.ts';
import {groupNames} from '../../lib/cli/fleet/selection.ts';
import {BaseCommand} from '../../lib/cli/options/baseCommand.ts';
import {printable} from '../../lib/cli/output/output.ts';

/** What the completion scripts ask: a line a candidate, its value and after a tab its description. */
export default class Complete extends BaseCommand {
  static override hidden = true;
  static override summary = 'Complete a command line, for the completion scripts';

  async run(): Promise<void> {
    const words = this.argv.slice(this.argv.indexOf('--') + 1);
    const manifest = JSON.parse(readFileSync(join(this.config.root, 'oclif.manifest.json'), 'utf8'));
    const completer = new Completer(
      manifest.commands as Commands,
      (socket) => liveNames(socket, process.env),
      (socket) => liveActions(socket, process.env),
      () => groupNames(process.env),
    );
    const completion = await completer.complete(words);
    if (completion === 'files') {
      process.stdout.write(':files\n');
      return;
    }
    const lines = completion
      .filter(({value}) => printable(value) === value)
      .map(({value, description = ''}) => `${value}\t${description}\n`);
    process.stdout.write(lines.join(''));
  }
}
