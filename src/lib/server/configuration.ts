import type {NameDirectory} from '../acl/names.ts';
import {type AccessControl, resolveAcls, resolveSocketOwner, type SocketOwner} from '../acl/resolve.ts';
import {ConfigError, type ConfigWarning} from '../config/errors.ts';
import type {LoadedConfig} from '../config/load.ts';
import type {Setting, Settings} from '../config/settings.ts';
import {checkDirectory, LogError, LogFile} from './logFile.ts';

/** What is in force from one reading of the configuration to the next. */
export interface Configuration {
  readonly settings: Settings;
  readonly access: AccessControl;
  /** `ControlsSocketOwner` */
  readonly owner: SocketOwner['owner'];
  /** What is to be said of it, although it may be used. */
  readonly warnings: readonly ConfigWarning[];
}

/** @throws FtpdctlError when names cannot be looked up */
export function resolveConfiguration(
  {settings, warnings}: LoadedConfig,
  names: NameDirectory,
): Configuration {
  const {engine, owner} = settings.controls;
  const socketOwner = resolveSocketOwner(owner, names);
  return {
    settings,
    access: resolveAcls(settings.acls, names, {engine}),
    owner: socketOwner.owner,
    warnings: [...warnings, ...socketOwner.warnings],
  };
}

/** The logs; `null` where none is wanted, or none can be had. */
export interface Logs {
  readonly controls: LogFile | null;
  readonly message: LogFile | null;
}

/**
 * What keeps a server from starting, found without opening a log.
 *
 * @throws ConfigError for a ControlsLog in a world-writable directory
 */
export function checkLogs({controls: {log}}: Settings): void {
  if (log.value === null || log.at === null) return;
  try {
    checkDirectory(log.value);
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'LOG_WORLD_WRITABLE') return;
    throw new ConfigError(log.at, `ControlsLog: ${error.message}`, error);
  }
}

const NO_LOGS: Logs = {controls: null, message: null};

/**
 * Open both logs. As in ProFTPD (measured), a ControlsLog in a world-writable directory keeps the server from starting;
 * whatever else is wrong with a log is said, and the server does without it, or goes on with the one it has.
 *
 * @param open those that are open already: they are not closed here
 * @throws ConfigError
 */
export function openLogs(settings: Settings, warn: (line: string) => void, open = NO_LOGS): Logs {
  checkLogs(settings);
  return {
    controls: openLog('ControlsLog', settings.controls.log, open.controls),
    message: openLog('MessageLog', settings.message.log, open.message),
  };

  function openLog(name: string, {value: path}: Setting<string | null>, old: LogFile | null): LogFile | null {
    if (path === null) return null;
    const say = ({message}: {readonly message: string}) => warn(`${name}: ${message}`);
    try {
      return LogFile.open(path, settings.allowLogSymlinks.value, say);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      say(error);
      return old;
    }
  }
}

/** Close the logs but those that stay in use. */
export function closeLogs({controls, message}: Logs, inUse = NO_LOGS): void {
  if (controls !== inUse.controls) controls?.close();
  if (message !== inUse.message) message?.close();
}
