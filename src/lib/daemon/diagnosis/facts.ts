import {existsSync} from 'node:fs';
import {loadSettings} from '../../config/load.ts';
import type {Settings} from '../../config/settings.ts';
import type {DirectFacts, Facts, ProbeFacts, ProgramFacts, SocketFacts} from '../../diagnosis/facts.ts';
import {FtpdctlError, reasonOf} from '../../errors.ts';
import {ifKnown, type ProftpdDaemon} from '../../proftpd/daemon.ts';
import {isSamePath} from '../../proftpd/find/configuration.ts';
import {chooseDaemon, type FoundDaemons, findDaemons} from '../../proftpd/find/find.ts';
import {describeProgram} from '../../proftpd/find/program.ts';
import {parseVersion} from '../../protocol/version.ts';
import {systemConfigSource} from '../../transport/files/configSource.ts';
import {nameService} from '../../transport/nameService.ts';
import {executableOf} from '../../transport/processes/proc.ts';
import {installedProftpd} from '../../transport/processes/proftpdProgram.ts';
import type {DaemonAnswer} from '../daemon.ts';
import {LocalProftpd} from '../local.ts';
import {fileProblems, readFor} from './configuration.ts';
import {queueFacts, scoreboardFacts} from './queue.ts';
import {daemonFacts} from './running.ts';
import {socketFacts} from './socket.ts';

/** Which ProFTPD is meant, and how far to go. */
export interface DiagnosisOptions {
  /** Its controls socket. */
  readonly socket?: string | undefined;
  /** Its configuration file. */
  readonly configuration?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds to wait for an answer of the daemon. */
  readonly timeout: number;
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
  const configuration = readFor(options.configuration, daemon, program, version, found.daemons);
  const settings = configuration.kind === 'read' ? configuration.loaded.settings : undefined;
  const socket = await socketFacts(daemon, settings, version, options);
  return {
    caller: callerFacts(),
    timeout: options.timeout,
    packages: packageSystem(),
    program,
    configuration,
    daemon: daemonFacts(daemon, found, configuration, program, socket, options.configuration),
    socket,
    queue: await queueFacts(daemon, settings, options.signal),
    scoreboard: scoreboardFacts(daemon, settings, program),
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
  if (daemons.length === 0) return undefined;
  if (socket === undefined) return chooseDaemon(found);
  // One that has no socket, or none that is known, may be the one whose socket is missed.
  const without = daemons.filter((each) => ifKnown(each.controlsSocket) == null);
  return without.length === 0 ? undefined : chooseDaemon({daemons: without, passedOver: []});
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
