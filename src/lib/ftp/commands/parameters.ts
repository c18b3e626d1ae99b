import {type Reply, reply} from '../../reply/reply.ts';
import {ActivePort, isIPv6, PassivePort, parseAddress} from '../data/dataPort.ts';
import {type Handler, type Session, type TransferRange, WHOLE} from '../session.ts';

const words = (argument: string): string[] => argument.split(/[ \t]+/).filter((word) => word !== '');

/**
 * RFC 959 §3.1.1. ProFTPD takes a second word after A and I, whatever it says, and needs one after L: 7 is ASCII, and 8 what
 * every machine of today has for an image.
 */
export const type: Handler = (session, argument) => {
  const [name = '', size, ...more] = words(argument);
  if (more.length > 0) return reply(500, `'TYPE ${argument}' not understood`);
  const set = typeOf(name.toUpperCase(), size);
  if (set === undefined) return reply(504, `TYPE not implemented for '${name}' parameter`);
  session.state.type = set;
  return reply(200, `Type set to ${name}`);
};

function typeOf(name: string, size: string | undefined): 'A' | 'I' | undefined {
  if (name === 'A' || name === 'I') return name;
  if (name !== 'L') return undefined;
  return size === '8' ? 'I' : size === '7' ? 'A' : undefined;
}

export const mode: Handler = (_session, argument) => {
  const [name = '', ...more] = words(argument.toUpperCase());
  if (more.length > 0) return reply(501, `'MODE ${argument}' not understood`);
  if (name === 'S') return reply(200, 'Mode set to S');
  if (name === 'B' || name === 'C') return reply(504, `'MODE ${argument}' unsupported transfer mode`);
  return reply(501, `'MODE ${argument}' unrecognized transfer mode`);
};

export const structure: Handler = (_session, argument) => {
  const [name = '', ...more] = words(argument.toUpperCase());
  if (more.length > 0) return reply(501, `'STRU ${argument}' not understood`);
  if (name === 'F') return reply(200, 'Structure set to F');
  if (name === 'R' || name === 'P') return reply(504, `'STRU ${argument}' unsupported structure type`);
  return reply(501, `'STRU ${argument}' unrecognized structure type`);
};

/** RFC 3659 §5.3; an ASCII file has no offsets that both sides would agree upon. */
export const restart: Handler = (session, argument) => {
  const [word = '', ...more] = words(argument);
  if (more.length > 0) return reply(500, `'REST ${argument}' not understood`);
  const offset = byteCount(word);
  if (offset === undefined) return reply(501, 'REST requires a value greater than or equal to 0');
  if (session.state.type === 'A' && offset > 0) {
    return reply(501, 'REST: Resuming transfers not allowed in ASCII mode');
  }
  session.state.range = {kind: 'REST', offset};
  return reply(350, `Restarting at ${offset}. Send STORE or RETRIEVE to initiate transfer`);
};

/** draft-bryan-ftp-range §3: first and last byte; `1 0` takes it back. */
export const range: Handler = (session, argument) => {
  const [first, last, ...more] = words(argument).map(byteCount);
  if (first === undefined || last === undefined || more.length > 0)
    return reply(500, `'RANG ${argument}' not understood`);
  if (session.state.type === 'A') return reply(551, 'RANG: Transfer ranges not allowed in ASCII mode');
  if (first === 1 && last === 0) {
    session.state.range = WHOLE;
    return reply(350, 'Reset byte transfer range');
  }
  if (first > last) return reply(501, 'RANG start must be less than end');
  const length = last - first + 1;
  session.state.range = {kind: 'RANG', offset: first, length};
  return reply(350, `Transferring byte range of ${bytes(length)} starting from ${first}`);
};

/** The range that the client has asked for, which is for this transfer and no other. */
export function takeRange(session: Session): TransferRange {
  const {range: taken} = session.state;
  session.state.range = WHOLE;
  return taken;
}

export function bytes(count: number): string {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
}

function byteCount(word: string): number | undefined {
  const count = /^\+?\d+$/.test(word) ? Number(word) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

/** `bytes`, or `bytes R record`. ProFTPD allocates nothing either; in a `DefaultRoot` it says so, with a 202. */
export const allocate: Handler = (_session, argument) => {
  const [size = '', record, length, ...more] = words(argument);
  const isShort = record === undefined;
  const isLong = record?.toUpperCase() === 'R' && length !== undefined && more.length === 0;
  if (!isShort && !isLong) return reply(504, `'ALLO ${argument}' not understood`);
  if (!/^[+-]?\d+$/.test(size)) return reply(504, `${argument}: Invalid ALLO argument`);
  return reply(200, 'ALLO command successful');
};

/** RFC 959 §5.4: superfluous here. */
export const notImplemented =
  (verb: string): Handler =>
  () =>
    reply(502, `${verb} command not implemented`);

/** RFC 2577 §3: no data connection to a well-known service. */
const FIRST_UNPRIVILEGED_PORT = 1024;
const MAX_PORT = 65_535;

export const passive: Handler = async (session) => {
  if (session.state.epsvOnly) return reply(500, 'Illegal PASV command, EPSV ALL in effect');
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
  const [protocol = protocolOf(session)] = argument.split(/[ \t]+/).filter((word) => word !== '');
  if (!/^\d+$/.test(protocol)) return reply(501, 'EPSV: unknown network protocol');
  if (protocol !== protocolOf(session)) return wrongProtocol(session);
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
  if (session.state.epsvOnly) return reply(500, 'Illegal PORT command, EPSV ALL in effect');
  if (!/^\d{1,3}(,\d{1,3}){5}$/.test(argument)) return reply(501, 'Illegal PORT command');
  const numbers = argument.split(',').map(Number);
  const isNoPort = numbers[4] === 0 && numbers[5] === 0;
  if (isNoPort || numbers.some((number) => number > 255)) return reply(501, 'Illegal PORT command');
  const address = numbers.slice(0, 4).join('.');
  return connectTo(session, 'PORT', address, numbers[4]! * 256 + numbers[5]!);
};

/** RFC 2428 §2: `|protocol|address|port|` with any delimiter. */
export const extendedPort: Handler = (session, argument) => {
  if (session.state.epsvOnly) return reply(500, 'Illegal EPRT command, EPSV ALL in effect');
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
