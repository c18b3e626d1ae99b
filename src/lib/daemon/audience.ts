import {lookup} from 'node:dns/promises';
import {type Audience, audienceFilter} from '../audience.ts';
import {FtpdctlError} from '../errors.ts';
import {exitStatusOf, STATUS} from '../protocol/message.ts';
import type {AudienceWords, Session, SessionFilter} from './daemon.ts';

/**
 * The sessions that the words of a message mean.
 * @throws FtpdctlError `UNKNOWN_HOST`, `USAGE`
 */
export async function meant(
  [kind, name = '']: AudienceWords,
  sessions: readonly Session[],
): Promise<readonly Session[]> {
  switch (kind) {
    case 'all':
      return sessions;
    case 'host':
      return sessions.filter(audienceFilter(await hostAudience(name)));
    case 'user':
    case 'class':
      return sessions.filter(audienceFilter({kind, name}));
    case 'session':
      return sessions.filter(({id, pid}) => id === name || String(pid) === name);
    default:
      throw new FtpdctlError('USAGE', `unknown msg type requested: '${kind}'`, -STATUS.WRONG_PARAMETERS);
  }
}

/** The sessions that meet every name given. @throws FtpdctlError `UNKNOWN_HOST` where the host's name does not resolve */
export async function matching(
  {user, host, class: className}: SessionFilter,
  sessions: readonly Session[],
): Promise<readonly Session[]> {
  const audiences: Audience[] = [
    ...(user === undefined ? [] : [{kind: 'user' as const, name: user}]),
    ...(className === undefined ? [] : [{kind: 'class' as const, name: className}]),
    ...(host === undefined ? [] : [await hostAudience(host)]),
  ];
  const filters = audiences.map(audienceFilter);
  return sessions.filter((session) => filters.every((isMeant) => isMeant(session)));
}

/** A host by all of its addresses, as mod_msg has it. @throws FtpdctlError `UNKNOWN_HOST`, exit status 4 */
async function hostAudience(name: string): Promise<Audience> {
  try {
    const found = await lookup(name, {all: true});
    return {kind: 'host', name, addresses: found.map(({address}) => address)};
  } catch (cause) {
    throw new FtpdctlError(
      'UNKNOWN_HOST',
      `the host name "${name}" does not resolve`,
      exitStatusOf(STATUS.SUBJECT_NOT_FOUND),
      {cause, hint: 'give the address'},
    );
  }
}
