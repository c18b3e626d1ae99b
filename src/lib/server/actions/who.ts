import {type Audience, NOT_LOGGED_IN, selectSessions} from '../../audience.ts';
import type {WhoDetails, WhoSession} from '../../protocol/details.ts';
import {countOf} from '../../text.ts';
import {type ControlResult, success, takeWhileFits, WRONG_NUMBER, whoSession} from '../controlResult.ts';
import type {Messages} from '../messages.ts';
import type {Action} from './action.ts';
import {resolveAudience, takeAudience} from './audienceWords.ts';

/** The sessions the server knows, or those of an audience. Open to callers who may send them messages. */
export const who: Action = {
  name: 'who',
  module: 'mod_ftpdctl.c',
  description: 'list connected sessions',
  permission: 'msg',
  async run({args}, {messages, hosts}) {
    const words = takeAudience('who', args.length === 0 ? ['all'] : args);
    if (words.kind === 'refused') return words.result;
    if (words.rest.length > 0) return WRONG_NUMBER;
    const audience = await resolveAudience('who', words, hosts);
    return 'status' in audience ? audience : listed(audience, messages);
  },
};

function listed(audience: Audience, messages: Messages): ControlResult {
  const all = selectSessions(audience, messages.sessions());
  const sessions = takeWhileFits(all.map(whoSession));
  const omitted = all.length - sessions.length;
  const details: WhoDetails = {sessions, omitted};
  const lines = sessions.map(line);
  if (omitted > 0) lines.push(`and ${countOf(omitted, 'session')} more`);
  return success(lines.length === 0 ? ['no sessions'] : lines, details);
}

function line({user, host, class: name, server, idle, waiting}: WhoSession): string {
  const inClass = name === null ? '' : `, class ${name}`;
  return `${user ?? NOT_LOGGED_IN}@${host} on ${server}${inClass}: idle ${idle} s, ${waiting} waiting`;
}
