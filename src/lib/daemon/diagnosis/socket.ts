import {accessSync, constants, existsSync, lstatSync, statSync} from 'node:fs';
import {posix} from 'node:path';
import {candidateSockets, SERVE_SOCKET_NAME, type SocketCandidate} from '../../client/discovery.ts';
import type {Settings} from '../../config/settings.ts';
import type {SocketFacts} from '../../diagnosis/facts.ts';
import {ifKnown, type ProftpdDaemon} from '../../proftpd/daemon.ts';
import {isSamePath} from '../../proftpd/find/configuration.ts';
import {compareVersions, type ProftpdVersion, parseVersion} from '../../protocol/version.ts';
import {
  executableOf,
  hasOtherMount,
  listeningSockets,
  sharesNamespace,
} from '../../transport/processes/proc.ts';
import {statOf} from './configuration.ts';

/** The socket that a caller names, and where others are looked for. */
interface Wanted {
  readonly socket?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

export async function socketFacts(
  daemon: ProftpdDaemon | undefined,
  settings: Settings | undefined,
  version: ProftpdVersion | undefined,
  options: Wanted,
): Promise<SocketFacts> {
  if (daemon === undefined || settings?.controls.engine.value === false) return {kind: 'none'};
  const {pid, controlsSocket} = daemon;
  // Others see the sockets of all who share its network, by name alone.
  const isOpen = executableOf(pid) !== undefined;
  const path =
    ifKnown(controlsSocket) ??
    settings?.controls.socket.value ??
    (isOpen ? undefined : await likeliestSocket(pid, options));
  if (path === undefined) {
    const why = controlsSocket.known ? 'it listens at none' : controlsSocket.why;
    return {kind: 'unknown', why};
  }
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

/** That of a `serve` is no ProFTPD's. */
async function likeliestSocket(pid: number, options: Wanted): Promise<string | undefined> {
  const path = (await firstListening(pid, options))?.path;
  return path === undefined || posix.basename(path) === SERVE_SOCKET_NAME ? undefined : path;
}

/** What a client that is not told a socket takes, where that is another. */
async function takenInPlaceOf(
  path: string,
  pid: number,
  options: Wanted,
): Promise<string | null | undefined> {
  const first = await firstListening(pid, options);
  if (first === undefined) return null;
  return isSamePath(first.path, path) ? undefined : first.path;
}

/** The first of the sockets that a client looks at, by whomever it is listened to. */
async function firstListening(pid: number, {socket, env}: Wanted): Promise<SocketCandidate | undefined> {
  const candidates = await candidateSockets(socket, env);
  return candidates.find(
    ({path, missing}) => !missing && lookAt(path) === 'there' && isListenedTo(pid, path),
  );
}
