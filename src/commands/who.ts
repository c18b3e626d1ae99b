import {string} from '@oclif/core/flags';
import {NOT_LOGGED_IN} from '../lib/audience/audience.ts';
import {ControlCommand} from '../lib/cli/options/controlCommand.ts';
import {UsageError} from '../lib/cli/options/usageError.ts';
import {printError, printJson} from '../lib/cli/output/output.ts';
import {sessionTable} from '../lib/cli/output/sessionTable.ts';
import type {WhoDetails} from '../lib/protocol/details.ts';
import {STATUS} from '../lib/protocol/status.ts';

export default class Who extends ControlCommand {
  static override summary = 'List the FTP sessions that a message can reach';
  static override description = 'ftpdctl serve alone answers this; for a ProFTPD there is ftpwho.';
  static override usage = 'who [--user NAME] [--host NAME] [--class NAME]';
  static override examples = [
    '<%= config.bin %> who',
    '<%= config.bin %> who --class staff',
    '<%= config.bin %> --json who',
  ];
  static override flags = {
    user: string({helpValue: 'NAME', summary: 'only sessions of this user'}),
    host: string({helpValue: 'NAME', summary: 'only sessions from this host name or address'}),
    class: string({helpValue: 'NAME', summary: 'only sessions of this class'}),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Who);
    if (this.words.length > 0) {
      const usage = 'ftpdctl who --user NAME, --host NAME or --class NAME';
      throw new UsageError(`who: unexpected word "${this.words[0]}"`, usage);
    }
    const args = audienceOf(flags);
    const answer = await this.ask(flags, (client) => client.request('who', args));
    const details = answer.server?.details as WhoDetails | undefined;
    if (answer.verdict !== STATUS.OK || !details) {
      this.report(flags, {action: 'who', args}, answer);
      return;
    }
    const sessions = details.sessions.filter(
      ({user, class: className}) =>
        (flags.user === undefined || (user ?? NOT_LOGGED_IN) === flags.user) &&
        (flags.class === undefined || className === flags.class),
    );
    if (flags.json) printJson({sessions, omitted: details.omitted, exitStatus: 0});
    else if (!flags.quiet) process.stdout.write(sessionTable(sessions));
    // An answer has an end: what it had no room for stands in a line after those of the sessions.
    for (const line of answer.responses.slice(Math.max(1, details.sessions.length))) printError(line);
  }
}

/** In this order: the server alone knows a host by all of its addresses. */
const FILTERS = ['host', 'user', 'class'] as const;
type Filter = (typeof FILTERS)[number];

/** One filter is left to the server, whose answer has room for a few thousand sessions. */
function audienceOf(filters: Readonly<Partial<Record<Filter, string | undefined>>>): readonly string[] {
  for (const kind of FILTERS) {
    const name = filters[kind];
    if (name !== undefined) return [kind, name];
  }
  return [];
}
