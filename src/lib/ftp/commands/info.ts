import {type Reply, reply} from '../../reply/reply.ts';
import type {Handler, Session} from '../session.ts';
import {ALL_FACTS, resolvePath, TreeError} from '../tree/tree.ts';
import {status as pathStatus} from './listing.ts';
import {replyForPath} from './paths.ts';

export const noop: Handler = () => reply(200, 'NOOP command successful');

export const system: Handler = () => reply(215, 'UNIX Type: L8');

/** ABOR with nothing to abort; when there was, the transfer has already been answered with its own 426. */
export const abort: Handler = () => reply(226, 'Abort successful');

const FEATURES = ['EPRT', 'EPSV', 'MDTM', null, 'REST STREAM', 'SIZE', 'TVFS', 'UTF8'];

export const features: Handler = (session) =>
  reply(211, 'Features:', ...FEATURES.map((feature) => feature ?? `MLST ${markedFacts(session)}`), 'End');

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
  const names = new Set(wanted.toLowerCase().split(';'));
  session.state.facts = [...names].flatMap((name) => ALL_FACTS.filter((fact) => fact.toLowerCase() === name));
  return reply(200, `MLST OPTS ${session.state.facts.map((fact) => `${fact};`).join('')}`);
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
    transfer === null ? 'No data connection' : `Data connection: ${transfer.octets} bytes transferred`,
    'End of status',
  );
}

const SITE_HELP = ["The following SITE commands are recognized (* =>'s unimplemented)", 'HELP', 'CHMOD'];

export const site: Handler = (session, argument) => {
  const [name = '', mode = '', ...path] = argument.split(' ');
  switch (name.toUpperCase()) {
    case 'HELP':
      return {...reply(214, ...SITE_HELP, contact(session)), closing: true};
    case 'CHMOD':
      return changeMode(session, mode, path.join(' '));
    default:
      return reply(500, `'SITE ${name}' not understood`);
  }
};

export function contact(session: Session): string {
  return `Direct comments to root@${session.localAddress}`;
}

/** No set-uid, set-gid or sticky bit: anybody may log in, and on disk a file that comes in belongs to whoever runs this. */
const MAX_MODE = 0o777;

async function changeMode(session: Session, mode: string, path: string): Promise<Reply> {
  if (!/^[0-7]{1,4}$/.test(mode) || path === '') return reply(500, "'SITE CHMOD' not understood");
  const bits = Number.parseInt(mode, 8);
  return replyForPath(path, async () => {
    if (bits > MAX_MODE) throw new TreeError('EPERM');
    await session.tree.changeMode(resolvePath(session.state.workingDirectory, path), bits);
    return reply(200, 'SITE CHMOD command successful');
  });
}
