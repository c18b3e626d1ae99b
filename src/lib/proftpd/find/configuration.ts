import {existsSync, readFileSync, realpathSync} from 'node:fs';
import {posix} from 'node:path';
import {CONFIGURATION_FILES, loadSettings} from '../../config/load.ts';
import type {ServerSettings, Settings} from '../../config/settings.ts';
import {systemConfigSource} from '../../transport/files/configSource.ts';
import {installedVersion} from '../../transport/processes/proftpdProgram.ts';
import type {ReadConfiguration, ServerEngine} from '../daemon.ts';
import type {OpenFacts} from './openFiles.ts';

/** A configuration file of this machine that could be read, or why not. */
export type ConfigurationFile = ReadConfiguration | {readonly file: string; readonly why: string};

/** What Debian's init script and unit read. */
const DEBIAN_DEFAULTS = '/etc/default/proftpd';

/** Where the configuration may be, the likeliest first. */
export function configurationPlaces(): string[] {
  return [...new Set([...debianFile(), ...CONFIGURATION_FILES])].filter(existsSync);
}

/** The configuration files there are, the likeliest first. @param given the only one to look at */
export function configurationFiles(given: string | undefined): Promise<ConfigurationFile[]> {
  return Promise.all((given === undefined ? configurationPlaces() : [given]).map(readConfiguration));
}

/** As the installed ProFTPD reads it, whose version is asked for where an `<IfVersion>` depends on it. */
export async function readConfiguration(file: string): Promise<ConfigurationFile> {
  try {
    let loaded = loadSettings(systemConfigSource, file);
    if (loaded.undecided.some(({kind}) => kind === 'version'))
      loaded = loadSettings(systemConfigSource, file, {version: await installedVersion()});
    return {
      file,
      settings: loaded.settings,
      // Looked for by those alone who ask.
      get warnings() {
        return loaded.warnings;
      },
    };
  } catch (error) {
    return {file, why: (error as Error).message};
  }
}

/** `CONFIG_FILE=…`, as a shell would read it. */
function debianFile(): string[] {
  try {
    const line = /^\s*CONFIG_FILE=(["']?)(\/[^"'\s#]+)\1/m.exec(readFileSync(DEBIAN_DEFAULTS, 'utf8'));
    return line ? [line[2]!] : [];
  } catch {
    return [];
  }
}

/** What in a configuration cannot be of a daemon that has this open; `undefined` when nothing speaks against it. */
export function contradiction(settings: Settings, facts: OpenFacts): string | undefined {
  const {controls, message, scoreboardFile} = settings;
  const ports = [settings.main, ...settings.virtualHosts]
    .map(({port}) => port.value)
    .filter((port) => port > 0);
  if (facts.ports.length > 0 && !ports.some((port) => facts.ports.includes(port)))
    return 'its ports are others';
  const pairs: [string, string | null, string | null | undefined][] = [
    ['ControlsSocket', controls.socket.value, facts.controlsSocket],
    ['ScoreboardFile', scoreboardFile.value, facts.scoreboard?.path],
    ['MessageQueue', message.queue.value, facts.queues[0]?.path],
  ];
  const wrong = pairs.find(([, said, open]) => said !== null && open != null && !isSamePath(said, open));
  return wrong && `its ${wrong[0]} is another one`;
}

/** Whether two paths mean the same, deleted files among them: `/var/run` is a link to `/run`. */
export function isSamePath(one: string, other: string): boolean {
  return one === other || realPath(one) === realPath(other);
}

/** Of what is not there, or may not be looked at, as far as its directory leads. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const directory = posix.dirname(path);
    return directory === path ? path : posix.join(realPath(directory), posix.basename(path));
  }
}

/** `MessageEngine` of each server of a configuration, the main server's first. */
export function enginesOf({main, virtualHosts}: Settings): ServerEngine[] {
  return [main, ...virtualHosts].map(({name, addresses, port, engine}: ServerSettings) => ({
    name: name.value,
    addresses: addresses.value,
    port: port.value,
    engine: engine.value,
  }));
}
