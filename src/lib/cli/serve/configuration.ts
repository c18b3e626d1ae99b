import {userInfo} from 'node:os';
import {resolve} from 'node:path';
import {defaultConfig} from '../../config/defaults.ts';
import {type LoadedConfig, loadSettings} from '../../config/load.ts';
import type {ConfigSource} from '../../config/source.ts';
import {systemConfigSource} from '../../transport/files/configSource.ts';
import {ensureRuntimeDirectory} from '../../transport/files/runtimeDirectory.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {printJson} from '../output/output.ts';

/** How the embedded configuration is called where a file would be named. */
const EMBEDDED = '(embedded default)';

/** The embedded default for the calling user, as text. Makes its directory. */
function embeddedConfiguration(env: NodeJS.ProcessEnv): string {
  return defaultConfig({runtimeDirectory: ensureRuntimeDirectory(env), user: ownName() ?? EVERYBODY});
}

/** Of those who may enter the runtime directory, that is: a uid without a name cannot be told from others by a list. */
const EVERYBODY = '*';

/** `undefined` for a uid without an account, as containers have it. */
function ownName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

/**
 * The settings of `--config FILE`, or the embedded default without one.
 * @throws ConfigError with `file:line`; FtpdctlError when there is no place for the default's sockets
 */
export function loadConfiguration(file: string | undefined, env: NodeJS.ProcessEnv): LoadedConfig {
  if (file !== undefined) return loadSettings(systemConfigSource, resolve(file));
  const text = embeddedConfiguration(env);
  const source: ConfigSource = {
    ...systemConfigSource,
    kind: (path) => (path === EMBEDDED ? 'file' : systemConfigSource.kind(path)),
    read: (path) => (path === EMBEDDED ? text : systemConfigSource.read(path)),
  };
  return loadSettings(source, EMBEDDED);
}

/** `serve --print-config`. */
export function printEmbeddedConfiguration(env: NodeJS.ProcessEnv, {json}: GlobalOptions): void {
  const config = embeddedConfiguration(env);
  if (json) printJson({config, exitStatus: 0});
  else process.stdout.write(config);
}
