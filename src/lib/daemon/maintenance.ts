import type {ServerInfo} from '../client/serverCache.ts';
import {FtpdctlError} from '../errors.ts';
import {ifKnown, type ProcessIdentity, type ProftpdDaemon} from '../proftpd/daemon.ts';
import {findCandidates} from '../proftpd/find/candidates.ts';
import {findDaemons} from '../proftpd/find/find.ts';
import {outlivingSessions, sessionId, sessionsOf, unlistedSessions} from '../proftpd/sessions/list.ts';
import {endSession, wakeDaemon} from '../proftpd/sessions/sessionProcess.ts';
import {
  existingShutmsg,
  foreignShutmsg,
  readShutmsg,
  removeShutmsg,
  SHUTMSG,
  type Shutmsg,
  writeShutmsg,
} from '../proftpd/shutmsg.ts';
import {exitStatusOf, STATUS} from '../protocol/message.ts';
import {isRunning, processStat, sharesEtc} from '../transport/processes/proc.ts';
import type {Daemon, EndOptions, LoginGate, Maintenance, Session, Unsupported} from './daemon.ts';

/** What became of opening logins. */
export type Opened =
  | {readonly kind: 'opened'}
  /** Nothing had closed them. */
  | {readonly kind: 'was open'}
  /** What is not ours keeps them closed. */
  | {readonly kind: 'still closed'; readonly why: string};

/**
 * Close logins to every ProFTPD that sees the file; none of them needs to run.
 * @param text what clients are told
 * @throws FtpdctlError `SHUTMSG_…`: the file was not written
 */
export async function closeMachine(text: string): Promise<void> {
  writeShutmsg(text);
  await wakeDaemons();
}

/** Open logins again by removing the file, if it is ours, whoever has written it. @throws FtpdctlError */
export async function openMachine(path: string = SHUTMSG): Promise<Opened> {
  const found = removeShutmsg(path);
  if (found.kind === 'foreign') return {kind: 'still closed', why: foreignShutmsg(found.text, path).message};
  await wakeDaemons();
  return {kind: found.kind === 'ours' ? 'opened' : 'was open'};
}

/** Close logins, server by server. @throws FtpdctlError, ClientError */
export function closeServers(servers: readonly string[], daemon: Pick<Daemon, 'request'>): Promise<void> {
  return inTurn('down', servers, daemon);
}

/** Open logins again, server by server. @throws FtpdctlError, ClientError */
export async function openServers(
  servers: readonly string[],
  daemon: Pick<Daemon, 'request'>,
): Promise<Opened> {
  await inTurn('up', servers, daemon);
  return {kind: 'opened'};
}

/** What stands in the place of the file that closes every ProFTPD of this machine. */
export function closedMachine(): Shutmsg {
  return readShutmsg();
}

/** What became of opening logins, as it is to be seen. */
export function isMachineOpen(): Opened {
  return readShutmsg().kind === 'none'
    ? {kind: 'opened'}
    : {kind: 'still closed', why: existingShutmsg().message};
}

/** Those that mean by `/etc` what we mean; of others nobody can say so, they are told, too. */
async function daemonsOfMachine(): Promise<readonly ProftpdDaemon[]> {
  const {daemons} = await findDaemons({}, findCandidates());
  return daemons.filter(({pid}) => sharesEtc(pid) !== false);
}

/**
 * Sessions of ProFTPDs of this machine that no scoreboard has, or not yet: children of those that run, and who has outlived
 * the others.
 * @param listed those whom a scoreboard has
 * @returns pids
 */
export function unlistedProcesses(
  daemons: readonly ProcessIdentity[],
  listed: readonly Pick<Session, 'pid'>[],
): number[] {
  return daemons.flatMap((daemon) =>
    isRunning(daemon) ? unlistedSessions(daemon, listed, 0) : outlivingSessions(daemon),
  );
}

/** End those, as `Maintenance.endSessions` does the others. */
export async function endUnlisted(
  daemons: readonly ProcessIdentity[],
  listed: readonly Pick<Session, 'pid'>[],
  options: EndOptions,
): Promise<void> {
  const processes = unlistedProcesses(daemons, listed).map((pid) => ({pid, connectedAt: null}));
  await Promise.all(processes.map((each) => endSession(processStat(each.pid)?.parent ?? 0, each, options)));
}

async function wakeDaemons(): Promise<void> {
  await Promise.all((await daemonsOfMachine()).map(wakeDaemon));
}

/** A ProFTPD of this machine, as root. */
export function localMaintenance(daemon: ProftpdDaemon): Maintenance {
  return {
    abilities: async () => ({
      logins: sharesEtc(daemon.pid) === false ? otherEtc(daemon.pid) : await shutmsgGate(),
      ending: {kind: 'supported'},
      seesTransfers: true,
    }),
    async endSessions(sessions, options) {
      const wanted = new Set(sessions.map(({id}) => id));
      const found = sessionsOf(daemon).filter((session) => wanted.has(sessionId(session)));
      await Promise.all(found.map((session) => endSession(daemon.pid, session, options)));
    },
    identity: daemon,
  };
}

async function shutmsgGate(): Promise<LoginGate> {
  if (readShutmsg().kind !== 'none') throw existingShutmsg();
  const closes = (await daemonsOfMachine()).map(({pid, ports}) => ({pid, ports: ifKnown(ports) ?? []}));
  return {kind: 'shutmsg', path: SHUTMSG, closes};
}

function otherEtc(pid: number): Unsupported {
  return {
    kind: 'unsupported',
    reason: `the ProFTPD with pid ${pid} has another /etc than we, and would not see /etc/shutmsg`,
    hint: `enter its mount namespace: nsenter -t ${pid} -m ftpdctl …`,
  };
}

/** What is asked of a daemon by its controls socket. */
type Asked = Pick<Daemon, 'request' | 'sessions' | 'kick'>;

/** Words in one request: 1.3.8 takes 32, 1.3.10 1,024 bytes. */
const MAX_WORDS = 16;

/**
 * A daemon by its controls socket.
 * @param identity where it is a ProFTPD of this machine
 */
export function controlsMaintenance(
  daemon: Asked,
  server: ServerInfo,
  identity: ProcessIdentity | null = null,
): Maintenance {
  const isServe = server.serve !== undefined;
  return {
    identity,
    async abilities() {
      const logins = server.dialect === 'binary' && !isServe ? DOWN_DOES_NOTHING : await downGate(daemon);
      const sessions = await daemon.sessions();
      return {
        logins,
        ending: sessions.kind === 'unsupported' ? sessions : {kind: 'supported'},
        seesTransfers: !isServe && sessions.kind === 'sessions',
      };
    },
    async endSessions(wanted) {
      for (const words of isServe ? kickIds(wanted) : await kickNames(wanted, daemon))
        await daemon.kick(words);
    },
  };
}

const DOWN_DOES_NOTHING: Unsupported = {
  kind: 'unsupported',
  reason: 'logins stay open: ProFTPD 1.3.8 and earlier go on accepting them after "down"',
  hint: 'as root on its machine they can be closed',
};

async function downGate(daemon: Pick<Daemon, 'request'>): Promise<LoginGate> {
  const answer = await daemon.request('status', ['all']);
  if (answer.verdict !== STATUS.OK) throw refused('status', answer);
  const servers = answer.responses.flatMap((line) => /^status: (\S+#\d+) UP$/.exec(line)?.[1] ?? []);
  return {kind: 'down', servers};
}

async function inTurn(
  action: 'up' | 'down',
  servers: readonly string[],
  daemon: Pick<Daemon, 'request'>,
): Promise<void> {
  for (const some of chunks(servers)) {
    const answer = await daemon.request(action, some);
    if (answer.verdict !== STATUS.OK) throw refused(action, answer);
  }
}

function refused(
  action: string,
  {verdict, responses}: {readonly verdict: number; readonly responses: readonly string[]},
): FtpdctlError {
  return new FtpdctlError('REFUSED', `${action}: ${responses.join('; ')}`, exitStatusOf(verdict) || 1);
}

/** `ftpdctl serve` ends one session by its id. */
function kickIds(sessions: readonly Session[]): string[][] {
  return chunks(sessions.map(({id}) => id)).map((ids) => ['session', ...ids]);
}

/** A ProFTPD ends all sessions of a user, or of a host: only those may be named all of whose sessions are to end. */
async function kickNames(wanted: readonly Session[], daemon: Asked): Promise<string[][]> {
  const result = await daemon.sessions();
  const ids = new Set(wanted.map(({id}) => id));
  const spared = result.kind === 'sessions' ? result.sessions.filter(({id}) => !ids.has(id)) : [];
  const namesOf = (sessions: readonly Session[], name: (session: Session) => string | null) =>
    new Set(sessions.flatMap((session) => name(session) ?? []));
  const ofUsers = namesOf(wanted, ({user}) => user);
  const ofHosts = namesOf(wanted, ({user, address}) => (user === null ? address : null));
  for (const {user, address} of spared) {
    ofUsers.delete(user ?? '');
    ofHosts.delete(address);
  }
  return [
    ...chunks([...ofUsers]).map((names) => ['user', ...names]),
    ...chunks([...ofHosts]).map((names) => ['host', ...names]),
  ];
}

function chunks(words: readonly string[]): string[][] {
  return Array.from({length: Math.ceil(words.length / MAX_WORDS)}, (_, index) =>
    words.slice(index * MAX_WORDS, (index + 1) * MAX_WORDS),
  );
}
