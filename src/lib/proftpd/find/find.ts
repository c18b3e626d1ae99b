import {statSync} from 'node:fs';
import type {Settings} from '../../config/settings.ts';
import {processStat, sharesNamespace, timeOfStart} from '../../transport/processes/proc.ts';
import {
  ifKnown,
  type Known,
  type MessageQueue,
  notRunning,
  type ProftpdDaemon,
  ProftpdError,
  type ScoreboardFile,
} from '../daemon.ts';
import {checkScoreboard} from '../sessions/scoreboardFile.ts';
import {type Candidate, findCandidates, type PassedOver} from './candidates.ts';
import {
  type ConfigurationFile,
  configurationFiles,
  contradiction,
  enginesOf,
  isSamePath,
  readConfiguration,
} from './configuration.ts';
import {type OpenFacts, openFactsOf, queueOf} from './openFiles.ts';
import {compiledInFiles, dialectOf, versionOf} from './program.ts';

export interface FindOptions {
  /** Path of the only configuration to look at, instead of those of the distributions. */
  readonly configuration?: string;
  /** Ask the daemon's program for its version, which takes some milliseconds. Default: no. */
  readonly version?: boolean;
}

export interface FoundDaemons {
  /** By pid. */
  readonly daemons: readonly ProftpdDaemon[];
  /** What calls itself a ProFTPD and cannot be worked with. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * The ProFTPD daemons of this machine. Root finds their files among what they have open, anybody else by the
 * configuration; no daemon is asked for anything. Linux only: elsewhere there are none to be found.
 *
 * @param among the processes to choose from
 */
export async function findDaemons(
  options: FindOptions = {},
  {candidates, passedOver} = findCandidates(),
): Promise<FoundDaemons> {
  const configurations = new Configurations(options.configuration);
  const found = await Promise.all(candidates.map((each) => describe(each, configurations, options)));
  return {daemons: found.filter((daemon) => daemon !== undefined), passedOver: passedOver.map(withSocket)};
}

/** Several may be told apart by it, though they cannot be worked with from here. */
function withSocket(passedOver: PassedOver): PassedOver {
  const controlsSocket = openFactsOf(passedOver.pid)?.controlsSocket;
  return controlsSocket == null ? passedOver : {...passedOver, controlsSocket};
}

/** Where builds put the scoreboard that nobody has named: Debian, Red Hat, from source. */
const SCOREBOARDS = [
  '/run/proftpd.scoreboard',
  '/run/proftpd/proftpd.scoreboard',
  '/var/run/proftpd.scoreboard',
  '/var/run/proftpd/proftpd.scoreboard',
  '/usr/local/var/proftpd.scoreboard',
];

/** The configuration files of this machine, read when they are first asked for. */
class Configurations {
  readonly #given: string | undefined;
  #files: Promise<readonly ConfigurationFile[]> | undefined;
  #compiledIn: ReturnType<typeof compiledInFiles> | undefined;

  constructor(given: string | undefined) {
    this.#given = given;
  }

  get isGiven(): boolean {
    return this.#given !== undefined;
  }

  files(): Promise<readonly ConfigurationFile[]> {
    this.#files ??= configurationFiles(this.#given);
    return this.#files;
  }

  /** What `proftpd -V` adds to it, asked once. */
  compiledIn(): ReturnType<typeof compiledInFiles> {
    this.#compiledIn ??= compiledInFiles();
    return this.#compiledIn;
  }
}

/** A configuration and a scoreboard that belong to one daemon. */
interface Belongings {
  readonly scoreboard: Known<ScoreboardFile | null>;
  readonly configuration: ProftpdDaemon['configuration'];
}

async function describe(
  candidate: Candidate,
  configurations: Configurations,
  options: FindOptions,
): Promise<ProftpdDaemon | undefined> {
  const {pid, startTicks} = candidate;
  const facts = openFactsOf(pid);
  const {scoreboard, configuration} =
    facts === undefined
      ? await byConfiguration(pid, configurations)
      : await byOpenFiles(facts, configurations);
  if (isOrphan(candidate, facts, scoreboard)) return undefined;
  const settings = configuration.known ? configuration.value.settings : undefined;
  const version: Known<string> = options.version
    ? await versionOf(pid)
    : {known: false, why: 'not asked for'};
  return {
    pid,
    startTicks,
    startedAt: timeOfStart({startTicks}),
    version,
    dialect: dialectOf(version),
    scoreboard,
    configuration,
    controlsSocket: controlsSocketOf(facts, settings),
    ports: portsOf(facts, settings),
    queue: queueOfDaemon(pid, facts, settings),
    engines:
      settings === undefined
        ? {known: false, why: NO_CONFIGURATION}
        : {known: true, value: enginesOf(settings)},
  };
}

const NO_CONFIGURATION = 'its configuration is not known';

/**
 * A session whose daemon has died looks like a daemon. It has no scoreboard of its own and listens nowhere, but for a
 * client's data connection; and the process that led it is gone.
 */
function isOrphan(
  {pid, leader}: Candidate,
  facts: OpenFacts | undefined,
  scoreboard: Belongings['scoreboard'],
): boolean {
  if (scoreboard.known && scoreboard.value !== null) return false;
  if (facts !== undefined && facts.ports.length === 0 && facts.controlsSocket === null) return true;
  // 0: it was started from outside of our pid namespace.
  return leader !== pid && leader !== 0 && processStat(leader) === undefined;
}

async function byOpenFiles(facts: OpenFacts, configurations: Configurations): Promise<Belongings> {
  const scoreboard: Known<ScoreboardFile | null> = {known: true, value: facts.scoreboard};
  const reasons: string[] = [];
  for (const each of await configurations.files()) {
    const why =
      'why' in each ? each.why : configurations.isGiven ? undefined : contradiction(each.settings, facts);
    if (why === undefined && 'settings' in each)
      return {scoreboard, configuration: {known: true, value: each}};
    reasons.push(`${each.file}: ${why}`);
  }
  return {scoreboard, configuration: {known: false, why: noneFits(reasons)}};
}

/** The configuration is the one whose scoreboard is written by this daemon. */
async function byConfiguration(pid: number, configurations: Configurations): Promise<Belongings> {
  const reasons: string[] = [];
  const files = await configurations.files();
  for (const each of files) {
    const found = belongingsBy(each, pid, reasons, SCOREBOARDS);
    if (found !== undefined) return found;
  }
  if (!configurations.isGiven) {
    const compiledIn = await configurations.compiledIn();
    const file = compiledIn.configuration;
    const isNew = file !== undefined && !files.some((each) => each.file === file);
    const last = isNew ? [await readConfiguration(file)] : files;
    for (const each of last) {
      const found = belongingsBy(
        each,
        pid,
        [],
        compiledIn.scoreboard === undefined ? [] : [compiledIn.scoreboard],
      );
      if (found !== undefined) return found;
    }
  }
  const path = SCOREBOARDS.find((each) => checkScoreboard(each, pid).kind === 'its own');
  const scoreboard: Known<ScoreboardFile> =
    path === undefined
      ? {known: false, why: `none of process ${pid} was found; root can find it${listed(reasons)}`}
      : {known: true, value: {path, fd: null}};
  return {scoreboard, configuration: {known: false, why: noneFits(reasons)}};
}

function belongingsBy(
  configuration: ConfigurationFile,
  pid: number,
  reasons: string[],
  defaults: readonly string[],
): Belongings | undefined {
  if ('why' in configuration) {
    reasons.push(configuration.why);
    return undefined;
  }
  const {value: named} = configuration.settings.scoreboardFile;
  for (const path of named === null ? defaults : [named]) {
    const check = checkScoreboard(path, pid);
    if (check.kind === 'its own') {
      return {
        scoreboard: {known: true, value: {path, fd: null}},
        configuration: {known: true, value: configuration},
      };
    }
    if (named !== null) reasons.push(check.kind === 'no' ? check.why : `${path} is no scoreboard`);
  }
  return undefined;
}

function noneFits(reasons: readonly string[]): string {
  return `no configuration file was found that is its own${listed(reasons)}`;
}

function listed(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
}

function controlsSocketOf(
  facts: OpenFacts | undefined,
  settings: Settings | undefined,
): Known<string | null> {
  if (facts !== undefined) return {known: true, value: facts.controlsSocket};
  if (settings === undefined) return {known: false, why: NO_CONFIGURATION};
  if (!settings.controls.engine.value) return {known: true, value: null};
  const path = settings.controls.socket.value;
  return path === null ? {known: false, why: 'no ControlsSocket is set'} : {known: true, value: path};
}

function portsOf(facts: OpenFacts | undefined, settings: Settings | undefined): Known<readonly number[]> {
  if (facts !== undefined) return {known: true, value: facts.ports};
  if (settings === undefined) return {known: false, why: NO_CONFIGURATION};
  const ports = [settings.main, ...settings.virtualHosts].map(({port}) => port.value);
  return {known: true, value: [...new Set(ports)].filter((port) => port > 0).sort((a, b) => a - b)};
}

function queueOfDaemon(
  pid: number,
  facts: OpenFacts | undefined,
  settings: Settings | undefined,
): Known<MessageQueue | null> {
  if (sharesNamespace(pid, 'ipc') === false) {
    const command = `nsenter -t ${pid} -i ftpdctl …`;
    return {known: false, why: `its queue is in another IPC namespace; as root: ${command}`};
  }
  const configured = settings?.message.queue.value;
  if (facts !== undefined) {
    const [first, ...others] = facts.queues;
    if (first === undefined) return {known: true, value: null};
    const named =
      facts.queues.find(({path}) => path === configured) ?? (others.length === 0 ? first : undefined);
    if (named !== undefined) return {known: true, value: named};
    return {
      known: false,
      why: `several of its open files have a queue: ${facts.queues.map(({path}) => path).join(', ')}`,
    };
  }
  if (configured === undefined) return {known: false, why: NO_CONFIGURATION};
  if (configured === null) return {known: true, value: null};
  try {
    return queueOf(configured, statSync(configured));
  } catch (error) {
    return {known: false, why: (error as Error).message};
  }
}

/**
 * The one daemon that is meant.
 *
 * @param socket the controls socket that was asked for (`-s`)
 * @throws ProftpdError `PROFTPD_NOT_RUNNING`, `PROFTPD_NAMESPACE`, `PROFTPD_UNTRUSTED`, `PROFTPD_NOT_FOUND`,
 *   `PROFTPD_UNCERTAIN`, and `PROFTPD_AMBIGUOUS` (exit status 3), which lists them
 */
export function chooseDaemon({daemons, passedOver}: FoundDaemons, socket?: string): ProftpdDaemon {
  const [first, ...others] =
    socket === undefined ? daemons : daemons.filter((each) => listensAt(each, socket));
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined) throw ambiguous([first, ...others]);
  const elsewhere = passedOver.find(
    ({controlsSocket}) => socket !== undefined && controlsSocket && isSamePath(controlsSocket, socket),
  );
  if (elsewhere !== undefined) throw refused(elsewhere);
  const unknown = daemons.find(({controlsSocket}) => !controlsSocket.known);
  if (unknown !== undefined) {
    throw new ProftpdError(
      'PROFTPD_UNCERTAIN',
      `nobody can say whether a ProFTPD has the controls socket ${socket}: ${list(daemons)}`,
      {hint: 'root can; where one runs alone, no socket need be named'},
    );
  }
  if (daemons.length > 0) {
    throw new ProftpdError(
      'PROFTPD_NOT_FOUND',
      `no ProFTPD has the controls socket ${socket}: ${list(daemons)}`,
      {
        hint: 'give the socket of one of them with -s',
      },
    );
  }
  const [any] = passedOver;
  if (any !== undefined) throw refused(any);
  throw notRunning();
}

function refused({because, why, hint}: PassedOver): ProftpdError {
  return new ProftpdError(because === 'namespace' ? 'PROFTPD_NAMESPACE' : 'PROFTPD_UNTRUSTED', why, {hint});
}

/** Also one that has closed it: `rmctrl all` does. */
function listensAt({controlsSocket, configuration}: ProftpdDaemon, socket: string): boolean {
  if (!controlsSocket.known) return false;
  const path = controlsSocket.value ?? ifKnown(configuration)?.settings.controls.socket.value;
  return typeof path === 'string' && isSamePath(path, socket);
}

function ambiguous(daemons: readonly ProftpdDaemon[]): ProftpdError {
  const socket = daemons
    .map(({controlsSocket}) => ifKnown(controlsSocket))
    .find((path) => typeof path === 'string');
  return new ProftpdError(
    'PROFTPD_AMBIGUOUS',
    `${daemons.length} ProFTPDs run on this machine: ${list(daemons)}`,
    {
      exitStatus: 3,
      hint: `say which one by its controls socket: -s ${socket ?? 'SOCKET'}`,
    },
  );
}

function list(daemons: readonly ProftpdDaemon[]): string {
  return daemons.map(showDaemon).join('; ');
}

/** `pid 812, port 21, /run/proftpd.sock` */
function showDaemon({pid, ports, controlsSocket}: ProftpdDaemon): string {
  const numbers = ifKnown(ports) ?? [];
  const port = numbers.length === 0 ? [] : [`port${numbers.length > 1 ? 's' : ''} ${numbers.join(', ')}`];
  const path = ifKnown(controlsSocket);
  return [
    `pid ${pid}`,
    ...port,
    path === null ? 'no controls socket' : (path ?? 'controls socket not known'),
  ].join(', ');
}
