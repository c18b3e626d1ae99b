import {type Reply, reply} from '../../reply/reply.ts';
import type {Command, Handler} from '../session.ts';
import * as attributes from './attributes.ts';
import * as info from './info.ts';
import * as listing from './listing.ts';
import * as login from './login.ts';
import * as dataPorts from './parameters.ts';
import * as parameters from './parameters.ts';
import * as paths from './paths.ts';
import * as transfer from './transfer.ts';

/** What ProFTPD says to a command without its argument: the codes differ, RFC 959 §5.4 knows only the 501. */
const MISSING = reply(501, 'Invalid number of parameters');
const notUnderstood = (verb: string, code = 500): Reply => reply(code, `'${verb}' not understood`);

const NO_USER = reply(500, 'USER: command requires a parameter');

const PATH = '<sp> pathname';

const COMMANDS: readonly Command[] = [
  {verb: 'CWD', syntax: PATH, run: paths.changeDirectory('CWD'), missing: MISSING},
  {verb: 'XCWD', syntax: PATH, run: paths.changeDirectory('XCWD'), missing: MISSING},
  {verb: 'CDUP', syntax: '(up one directory)', run: paths.changeUp('CDUP'), alone: true},
  {verb: 'XCUP', syntax: '(up one directory)', run: paths.changeUp('XCUP'), alone: true},
  {
    verb: 'QUIT',
    syntax: '(close control connection)',
    run: login.quit,
    beforeLogin: true,
    after: (s) => s.end(),
  },
  {verb: 'PORT', syntax: '<sp> h1,h2,h3,h4,p1,p2', run: dataPorts.port, missing: MISSING},
  {verb: 'PASV', syntax: '(returns address/port)', run: dataPorts.passive, alone: true},
  {verb: 'EPRT', syntax: '<sp> |proto|addr|port|', run: dataPorts.extendedPort, missing: MISSING},
  {verb: 'EPSV', syntax: '[<sp> proto|ALL] (returns port)', run: dataPorts.extendedPassive},
  {verb: 'ALLO', syntax: '<sp> size', run: parameters.allocate, missing: notUnderstood('ALLO', 504)},
  {verb: 'RNFR', syntax: PATH, run: paths.renameFrom, missing: MISSING},
  {verb: 'RNTO', syntax: PATH, run: paths.renameTo, missing: MISSING},
  {verb: 'DELE', syntax: PATH, run: paths.remove, missing: MISSING},
  {verb: 'MDTM', syntax: PATH, run: paths.modificationTime, missing: MISSING},
  {verb: 'RMD', syntax: PATH, run: paths.removeDirectory('RMD'), missing: MISSING},
  {verb: 'XRMD', syntax: PATH, run: paths.removeDirectory('XRMD'), missing: MISSING},
  {verb: 'MKD', syntax: PATH, run: paths.makeDirectory, missing: MISSING},
  {verb: 'XMKD', syntax: PATH, run: paths.makeDirectory, missing: MISSING},
  {verb: 'PWD', syntax: '(returns current working directory)', run: paths.printWorkingDirectory, alone: true},
  {
    verb: 'XPWD',
    syntax: '(returns current working directory)',
    run: paths.printWorkingDirectory,
    alone: true,
  },
  {verb: 'SIZE', syntax: PATH, run: paths.size, missing: MISSING},
  {verb: 'SYST', syntax: '(returns system type)', run: info.system, beforeLogin: true},
  {verb: 'HELP', syntax: '[<sp> command]', run: help, beforeLogin: true},
  {verb: 'NOOP', syntax: '(no operation)', run: info.noop, beforeLogin: true},
  {verb: 'FEAT', syntax: '(returns feature list)', run: info.features, beforeLogin: true, alone: true},
  {
    verb: 'OPTS',
    syntax: '<sp> command [<sp> options]',
    run: info.options,
    missing: MISSING,
    beforeLogin: true,
  },
  {
    verb: 'TYPE',
    syntax: '<sp> A|I|L 7|L 8',
    run: parameters.type,
    missing: notUnderstood('TYPE'),
    beforeLogin: true,
  },
  {verb: 'STRU', syntax: '<sp> F', run: parameters.structure, missing: notUnderstood('STRU', 501)},
  {verb: 'MODE', syntax: '<sp> S', run: parameters.mode, missing: notUnderstood('MODE', 501)},
  {verb: 'RETR', syntax: PATH, run: transfer.retrieve},
  {verb: 'STOR', syntax: PATH, run: transfer.store},
  {verb: 'STOU', syntax: '(store under a new name)', run: transfer.storeUnique},
  {verb: 'APPE', syntax: PATH, run: transfer.append},
  {verb: 'REST', syntax: '<sp> byte-count', run: parameters.restart, missing: notUnderstood('REST')},
  {verb: 'RANG', syntax: '<sp> first <sp> last', run: parameters.range, missing: notUnderstood('RANG')},
  {verb: 'ABOR', syntax: '(abort current transfer)', run: info.abort},
  {verb: 'USER', syntax: '<sp> username', run: login.user, missing: NO_USER, beforeLogin: true},
  {verb: 'PASS', syntax: '<sp> password', run: login.password, beforeLogin: true},
  {verb: 'REIN', syntax: '(log out)', run: login.reinitialize, beforeLogin: true, after: login.startOver},
  {verb: 'LIST', syntax: '[<sp> pathname]', run: listing.list},
  {verb: 'NLST', syntax: '[<sp> pathname]', run: listing.nameList},
  {verb: 'STAT', syntax: '[<sp> pathname]', run: info.statusOf},
  {
    verb: 'SITE',
    syntax: '<sp> command',
    run: info.site,
    missing: reply(500, "'SITE' requires parameters"),
    beforeLogin: info.isSiteHelp,
  },
  {verb: 'CLNT', syntax: '<sp> client-name', run: info.clientName, missing: MISSING, beforeLogin: true},
  {
    verb: 'ACCT',
    syntax: '(not implemented)',
    run: parameters.notImplemented('ACCT'),
    beforeLogin: true,
    implemented: false,
  },
  {verb: 'SMNT', syntax: '(not implemented)', run: parameters.notImplemented('SMNT'), implemented: false},
  {verb: 'MFMT', syntax: '<sp> time <sp> pathname', run: attributes.setTime, missing: MISSING},
  {verb: 'MFF', syntax: '<sp> fact=value;… <sp> pathname', run: attributes.setFacts, missing: MISSING},
  {verb: 'MLSD', syntax: '[<sp> pathname]', run: listing.machineList},
  {verb: 'MLST', syntax: '[<sp> pathname]', run: listing.machineFacts},
];

const BY_VERB: ReadonlyMap<string, Command> = new Map(COMMANDS.map((command) => [command.verb, command]));

/** @param verb in upper case */
export function findCommand(verb: string): Command | undefined {
  return BY_VERB.get(verb);
}

export const VERBS: readonly string[] = COMMANDS.map(({verb}) => verb);

const HELP_COLUMNS = 8;
const HELP_WIDTH = 8;

function help(...[session, argument]: Parameters<Handler>): Reply {
  if (argument !== '') {
    const verb = argument.toUpperCase();
    const command = BY_VERB.get(verb);
    if (command === undefined) return reply(502, `Unknown command '${argument}'`);
    return reply(214, `Syntax: ${verb} ${command.syntax}`);
  }
  const names = COMMANDS.map(({verb, implemented = true}) => (implemented ? verb : `${verb}*`));
  const rows = Array.from({length: Math.ceil(names.length / HELP_COLUMNS)}, (_, row) =>
    names
      .slice(row * HELP_COLUMNS, (row + 1) * HELP_COLUMNS)
      .map((name) => name.padEnd(HELP_WIDTH))
      .join(''),
  );
  return reply(
    214,
    "The following commands are recognized (* =>'s unimplemented):",
    ...rows,
    info.contact(session),
  );
}
