import {userInfo} from 'node:os';
import {resolve} from 'node:path';
import {quoteWord} from '../../config/lexer.ts';
import {type LoadedConfig, loadSettings} from '../../config/load.ts';
import type {ConfigSource} from '../../config/source.ts';
import type {ProftpdVersion} from '../../protocol/version.ts';
import {systemConfigSource} from '../../transport/files/configSource.ts';
import {ensureRuntimeDirectory} from '../../transport/files/runtimeDirectory.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {printJson} from '../output/output.ts';

/** What the embedded configuration is made for. */
export interface DefaultConfigOptions {
  /** Absolute path of a directory that only the calling user may enter. */
  readonly runtimeDirectory: string;
  /** The calling user's name: that user alone may do everything. */
  readonly user: string;
  /** TCP port of the mock FTP server. */
  readonly port?: number;
}

export const DEFAULT_FTP_PORT = 2121;

/**
 * The configuration `ftpdctl serve` and `ftpdctl mock` use when they are given none, as the text of a file to
 * start from: everything on loopback, everything allowed to the calling user, nothing to anybody else.
 */
export function defaultConfig({
  runtimeDirectory,
  user,
  port = DEFAULT_FTP_PORT,
}: DefaultConfigOptions): string {
  const inRuntime = (name: string) => quoteWord(`${runtimeDirectory}/${name}`);
  const me = quoteWord(user);
  return `# ftpdctl's own configuration, used when no file is given. ProFTPD reads it, too.

ServerName "ftpdctl"
DefaultAddress 127.0.0.1
Port ${port}

# Who a message to a class reaches. Loopback has room for more than one.
<Class local>
  From 127.0.0.1 ::1
</Class>
<Class staff>
  From 127.0.1.0/24
</Class>
<Class guests>
  From 127.0.2.0/24
</Class>

<IfModule mod_ctrls.c>
  ControlsEngine on
  ControlsSocket ${inRuntime('ftpdctl.sock')}
  ControlsInterval 1

  # Who may connect at all, then who may do what.
  ControlsSocketACL allow user ${me}
  ControlsACLs all allow user ${me}
</IfModule>

<IfModule mod_ctrls_admin.c>
  AdminControlsACLs all allow user ${me}
</IfModule>

<IfModule mod_msg.c>
  MessageEngine on
  MessageQueue ${inRuntime('msg.queue')}
  MessageControlsACLs all allow user ${me}
</IfModule>
`;
}

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
 * @param version of the ProFTPD as which the file is read; default: none
 * @throws ConfigError with `file:line`; FtpdctlError when there is no place for the default's sockets
 */
export function loadConfiguration(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
  version?: ProftpdVersion,
): LoadedConfig {
  if (file !== undefined) return loadSettings(systemConfigSource, resolve(file), {version});
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
