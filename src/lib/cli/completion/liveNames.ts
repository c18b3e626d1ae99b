import {NOT_LOGGED_IN} from '../../audience/audience.ts';
import {connect} from '../../daemon/connect.ts';

/** Milliseconds for an answer: with the start of the program it stays below the 300 that a completion may take. */
const ANSWER_TIMEOUT_MS = 180;

/** Whom a message can reach at this moment. */
export interface LiveNames {
  readonly user: readonly string[];
  readonly host: readonly string[];
  readonly class: readonly string[];
  /** Ids. */
  readonly session: readonly string[];
}

const NOBODY: LiveNames = {user: [], host: [], class: [], session: []};

/** The names of connected sessions. Any trouble means nobody: a completion must not wait. */
export async function liveNames(socket: string | undefined, env: NodeJS.ProcessEnv): Promise<LiveNames> {
  try {
    const options = {...(socket === undefined ? {} : {socket}), timeout: ANSWER_TIMEOUT_MS, env};
    const answer = await connect(options).sessions({}, {withoutPoll: true});
    if (answer.kind !== 'sessions') return NOBODY;
    const {sessions} = answer;
    return {
      user: unique(sessions.map(({user}) => user ?? NOT_LOGGED_IN)),
      host: unique(sessions.flatMap(({host, address}) => [host, address])),
      class: unique(sessions.flatMap((session) => session.class ?? [])),
      session: sessions.map(({id}) => id),
    };
  } catch {
    return NOBODY;
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
