import {reply} from '../../reply/reply.ts';
import type {Handler} from '../session.ts';

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
