import {type Reply, reply} from '../../reply/reply.ts';
import {ActivePort, isIPv6, PassivePort, parseAddress} from '../data/dataPort.ts';
import type {Handler, Session} from '../session.ts';

/** RFC 959 §3.1.1: ASCII and image; `L 8` is image on every machine of today. */
export const type: Handler = (session, argument) => {
  const letter = argument[0]!.toUpperCase();
  if (letter === 'E') return reply(504, `'TYPE ${argument}' unsupported type`);
  const known = /^(A( [NTC])?|I|L 8)$/i.test(argument);
  if (!known) return reply(500, `'TYPE ${argument}' not understood`);
  session.state.type = letter === 'A' ? 'A' : 'I';
  return reply(200, `Type set to ${letter}`);
};

export const mode: Handler = (_session, argument) => {
  const letter = argument.toUpperCase();
  if (letter === 'S') return reply(200, 'Mode set to S');
  if (letter === 'B' || letter === 'C') return reply(504, `'MODE ${argument}' unsupported transfer mode`);
  return reply(501, `'MODE ${argument}' unrecognized transfer mode`);
};

export const structure: Handler = (_session, argument) => {
  const letter = argument.toUpperCase();
  if (letter === 'F') return reply(200, 'Structure set to F');
  if (letter === 'R' || letter === 'P') return reply(504, `'STRU ${argument}' unsupported structure type`);
  return reply(501, `'STRU ${argument}' unrecognized structure type`);
};

/** RFC 3659 §5.3; an ASCII file has no offsets that both sides would agree upon. */
export const restart: Handler = (session, argument) => {
  const offset = /^\d+$/.test(argument) ? Number(argument) : Number.NaN;
  if (!Number.isSafeInteger(offset)) return reply(501, 'REST requires a value greater than or equal to 0');
  if (session.state.type === 'A' && offset > 0) {
    return reply(501, 'REST: Resuming transfers not allowed in ASCII mode');
  }
  session.state.restart = offset;
  return reply(350, `Restarting at ${offset}. Send STORE or RETRIEVE to initiate transfer`);
};

export const allocate: Handler = (_session, argument) =>
  /^\d+( R \d+)?$/i.test(argument)
    ? reply(200, 'ALLO command successful')
    : reply(504, `'ALLO ${argument}' not understood`);

/** RFC 2577 §3: no data connection to a well-known service. */
const FIRST_UNPRIVILEGED_PORT = 1024;
const MAX_PORT = 65_535;

export const passive: Handler = async (session, argument) => {
  if (argument !== '') return reply(501, 'Invalid number of parameters');
  if (session.state.epsvOnly) return reply(501, 'Illegal PASV command, EPSV ALL in effect');
  if (isIPv6(session.localAddress)) return reply(425, 'Unable to use PASV over IPv6, use EPSV');
  return listen(session, (port) => {
    const numbers = [...session.localAddress.split('.'), port >> 8, port & 0xff];
    return reply(227, `Entering Passive Mode (${numbers.join(',')}).`);
  });
};

export const extendedPassive: Handler = async (session, argument) => {
  if (argument.toUpperCase() === 'ALL') {
    session.state.epsvOnly = true;
    return reply(200, 'EPSV ALL command successful');
  }
  if (argument !== '' && argument !== protocolOf(session)) return wrongProtocol(session);
  return listen(session, (port) => reply(229, `Entering Extended Passive Mode (|||${port}|)`));
};

async function listen(session: Session, announce: (port: number) => Reply): Promise<Reply> {
  try {
    const port = await PassivePort.listen(session.localAddress, session.peerAddress);
    session.useDataPort(port);
    return announce(port.port);
  } catch {
    return reply(425, 'Unable to build data connection: no port to listen on');
  }
}

export const port: Handler = (session, argument) => {
  if (session.state.epsvOnly) return reply(501, 'Illegal PORT command, EPSV ALL in effect');
  if (!/^\d{1,3}(,\d{1,3}){5}$/.test(argument)) return reply(501, 'Illegal PORT command');
  const numbers = argument.split(',').map(Number);
  if (numbers.some((number) => number > 255)) return reply(501, 'Illegal PORT command');
  const address = numbers.slice(0, 4).join('.');
  return connectTo(session, 'PORT', address, numbers[4]! * 256 + numbers[5]!);
};

/** RFC 2428 §2: `|protocol|address|port|` with any delimiter. */
export const extendedPort: Handler = (session, argument) => {
  if (session.state.epsvOnly) return reply(501, 'Illegal EPRT command, EPSV ALL in effect');
  const [, protocol, text, digits] = /^([!-~])\1/.test(argument)
    ? []
    : argument.split(argument[0]!, 5).map((part) => part.trim());
  if (protocol !== protocolOf(session)) return wrongProtocol(session);
  const address = parseAddress(text ?? '');
  if (address === null || !/^\d{1,5}$/.test(digits ?? '')) return reply(501, 'Illegal EPRT command');
  return connectTo(session, 'EPRT', address, Number(digits));
};

/** RFC 2577 §3: a server that connects wherever it is told to is a tool for attacking third parties. */
function connectTo(session: Session, verb: string, address: string, number: number): Reply {
  const allowed = address === session.peerAddress && number >= FIRST_UNPRIVILEGED_PORT && number <= MAX_PORT;
  if (!allowed) return reply(500, `Illegal ${verb} command`);
  session.useDataPort(new ActivePort(session.localAddress, address, number));
  return reply(200, `${verb} command successful`);
}

function protocolOf(session: Session): string {
  return isIPv6(session.localAddress) ? '2' : '1';
}

function wrongProtocol(session: Session): Reply {
  return reply(522, `Network protocol not supported, use (${protocolOf(session)})`);
}
