import {boolean, string} from '@oclif/core/flags';
import {drain} from '../lib/cli/drain/drain.ts';
import {BaseCommand} from '../lib/cli/options/baseCommand.ts';

export default class Drain extends BaseCommand {
  static override summary = 'Take a server down without surprises, and take that back';
  static override description =
    'Lets transfers end, then ends the rest. Exits with 0 only when nobody is left.';
  static override usage = 'drain --in TIME | --at TIME | --now | --show | --cancel [OPTION...]';
  static override examples = [
    '<%= config.bin %> drain --at 18:00 --warn 15m,5m,1m --grace 10m --dry-run',
    "<%= config.bin %> drain --in 5m --then 'systemctl restart proftpd' --reopen",
  ];
  static override flags = {
    in: string({helpValue: 'TIME', summary: 'sessions end in 90s, 15m, 2h, 1h30m'}),
    at: string({helpValue: 'HH:MM', summary: 'sessions end when the clock next shows that'}),
    now: boolean({summary: 'sessions end at once'}),
    warn: string({helpValue: 'TIMES', summary: 'before the end (default 60m,30m,15m,10m,5m,2m,1m)'}),
    'no-warn': boolean({summary: 'tell nobody'}),
    close: string({helpValue: 'TIME', summary: 'close logins so long before the end (default 5m)'}),
    grace: string({helpValue: 'TIME', summary: 'transfers may go on so long after it (default 10m)'}),
    message: string({helpValue: 'TEXT', summary: 'what is said; {left} stands for the time left'}),
    // biome-ignore lint/suspicious/noThenProperty: a text, which nothing takes for a promise's
    then: string({helpValue: 'COMMAND', summary: 'run this when nobody is left'}),
    reopen: boolean({summary: 'open logins afterwards; else they stay closed'}),
    'dry-run': boolean({summary: 'show the plan and who is there, and do nothing'}),
    detach: boolean({summary: 'have it go on by itself, and exit when it has begun'}),
    show: boolean({summary: 'say what drain there is', exclusive: ['cancel', 'in', 'at', 'now']}),
    cancel: boolean({
      summary: 'take back the drain there is, as Ctrl-C does',
      exclusive: ['in', 'at', 'now'],
    }),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Drain);
    await drain(flags);
  }
}
