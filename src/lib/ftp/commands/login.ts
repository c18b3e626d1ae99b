import {reply} from '../../reply/reply.ts';
import {CONTROLS} from '../../text.ts';
import type {Handler, Session} from '../session.ts';

/** ProFTPD's PR_TUNABLE_LOGIN_MAX. */
const MAX_USER_OCTETS = 256;

export const user: Handler = (session, argument) => {
  const {login} = session.state;
  if (login.kind === 'done') {
    if (login.user === argument) return reply(230, `User ${argument} logged in`);
    return reply(501, 'Reauthentication not supported');
  }
  if (Buffer.byteLength(argument) > MAX_USER_OCTETS) return reply(501, 'Login name too long');
  if (CONTROLS.reply.test(argument)) return reply(501, 'Login name with control characters');
  session.state.login = {kind: 'named', user: argument};
  return reply(331, `Password required for ${argument}`);
};

/** Any password: the mock server guards nothing. mod_msg puts what is pending before this 230, so does `closing`. */
export const password: Handler = (session) => {
  const {login} = session.state;
  if (login.kind === 'done') return reply(503, 'You are already logged in');
  if (login.kind === 'none') return reply(503, 'Login with USER first');
  session.state.login = {kind: 'done', user: login.user};
  session.identify(login.user);
  return {...reply(230, `User ${login.user} logged in`), closing: true};
};

export const reinitialize: Handler = () => reply(220, 'Service ready for new user');

export const startOver = (session: Session): void => session.reset();

export const quit: Handler = () => reply(221, 'Goodbye.');
