import {accessSync, constants, existsSync, lstatSync, readFileSync, type Stats, statSync} from 'node:fs';
import {posix} from 'node:path';
import {resolveAcls} from '../acl/resolve.ts';
import {candidateSockets} from '../client/discovery.ts';
import {ConfigError} from '../config/errors.ts';
import {type LoadedConfig, loadSettings} from '../config/load.ts';
import type {Settings} from '../config/settings.ts';
import type {
  ConfigurationFacts,
  DaemonFacts,
  DirectFacts,
  Facts,
  FileProblem,
  ProbeFacts,
  ProgramFacts,
  QueueFacts,
  ScoreboardFacts,
  SocketFacts,
} from '../diagnosis/facts.ts';
import {shellWord} from '../diagnosis/mends.ts';
import {FtpdctlError, reasonOf} from '../errors.ts';
import {ifKnown, type ProftpdDaemon} from '../proftpd/daemon.ts';
import {findLeftovers} from '../proftpd/delivery/deliveryQueue.ts';
import {guardQueue} from '../proftpd/delivery/queueGuard.ts';
import {configurationFiles, isSamePath} from '../proftpd/find/configuration.ts';
import {chooseDaemon, type FoundDaemons, findDaemons} from '../proftpd/find/find.ts';
import {messageQueueKey} from '../proftpd/find/openFiles.ts';
import {describeProgram} from '../proftpd/find/program.ts';
import {sessionsOf} from '../proftpd/sessions/list.ts';
import {compareVersions, type ProftpdVersion, parseVersion} from '../protocol/version.ts';
import {systemConfigSource} from '../transport/files/configSource.ts';
import {SystemCallError} from '../transport/libc.ts';
import {nameService} from '../transport/nameService.ts';
import {executableOf, hasOtherMount, listeningSockets, sharesNamespace} from '../transport/processes/proc.ts';
import {installedProftpd} from '../transport/processes/proftpdProgram.ts';
import {SystemVQueue, systemVQueues} from '../transport/systemV.ts';
import type {DaemonAnswer} from './daemon.ts';
import {showsMessages} from './direct.ts';
import {LocalProftpd} from './local.ts';

/** Which ProFTPD is meant, and how far to go. */
export interface DiagnosisOptions {
  /** Its controls socket. */
  readonly socket?: string | undefined;
  /** Its configuration file. */
  readonly configuration?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Send a message to a socket, which waits for the next poll; without it the daemon is not asked. */
  readonly send?: ((socket: string, words: readonly string[]) => Promise<DaemonAnswer>) | undefined;
}

/**
 * Everything about the ProFTPD of this machine that decides whether messages arrive. It is looked at, and asked nothing
 * but by the probe; nothing is changed.
 *
 * @throws ProftpdError `PROFTPD_AMBIGUOUS` where several run and nothing says which is meant; FtpdctlError
 */
export async function gatherFacts(options: DiagnosisOptions): Promise<Facts> {
  const given = options.configuration === undefined ? {} : {configuration: options.configuration};
  const found = await findDaemons({version: true, ...given});
  const daemon = chosen(found, options);
  const program = await programOf(daemon);
  const version = parseVersion(program?.version ?? '');
  const configuration = readFor(options.configuration, daemon, program, version);
  const settings = configuration.kind === 'read' ? configuration.loaded.settings : undefined;
  const socket = await socketFacts(daemon, settings, version, options);
  return {
    caller: callerFacts(),
    packages: packageSystem(),
    program,
    configuration,
    daemon: daemonFacts(daemon, found, configuration, program, socket),
    socket,
    queue: await queueFacts(daemon, settings, options.signal),
    scoreboard: scoreboardFacts(daemon, settings),
    direct: await directFacts(daemon, settings, options),
    files: settings === undefined ? [] : fileProblems(settings),
    probe: await probe(socket, options.send),
  };
}

function callerFacts(): Facts['caller'] {
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  const user = nameService.userOf(uid)?.name ?? String(uid);
  return {uid, gid, user, group: nameService.groupName(gid) ?? String(gid)};
}

function packageSystem(): Facts['packages'] {
  if (existsSync('/usr/bin/apt-get')) return 'apt';
  return existsSync('/usr/bin/dnf') ? 'dnf' : null;
}

/**
 * The daemon that is meant: by its socket, by what its configuration names, or the only one. Unlike elsewhere a socket
 * that is nobody's is no error, but a finding.
 */
function chosen(found: FoundDaemons, {socket, configuration}: DiagnosisOptions): ProftpdDaemon | undefined {
  const {daemons} = found;
  if (socket !== undefined) {
    const at = daemons.find((each) => isAt(ifKnown(each.controlsSocket), socket));
    if (at !== undefined) return at;
  }
  if (configuration !== undefined) return ofConfiguration(daemons, configuration);
  // One that has no socket may be the one whose socket is missed.
  if (socket !== undefined) return daemons.find((each) => ifKnown(each.controlsSocket) === null);
  return daemons.length === 0 ? undefined : chooseDaemon(found);
}

function isAt(path: string | null | undefined, other: string | null | undefined): boolean {
  return path != null && other != null && isSamePath(path, other);
}

/** What is the surest comes first: nothing but a daemon writes its scoreboard. */
function ofConfiguration(daemons: readonly ProftpdDaemon[], file: string): ProftpdDaemon | undefined {
  let settings: Settings;
  try {
    settings = loadSettings(systemConfigSource, file).settings;
  } catch {
    return undefined;
  }
  const ports = [settings.main, ...settings.virtualHosts].map(({port}) => port.value);
  const tests: ((each: ProftpdDaemon) => boolean)[] = [
    ({scoreboard}) => isAt(ifKnown(scoreboard)?.path, settings.scoreboardFile.value),
    ({controlsSocket}) => isAt(ifKnown(controlsSocket), settings.controls.socket.value),
    (each) => ifKnown(each.ports)?.some((port) => port > 0 && ports.includes(port)) ?? false,
  ];
  for (const test of tests) {
    const one = daemons.find(test);
    if (one !== undefined) return one;
  }
  return undefined;
}

async function programOf(daemon: ProftpdDaemon | undefined): Promise<ProgramFacts | null> {
  const running = daemon && executableOf(daemon.pid);
  const path = running ?? installedProftpd();
  if (path === undefined) return null;
  return describeProgram(path, running === undefined ? path : `/proc/${daemon!.pid}/exe`);
}

/** The configuration as that program reads it: an `<IfModule>` depends on what is part of it. */
function readFor(
  given: string | undefined,
  daemon: ProftpdDaemon | undefined,
  program: ProgramFacts | null,
  version: ProftpdVersion | undefined,
): ConfigurationFacts {
  const known = daemon && ifKnown(daemon.configuration)?.file;
  const file = given ?? known ?? likeliestFile(daemon);
  if (file === undefined) {
    const why = daemon?.configuration.known === false ? daemon.configuration.why : NO_CONFIGURATION;
    return {kind: 'unknown', why};
  }
  try {
    const loaded = loadSettings(systemConfigSource, file, program?.modules ?? undefined);
    const isAssumed = daemon !== undefined && file !== known;
    return {kind: 'read', file, isAssumed, loaded, ...readFacts(loaded, program, version)};
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {kind: 'broken', file, at: error.at, problem: error.problem};
  }
}

const NO_CONFIGURATION = 'there is none at any place known here';

/** That of the distribution, where the daemon's own descriptors, which root alone may see, do not speak against it. */
function likeliestFile(daemon: ProftpdDaemon | undefined): string | undefined {
  if (daemon !== undefined && executableOf(daemon.pid) !== undefined) return undefined;
  return configurationFiles(undefined)[0]?.file;
}

function readFacts(loaded: LoadedConfig, program: ProgramFacts | null, version: ProftpdVersion | undefined) {
  const {settings, moduleLines, files} = loaded;
  const directory =
    moduleLines.findLast(({kind}) => kind === 'path')?.value ?? program?.moduleDirectory ?? null;
  const hasFile = (name: string) =>
    directory === null ? null : existsSync(posix.join(directory, `${name.replace(/\.c$/, '')}.so`));
  const stats = files.flatMap((file) => {
    const stat = statOf(file);
    return stat === undefined ? [] : [{file, stat}];
  });
  const newest = stats.reduce<(typeof stats)[number] | undefined>(
    (last, each) => (last !== undefined && last.stat.mtimeMs >= each.stat.mtimeMs ? last : each),
    undefined,
  );
  const {engine} = settings.controls;
  return {
    access: resolveAcls(settings.acls, nameService, {engine, version}),
    newest: newest === undefined ? null : {file: newest.file, at: newest.stat.mtimeMs},
    exposed: stats.filter(({stat}) => isExposed(stat)).map(({file}) => file),
    missingModules: moduleLines.filter(
      ({kind, value}) => kind === 'load' && !program?.modules?.has(value) && hasFile(value) === false,
    ),
    hasMsgFile: hasFile('mod_msg'),
  };
}

const OTHERS_MAY_WRITE = 0o002;
const GROUP_MAY_WRITE = 0o020;

function isExposed({uid, gid, mode}: Stats): boolean {
  if (uid !== 0 && uid !== process.geteuid?.()) return true;
  return (mode & OTHERS_MAY_WRITE) !== 0 || ((mode & GROUP_MAY_WRITE) !== 0 && gid !== 0);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function daemonFacts(
  daemon: ProftpdDaemon | undefined,
  {daemons, passedOver}: FoundDaemons,
  configuration: ConfigurationFacts,
  program: ProgramFacts | null,
  socket: SocketFacts,
): DaemonFacts {
  const file = configuration.kind === 'unknown' ? undefined : configuration.file;
  const start = startCommand(program, file);
  if (daemon === undefined) {
    const [other] = passedOver;
    if (other === undefined) return {kind: 'stopped', start: start ?? null, others: daemons.length};
    const {pid, because, why} = other;
    return because === 'untrusted'
      ? {kind: 'untrusted', pid, why}
      : {kind: 'elsewhere', pid, prefix: `nsenter -t ${pid} -p -i unshare --mount-proc`};
  }
  const {pid, startedAt, dialect} = daemon;
  return {
    kind: 'running',
    pid,
    startedAt,
    dialect: ifKnown(dialect) ?? null,
    restartedAt: restartOf(startedAt, socket),
    restart: restartCommand(pid, start),
  };
}

/** Milliseconds from the start of a daemon to its socket, at the most; what is later comes of reading it again. */
const SOCKET_TOLERANCE_MS = 3000;

/** A daemon that reads its configuration again makes its socket anew (measured), and nothing else that could be seen. */
function restartOf(startedAt: number, socket: SocketFacts): number | null {
  if (socket.kind !== 'there') return null;
  const madeAt = statOf(socket.path)?.mtimeMs ?? 0;
  return madeAt > startedAt + SOCKET_TOLERANCE_MS ? madeAt : null;
}

/** Whether systemd runs this machine. */
const SYSTEMD = '/run/systemd/system';

function startCommand(program: ProgramFacts | null, file: string | undefined): string | undefined {
  if (program === null) return undefined;
  if (existsSync(SYSTEMD) && (file === undefined || file === DEBIAN_FILE)) return 'systemctl start proftpd';
  return [program.path, ...(file === undefined ? [] : ['-c', file])].map(shellWord).join(' ');
}

const DEBIAN_FILE = '/etc/proftpd/proftpd.conf';

function restartCommand(pid: number, start: string | undefined): string {
  const unit = unitOf(pid);
  if (unit !== undefined) return `systemctl restart ${shellWord(unit)}`;
  return `kill ${pid} && tail --pid=${pid} -f /dev/null${start === undefined ? '' : ` && ${start}`}`;
}

/** The systemd unit that a process is of; not one that a user's login is. */
function unitOf(pid: number): string | undefined {
  if (!existsSync(SYSTEMD)) return undefined;
  try {
    return /\/system\.slice\/(?:.*\/)?([^/\n]+\.service)$/m.exec(
      readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    )?.[1];
  } catch {
    return undefined;
  }
}

async function socketFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
  version: ProftpdVersion | undefined,
  options: DiagnosisOptions,
): Promise<SocketFacts> {
  if (daemon === undefined || settings?.controls.engine.value === false) return {kind: 'none'};
  const {pid, controlsSocket} = daemon;
  const path = ifKnown(controlsSocket) ?? settings?.controls.socket.value ?? undefined;
  if (path === undefined) {
    const why = controlsSocket.known ? 'it listens at none' : controlsSocket.why;
    return {kind: 'unknown', why};
  }
  // Others see the sockets of all who share its network, by name alone.
  const isOpen = executableOf(pid) !== undefined;
  const listens = isOpen ? ifKnown(controlsSocket) != null : isListenedTo(pid, path);
  const place = lookAt(path);
  if (typeof place === 'object') return {kind: 'forbidden', path, what: place.forbidden};
  if (place === 'missing' && listens && sharesNamespace(pid, 'mnt') === false)
    return {kind: 'elsewhere', path, prefix: `nsenter -t ${pid} -m`};
  if (place === 'missing') {
    const directory = posix.dirname(path);
    return {kind: 'missing', path, directory, hasDirectory: existsSync(directory)};
  }
  if (!listens) return {kind: 'stale', path};
  const privateTmp = needsTmp(version) && hasOtherTmp(pid) ? pid : null;
  const taken = await takenInPlaceOf(path, pid, options);
  return {kind: 'there', path, privateTmp, ...(taken === undefined ? {} : {taken})};
}

function isListenedTo(pid: number, path: string): boolean {
  return listeningSockets(pid).some((each) => each.kind === 'unix' && isSamePath(each.path, path));
}

/** Whether a caller could connect: without connecting, which the daemon would have to serve. */
function lookAt(path: string): 'there' | 'missing' | {readonly forbidden: string} {
  try {
    accessSync(path, constants.W_OK);
    return lstatSync(path).isSocket() || statSync(path).isSocket() ? 'there' : 'missing';
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code !== 'EACCES') return 'missing';
    return {forbidden: directoriesOf(path).find((each) => !isPassable(each)) ?? path};
  }
}

function directoriesOf(path: string): string[] {
  const parts = posix.dirname(path).split('/').filter(Boolean);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

function isPassable(directory: string): boolean {
  try {
    accessSync(directory, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const TMP_SINCE = parseVersion('1.3.10rc4')!;

/** From 1.3.10rc4 on a daemon must see its clients in /tmp. */
function needsTmp(version: ProftpdVersion | undefined): boolean {
  return version !== undefined && compareVersions(version, TMP_SINCE) >= 0;
}

function hasOtherTmp(pid: number): boolean {
  if (sharesNamespace(pid, 'mnt') !== false) return false;
  const [theirs, ours] = [statOf(`/proc/${pid}/root/tmp`), statOf('/tmp')];
  // Root alone may look through another's eyes.
  if (theirs === undefined || ours === undefined) return hasOtherMount(pid, '/tmp') === true;
  return theirs.dev !== ours.dev || theirs.ino !== ours.ino;
}

/** What a client that is not told a socket takes, where that is another. */
async function takenInPlaceOf(
  path: string,
  pid: number,
  {socket, env}: DiagnosisOptions,
): Promise<string | null | undefined> {
  const candidates = await candidateSockets(socket, env);
  const listening = listeningSockets(pid).flatMap((each) => (each.kind === 'unix' ? [each.path] : []));
  const first = candidates.find(
    (each) =>
      !each.missing && lookAt(each.path) === 'there' && listening.some((one) => isSamePath(one, each.path)),
  );
  if (first === undefined) return null;
  return isSamePath(first.path, path) ? undefined : first.path;
}

async function queueFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
  signal: AbortSignal | undefined,
): Promise<QueueFacts> {
  const path = settings?.message.queue.value ?? (daemon && ifKnown(daemon.queue)?.path);
  if (path == null) {
    if (settings !== undefined) return {kind: 'unset'};
    return daemon?.queue.known === false ? {kind: 'unknown', why: daemon.queue.why} : {kind: 'none'};
  }
  const directory = posix.dirname(path);
  if (!existsSync(path) && !existsSync(directory)) return {kind: 'no directory', path, directory};
  if (daemon === undefined) return {kind: 'none'};
  if (sharesNamespace(daemon.pid, 'ipc') === false)
    return {kind: 'elsewhere', prefix: `nsenter -t ${daemon.pid} -i`};
  const stat = statOf(path);
  const key = stat && messageQueueKey(stat);
  const row = systemVQueues().find((each) => each.key === key);
  if (key === undefined || row === undefined) return {kind: 'missing', path};
  if (row.creatorUid !== 0 && row.creatorUid !== process.geteuid?.()) {
    return {kind: 'foreign', path, uid: row.creatorUid, key: `0x${(key >>> 0).toString(16)}`};
  }
  try {
    return await filling(daemon.pid, path, key, signal);
  } catch (error) {
    // It may be removed in between, or its layout may not be known here.
    if (!(error instanceof FtpdctlError || error instanceof SystemCallError)) throw error;
    return {kind: 'unknown', why: error.message};
  }
}

async function filling(
  daemon: number,
  path: string,
  key: number,
  signal: AbortSignal | undefined,
): Promise<QueueFacts> {
  const queue = SystemVQueue.open(key);
  if (queue === undefined) return {kind: 'missing', path};
  const {bytes, capacity, messages} = queue.status();
  const dead = findLeftovers(daemon, queue).filter(({kind}) => kind === 'dead');
  const {kind} = await guardQueue(daemon, queue, 1, SHORT_TEXT_BYTES, signal);
  const leftovers = dead.reduce((sum, {texts}) => sum + texts.length, 0);
  return {kind: 'there', path, bytes, capacity, messages, leftovers, isFull: kind === 'refuse'};
}

/** A line on a terminal. */
const SHORT_TEXT_BYTES = 80;

function scoreboardFacts(daemon: ProftpdDaemon | undefined, settings: Settings | undefined): ScoreboardFacts {
  const wanted = settings?.scoreboardFile;
  if (wanted?.at && (wanted.value === null || wanted.value === '/dev/null')) return {kind: 'off'};
  if (daemon === undefined) return {kind: 'none'};
  try {
    const sessions = sessionsOf(daemon);
    const shown = sessions.filter(({protocol}) => showsMessages(protocol)).length;
    const path = ifKnown(daemon.scoreboard)?.path ?? '';
    return {kind: 'read', path, sessions: shown, others: sessions.length - shown};
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    return {kind: 'unreadable', why: error.message};
  }
}

async function directFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
  {configuration, env}: DiagnosisOptions,
): Promise<DirectFacts> {
  if (daemon === undefined) return {kind: 'impossible', why: 'no ProFTPD runs'};
  const access = new LocalProftpd(daemon, {onLeftovers: () => {}}).directAccess();
  if (access.kind !== 'possible') return {kind: 'impossible', why: access.why};
  if (settings === undefined) return {kind: 'impossible', why: 'its configuration is not known'};
  if (configuration === undefined || configuration === env['PROFTPD_CONF']) return {kind: 'possible'};
  const unaided = (await findDaemons()).daemons.find(({pid}) => pid === daemon.pid);
  if (unaided?.configuration.known && isSamePath(unaided.configuration.value.file, configuration))
    return {kind: 'possible'};
  return {kind: 'impossible', why: `PROFTPD_CONF=${configuration} must tell where its configuration is`};
}

/** Of the files that a ProFTPD writes those that it refuses, by what it was measured to say. */
function fileProblems(settings: Settings): FileProblem[] {
  const {controls, message, scoreboardFile, allowLogSymlinks} = settings;
  const named = [
    ['ControlsLog', controls.log.value],
    ['MessageLog', message.log.value],
    ['ScoreboardFile', scoreboardFile.value],
  ] as const;
  return named.flatMap(([directive, path]): FileProblem[] => {
    if (path === null || path === '/dev/null') return [];
    const directory = posix.dirname(path);
    const problem = problemOf(path, directory, directive !== 'ScoreboardFile' && !allowLogSymlinks.value);
    return problem === undefined ? [] : [{directive, path, directory, problem}];
  });
}

const STICKY = 0o1000;

function problemOf(
  path: string,
  directory: string,
  isLinkRefused: boolean,
): FileProblem['problem'] | undefined {
  try {
    const {mode} = statSync(directory);
    if ((mode & OTHERS_MAY_WRITE) !== 0) return (mode & STICKY) === 0 ? 'open' : 'shared';
    return isLinkRefused && lstatSync(path, {throwIfNoEntry: false})?.isSymbolicLink() ? 'link' : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : undefined;
  }
}

/** No user has it: mod_msg says so, once its ACL has let the caller through. */
const NOBODY = 'ftpdctl-doctor-asks';

/** A message to a user whom nobody is: nothing is queued, and the answer tells whether it would have been. */
async function probe(socket: SocketFacts, send: DiagnosisOptions['send']): Promise<ProbeFacts | null> {
  if (send === undefined || socket.kind !== 'there') return null;
  const start = performance.now();
  try {
    const {responses, verdict} = await send(socket.path, ['user', NOBODY, 'probe']);
    const [line = ''] = responses;
    if (/no such client connected$/.test(line))
      return {kind: 'accepted', milliseconds: Math.round(performance.now() - start)};
    if (line === 'access denied') return {kind: 'denied', line};
    return line.startsWith('unsupported')
      ? {kind: 'unsupported', line}
      : {kind: 'failed', why: line || String(verdict)};
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    return {kind: 'failed', why: reasonOf(error)};
  }
}
