import {type Reply, reply} from '../../reply/reply.ts';
import type {Handler, Session} from '../session.ts';
import {ALL_FACTS} from '../tree/tree.ts';
import {changeMode} from './attributes.ts';
import {status as pathStatus} from './listing.ts';

export const noop: Handler = () => reply(200, 'NOOP command successful');

export const system: Handler = () => reply(215, 'UNIX Type: L8');

/** ABOR with nothing to abort; when there was, the transfer has already been answered with its own 426. */
export const abort: Handler = () => reply(226, 'Abort successful');

export const features: Handler = (session) => {
  const before = ['CLNT', 'EPRT', 'EPSV', 'MDTM', 'MFF modify;UNIX.mode;', 'MFMT'];
  const after = ['RANG STREAM', 'REST STREAM', 'SIZE', 'TVFS', 'UTF8'];
  return reply(211, 'Features:', ...before, `MLST ${markedFacts(session)}`, ...after, 'End');
};

/** RFC 3659 §7.8: an asterisk behind each fact that is on. */
function markedFacts(session: Session): string {
  return ALL_FACTS.map((fact) => `${fact}${session.state.facts.includes(fact) ? '*' : ''};`).join('');
}

export const options: Handler = (session, argument) => {
  const [name = '', ...values] = argument.split(' ');
  switch (name.toUpperCase()) {
    case 'UTF8':
    case 'UTF-8':
      return setUtf8(session, argument, values);
    case 'MLST':
      return setFacts(session, values.join(' '));
    default:
      return reply(500, `OPTS ${argument} not understood`);
  }
};

function setUtf8(session: Session, argument: string, [value = 'on']: string[]): Reply {
  const setting = value.toLowerCase();
  if (setting !== 'on' && setting !== 'off') return reply(501, `OPTS ${argument} not understood`);
  session.state.utf8 = setting === 'on';
  return reply(200, `UTF8 set to ${setting}`);
}

/** RFC 3659 §7.9: facts that the server does not have are left out, without an error. */
function setFacts(session: Session, wanted: string): Reply {
  if (wanted === '') {
    session.state.facts = [];
    return reply(200, 'MLST OPTS');
  }
  const names = new Set(wanted.toLowerCase().split(';'));
  const chosen = [...names].flatMap((name) => ALL_FACTS.filter((fact) => fact.toLowerCase() === name));
  // Answered in the client's order, and written in that of FEAT, as ProFTPD does.
  session.state.facts = ALL_FACTS.filter((fact) => chosen.includes(fact));
  return reply(200, `MLST OPTS ${chosen.map((fact) => `${fact};`).join('')}`);
}

export const statusOf: Handler = (session, argument) =>
  argument === '' ? status(session) : pathStatus(session, argument);

/** STAT without a path. */
export function status(session: Session): Reply {
  const {state, transfer} = session;
  const {login} = state;
  const type = state.type === 'A' ? 'ASCII' : 'BINARY';
  return reply(
    211,
    `Status of '${session.server.name}'`,
    `Connected from ${session.peerAddress} (${session.peerAddress})`,
    login.kind === 'done' ? `Logged in as ${login.user}` : 'Not logged in',
    `TYPE: ${type}, STRUcture: File, Mode: Stream`,
    ...(state.octets > 0 ? [`Total bytes transferred for session: ${state.octets}`] : []),
    transfer === null ? 'No data connection' : `Data connection: ${transfer.octets} bytes transferred`,
    'End of status',
  );
}

const SITE_SYNTAX: Readonly<Record<string, string>> = {HELP: 'HELP', CHMOD: 'CHMOD <sp> mode <sp> pathname'};

export const site: Handler = (session, argument) => {
  const [, name = '', rest = ''] = /^[ \t]*(\S*) ?(.*)$/s.exec(argument) ?? [];
  switch (name.toUpperCase()) {
    case 'HELP':
      return siteHelp(session, rest);
    case 'CHMOD':
      return changeMode(session, rest);
    default:
      return reply(500, `'SITE ${name}' not understood`);
  }
};

function siteHelp(session: Session, command: string): Reply {
  const syntax = SITE_SYNTAX[command.toUpperCase()];
  if (command !== '' && syntax === undefined) return reply(502, `Unknown command 'SITE HELP ${command}'`);
  const lines = syntax === undefined ? Object.keys(SITE_SYNTAX) : [`Syntax: SITE ${syntax}`];
  const first = "The following SITE commands are recognized (* =>'s unimplemented)";
  return {...reply(214, first, ...lines, contact(session)), closing: true};
}

/** Before the login only its help is given. */
export function isSiteHelp(argument: string): boolean {
  return /^HELP\b/i.test(argument);
}

export function contact(session: Session): string {
  return `Direct comments to root@${session.localAddress}`;
}

/** The name of a client's software, which is of no use here: clients that send it want a 200. */
export const clientName: Handler = () => reply(200, 'OK');
