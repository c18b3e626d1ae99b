import {existsSync, lstatSync, type Stats, statSync} from 'node:fs';
import {posix} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {resolveAcls} from '../../acl/resolve.ts';
import {ConfigError} from '../../config/errors.ts';
import {type LoadedConfig, loadSettings} from '../../config/load.ts';
import type {Settings} from '../../config/settings.ts';
import type {ConfigurationFacts, FileProblem, ProgramFacts} from '../../diagnosis/facts.ts';
import type {Read} from '../../diagnosis/findings.ts';
import {ifKnown, type ProftpdDaemon} from '../../proftpd/daemon.ts';
import {configurationPlaces} from '../../proftpd/find/configuration.ts';
import type {ProftpdVersion} from '../../protocol/version.ts';
import {systemConfigSource} from '../../transport/files/configSource.ts';
import {nameService} from '../../transport/nameService.ts';
import {executableOf} from '../../transport/processes/proc.ts';

/** The configuration as that program reads it: an `<IfModule>` depends on what is part of it. */
export function readFor(
  given: string | undefined,
  daemon: ProftpdDaemon | undefined,
  program: ProgramFacts | null,
  version: ProftpdVersion | undefined,
  daemons: readonly ProftpdDaemon[],
): ConfigurationFacts {
  const known = daemon && ifKnown(daemon.configuration)?.file;
  const file = given ?? known ?? likeliestFile(daemon, daemons);
  if (file === undefined) {
    const why = daemon?.configuration.known === false ? daemon.configuration.why : NO_CONFIGURATION;
    return {kind: 'unknown', why};
  }
  const conditions = {modules: program?.modules ?? undefined, version};
  try {
    const loaded = loadSettings(systemConfigSource, file, conditions);
    const isAssumed = daemon !== undefined && file !== known;
    const undecided = undecidedIn(loaded, () =>
      loadSettings(systemConfigSource, file, {...conditions, assumed: true}),
    );
    return {kind: 'read', file, isAssumed, loaded, undecided, ...readFacts(loaded, program, version)};
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {kind: 'broken', file, at: error.at, problem: error.problem};
  }
}

/** The first condition that nobody can decide, if it makes a difference to messages. */
function undecidedIn(loaded: LoadedConfig, loadOther: () => LoadedConfig): Read['undecided'] {
  const [first] = loaded.undecided;
  if (first === undefined) return null;
  try {
    return isDeepStrictEqual(relevantTo(loaded), relevantTo(loadOther())) ? null : first;
  } catch (error) {
    if (error instanceof ConfigError) return first;
    throw error;
  }
}

function relevantTo({settings, modules}: LoadedConfig) {
  const {main, controls, message, acls, scoreboardFile} = settings;
  return {engine: main.engine, controls, message, acls, scoreboardFile, hasMsg: modules.has('mod_msg.c')};
}

const NO_CONFIGURATION = 'there is none at any place known here';

/**
 * That of the distribution, where neither the daemon's own descriptors, which root alone may see, speak against it, nor that
 * it is another one's.
 */
function likeliestFile(
  daemon: ProftpdDaemon | undefined,
  daemons: readonly ProftpdDaemon[],
): string | undefined {
  if (daemon === undefined) return configurationPlaces()[0];
  if (executableOf(daemon.pid) !== undefined) return undefined;
  const taken = daemons.flatMap(({configuration}) => ifKnown(configuration)?.file ?? []);
  return configurationPlaces().find((file) => !taken.includes(file));
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

export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Of the files that a ProFTPD writes those that it refuses, by what it was measured to say. */
export function fileProblems(settings: Settings): FileProblem[] {
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
