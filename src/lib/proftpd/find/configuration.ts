import {existsSync, readFileSync, realpathSync} from 'node:fs';
import {posix} from 'node:path';
import {CONFIGURATION_FILES, loadSettings} from '../../config/load.ts';
import type {ServerSettings, Settings} from '../../config/settings.ts';
import {systemConfigSource} from '../../transport/files/configSource.ts';
import type {ReadConfiguration, ServerEngine} from '../daemon.ts';
import type {OpenFacts} from './openFiles.ts';

/** A configuration file of this machine that could be read, or why not. */
export type ConfigurationFile = ReadConfiguration | {readonly file: string; readonly why: string};

/** What Debian's init script and unit read. */
const DEBIAN_DEFAULTS = '/etc/default/proftpd';

/** The configuration files there are, the likeliest first. @param given the only one to look at */
export function configurationFiles(given: string | undefined): ConfigurationFile[] {
  const places = given === undefined ? [...debianFile(), ...CONFIGURATION_FILES].filter(existsSync) : [given];
  return [...new Set(places)].map(readConfiguration);
}

export function readConfiguration(file: string): ConfigurationFile {
  try {
    const loaded = loadSettings(systemConfigSource, file);
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
  return one === other || inRealDirectory(one) === inRealDirectory(other);
}

function inRealDirectory(path: string): string {
  try {
    return posix.join(realpathSync(posix.dirname(path)), posix.basename(path));
  } catch {
    return path;
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
