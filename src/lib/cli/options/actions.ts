import {directiveOf, KNOWN_ACTIONS, subactionsOf} from '../../config/aclRule.ts';
import {didYouMean, UsageError} from './usageError.ts';

/** What is known of a control action. */
interface ActionGuide {
  readonly module: string;
  readonly summary: string;
  /** The words after `ftpdctl`, each way of it. */
  readonly usage: readonly string[];
  /** What one would not expect. */
  readonly note?: string;
}

const SERVERS = 'ADDRESS[#PORT]...';
const NAMED = 'user|host|class NAME...';

/** The control actions of ProFTPD's own modules, those of 1.3.8 (measured) and 1.3.10. */
const GUIDES: Readonly<Record<string, ActionGuide>> = {
  ban: {
    module: 'mod_ban',
    summary: 'Refuse logins of users, hosts or classes',
    usage: [`ban ${NAMED}`, 'ban info [-v] [-e]', 'ban list'],
    note: 'ban list is of ftpdctl: a table, or JSON; the rest is sent as it is.',
  },
  config: {
    module: 'mod_ctrls_admin',
    summary: 'Change a directive of the running server',
    usage: ['config set DIRECTIVE WORD...'],
    note: 'The next restart forgets it.',
  },
  debug: {
    module: 'mod_ctrls_admin',
    summary: 'Show or set the level of debugging',
    usage: ['debug level [NUMBER]'],
  },
  delay: {
    module: 'mod_delay',
    summary: 'Show or reset the table of delays at login',
    usage: ['delay info', 'delay reset'],
  },
  dns: {
    module: 'mod_ctrls_admin',
    summary: 'Turn UseReverseDNS on or off, or forget the names that were looked up',
    usage: ['dns on|off', 'dns cache clear'],
  },
  down: {
    module: 'mod_ctrls_admin',
    summary: 'Take servers down, so that nobody new can log in',
    usage: [`down ${SERVERS}`, 'down all'],
    note:
      'ProFTPD 1.3.8 lets people log in all the same, or with SocketBindTight refuses them until it is restarted. ' +
      'all takes down each server that "ftpdctl status" says is UP; "ftpdctl request down all" sends ProFTPD\'s own.',
  },
  dynmasq: {
    module: 'mod_dynmasq',
    summary: 'Look up the addresses of MasqueradeAddress again',
    usage: ['dynmasq refresh'],
  },
  get: {
    module: 'mod_ctrls_admin',
    summary: 'Tell the value of directives, or which there are',
    usage: ['get config DIRECTIVE...', 'get directives'],
  },
  help: {
    module: 'mod_ctrls',
    summary: 'List the control actions of the server, each with a line of its own',
    usage: ['help'],
  },
  insctrl: {
    module: 'mod_ctrls',
    summary: 'Bring back a control action that rmctrl has removed',
    usage: ['insctrl ACTION [MODULE]'],
  },
  insmod: {
    module: 'mod_dso',
    summary: 'Load modules into the running server',
    usage: ['insmod MODULE...'],
  },
  lsctrl: {
    module: 'mod_ctrls',
    summary: 'List the control actions of the server, and the module of each',
    usage: ['lsctrl'],
  },
  lsmod: {
    module: 'mod_dso',
    summary: 'List the modules of the running server',
    usage: ['lsmod'],
  },
  permit: {
    module: 'mod_ban',
    summary: 'Lift bans',
    usage: [`permit ${NAMED}`],
  },
  receipt: {
    module: 'ftpdctl serve',
    summary: 'Tell what has become of a message',
    usage: ['receipt ID'],
    note: 'A ProFTPD has no such action.',
  },
  restart: {
    module: 'mod_ctrls_admin',
    summary: 'Make the server read its configuration again, as SIGHUP does',
    usage: ['restart', 'restart count'],
    note: 'With a configuration that has a fault the server ends.',
  },
  rmctrl: {
    module: 'mod_ctrls',
    summary: 'Remove a control action from the running server',
    usage: ['rmctrl ACTION [MODULE]', 'rmctrl all'],
    note: '"rmctrl all" closes the controls socket until the server is started again.',
  },
  rmmod: {
    module: 'mod_dso',
    summary: 'Take modules out of the running server',
    usage: ['rmmod MODULE...'],
  },
  scoreboard: {
    module: 'mod_ctrls_admin',
    summary: 'Remove the sessions of dead processes from the scoreboard',
    usage: ['scoreboard clean'],
  },
  shaper: {
    module: 'mod_shaper',
    summary: 'Tell or change how the bandwidth is shared among sessions',
    usage: ['shaper info', 'shaper all|sess WORD...'],
  },
  shutdown: {
    module: 'mod_ctrls_admin',
    summary: 'End the server and every session',
    usage: ['shutdown', 'shutdown graceful SECONDS'],
    note: 'Any other word after it shuts the server down, too. While it waits for "graceful" the server takes no logins and no controls.',
  },
  statcache: {
    module: 'mod_statcache',
    summary: "Tell how the cache of files' attributes is used",
    usage: ['statcache info'],
  },
  tls: {
    module: 'mod_tls',
    summary: 'Tell of the caches of TLS sessions and OCSP answers, or empty them',
    usage: ['tls sesscache|ocspcache info|clear|remove'],
  },
  trace: {
    module: 'mod_ctrls_admin',
    summary: 'Show or set the levels of tracing',
    usage: ['trace info', 'trace CHANNEL:LEVEL...'],
  },
  up: {
    module: 'mod_ctrls_admin',
    summary: 'Let people log in again at servers that were taken down',
    usage: [`up ${SERVERS}`, 'up all'],
    note: 'The addresses are those that "ftpdctl status" prints; all asks for them, and takes up each that is DOWN.',
  },
};

/** How the actions are written that have commands of their own. */
const COMMAND_USAGE: Readonly<Record<string, readonly string[]>> = {
  acl: ['acl check ACTION [user NAME] [group NAME]', 'acl list'],
  kick: [`kick ${NAMED}`, 'kick session ID'],
  msg: ['msg user|host|class|session NAME MESSAGE...', 'msg all MESSAGE...'],
  status: ['status all', `status ${SERVERS}`],
  who: ['who [user|host|class NAME]'],
};

/** The ways to write a control action; none where it is not known here. */
export function usageOf(action: string): readonly string[] {
  if (Object.hasOwn(COMMAND_USAGE, action)) return COMMAND_USAGE[action]!;
  return Object.hasOwn(GUIDES, action) ? GUIDES[action]!.usage : [];
}

/** What the help of a control action says. */
interface ActionHelp {
  readonly summary: string;
  /** The words after `ftpdctl`, each way of it. */
  readonly usage: readonly string[];
  readonly description: string;
}

/** @param commands our own, by their oclif ids. @throws UsageError where nothing is known of the action */
export function actionHelp(action: string, commands: readonly string[]): ActionHelp {
  if (!Object.hasOwn(GUIDES, action)) throw nothingKnown(action, commands);
  const {module, summary, usage, note} = GUIDES[action]!;
  const sentences = [`It is an action of ${module}.`, aclNote(action), note];
  return {summary, usage, description: sentences.filter((one) => one !== undefined).join(' ')};
}

function aclNote(action: string): string | undefined {
  const directive = directiveOf(action) ?? directiveOf(subactionsOf(action)[0] ?? '');
  return directive === undefined ? undefined : `${directive} says who may use it.`;
}

function nothingKnown(action: string, commands: readonly string[]): UsageError {
  const words = [...commands.map((id) => id.replaceAll(':', ' ')), ...KNOWN_ACTIONS];
  return new UsageError(
    `nothing is known here of an action "${action}"`,
    didYouMean(
      action,
      words,
      `"ftpdctl help" asks the server what it is for; "ftpdctl request ${action} --help" sends it with that word`,
    ),
  );
}

/** Modules whose actions were seen to refuse to do without words, on 1.3.8 and 1.3.10. */
const MEASURED_MODULES = ['mod_ctrls', 'mod_ctrls_admin', 'ftpdctl serve'];

/** What a server would say as well, but at its next poll. @throws UsageError */
function refuseWithoutWords(action: string, words: readonly string[]): void {
  const guide = Object.hasOwn(GUIDES, action) ? GUIDES[action]! : undefined;
  if (words.length > 0 || guide === undefined || !MEASURED_MODULES.includes(guide.module)) return;
  if (guide.usage.includes(action)) return;
  const ways = guide.usage.map((usage) => `ftpdctl ${usage}`).join(', or ');
  throw new UsageError(`${action}: missing required parameters`, ways);
}

/** What people call things that have another name here. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    msg: ['message', 'messages', 'send', 'tell', 'notify', 'wall', 'write', 'broadcast'],
    who: ['list', 'ls', 'ps', 'w', 'users', 'sessions', 'clients', 'ftpwho'],
    kick: ['disconnect', 'kill'],
    help: ['?', 'actions', 'commands', 'controls'],
    completion: ['complete', 'completions'],
    permit: ['unban', 'allow'],
    restart: ['reload'],
    serve: ['server', 'start'],
    shutdown: ['stop'],
    '--version': ['version'],
    '--help': ['man', 'usage'],
    'acl check': ['check'],
  }).flatMap(([name, others]) => others.map((other) => [other, name] as const)),
);

/**
 * Refuse what is a slip of the keyboard, before a server is looked for: a known action without its words, and a word that
 * is nearly one that is known. Any other word may be the action of a module that
 * is not known here.
 * @param commands our own, by their oclif ids
 * @throws UsageError which says what was probably meant
 */
export function refuseSlip(action: string, words: readonly string[], commands: readonly string[]): void {
  if (KNOWN_ACTIONS.includes(action)) {
    refuseWithoutWords(action, words);
    return;
  }
  if (/\s/.test(action.trim()) && words.length === 0) {
    const [first] = action.trim().split(/\s+/);
    const hint = `without the quotes: ftpdctl ${action.trim()}`;
    throw new UsageError(`"${action}" is one word to ftpdctl, and no action's name`, first && hint);
  }
  if (/^[-/]/.test(action))
    throw new UsageError(`"${action}" is no action's name`, 'ftpdctl --help lists the commands');
  if (action.trim() === '') throw new UsageError('missing required action', 'ftpdctl --help lists them');
  const known = [
    ...commands.flatMap((id) => (id.startsWith('_') ? [] : [id.split(':')[0]!])),
    ...KNOWN_ACTIONS,
  ];
  const other = OTHER_NAMES.get(action.toLowerCase());
  const hint = other === undefined ? didYouMean(action, known, '') : `did you mean "${other}"?`;
  if (hint === '') return;
  throw new UsageError(
    `"${action}" is neither a command nor an action known here`,
    `${hint} "ftpdctl request ${action}" sends it all the same`,
  );
}
