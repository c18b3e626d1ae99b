import {chooseDaemon} from '../proftpd/choose.ts';
import {ifKnown, type ProftpdDaemon} from '../proftpd/daemon.ts';
import {ProftpdError} from '../proftpd/errors.ts';
import {findDaemons} from '../proftpd/find.ts';
import {sessionInfo} from '../proftpd/sessionInfo.ts';
import {sessionsOf} from '../proftpd/sessions.ts';
import type {ScoreboardSession} from '../scoreboard/scoreboard.ts';
import {matching} from './audience.ts';
import type {Session, SessionFilter, SessionsResult} from './daemon.ts';

/** Which of several ProFTPDs is meant. */
export interface Meant {
  /** Its controls socket; without it the only ProFTPD there is. */
  readonly socket?: string | undefined;
  /** Its configuration file, where that is not at a distribution's place. */
  readonly configuration?: string | undefined;
}

/** A ProFTPD that runs on this machine: it is looked at, and not asked. */
export class LocalProftpd {
  readonly #daemon: ProftpdDaemon;

  constructor(daemon: ProftpdDaemon) {
    this.#daemon = daemon;
  }

  /**
   * The ProFTPD of this machine that is meant.
   * @throws ProftpdError when there is none, or more than one
   */
  static async find({socket, configuration}: Meant): Promise<LocalProftpd> {
    const found = await findDaemons(configuration === undefined ? {} : {configuration});
    return new LocalProftpd(chooseDaemon(found, socket));
  }

  /** @throws ProftpdError when its scoreboard is not to be had */
  async sessions(filter: SessionFilter = {}): Promise<SessionsResult> {
    const sessions = sessionsOf(this.#daemon).map((session) => this.#sessionOf(session));
    return {kind: 'sessions', sessions: await matching(filter, sessions), omitted: 0};
  }

  #sessionOf(session: ScoreboardSession): Session {
    return {...sessionInfo(session), engine: this.#engineOf(session), waiting: null};
  }

  /** By `ServerName` and port: the scoreboard has the name cut to 31 bytes. `null` where nothing or several things fit. */
  #engineOf({server}: ScoreboardSession): boolean | null {
    const engines = ifKnown(this.#daemon.engines) ?? [];
    const meant = engines.filter(({name, port}) => port === server.port && name.startsWith(server.label));
    const [first, ...others] = new Set(meant.map(({engine}) => engine));
    return first === undefined || others.length > 0 ? null : first;
  }
}

/** The ProFTPD of this machine, or why there is none to be looked at. */
export async function findLocal(meant: Meant): Promise<LocalProftpd | ProftpdError> {
  try {
    return await LocalProftpd.find(meant);
  } catch (error) {
    if (error instanceof ProftpdError) return error;
    throw error;
  }
}
