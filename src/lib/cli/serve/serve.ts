import {showFinding} from '../../acl/answers.ts';
import {type Finding, findings} from '../../acl/findings.ts';
import {SERVE_SOCKET_NAME} from '../../client/discovery.ts';
import type {ConfigWarning} from '../../config/errors.ts';
import type {LoadedConfig} from '../../config/load.ts';
import type {Settings} from '../../config/settings.ts';
import type {FtpdctlError} from '../../errors.ts';
import {checkLogs, resolveConfiguration} from '../../server/configuration.ts';
import {ControlsServer} from '../../server/controlsServer.ts';
import {ensureRuntimeDirectory} from '../../transport/files/runtimeDirectory.ts';
import {nameService} from '../../transport/nameService.ts';
import {untilSignal} from '../../transport/processes/exitCleanup.ts';
import {loadUnixDgram} from '../../transport/sockets/datagram.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {errorLine} from '../output/failure.ts';
import {printError, printJson, printLine} from '../output/output.ts';

/** The longest interval a timer takes, in milliseconds. */
const FOREVER = 2 ** 31 - 1;

/**
 * Serve until a signal or the action `shutdown` ends it.
 * @param load reads the configuration, now and at each SIGHUP
 * @param version of this program
 */
export async function serve(
  load: () => LoadedConfig,
  version: string,
  options: GlobalOptions,
): Promise<void> {
  const ended = untilSignal();
  let server: ControlsServer | undefined;
  const reload = () => void server?.reload();
  process.on('SIGHUP', reload);
  server = await ControlsServer.start({
    load,
    version,
    names: nameService,
    defaultSocket: () => `${ensureRuntimeDirectory(process.env)}/${SERVE_SOCKET_NAME}`,
    warn: printError,
    trace: options.verbose ? printError : undefined,
  });
  // Without a socket (ControlsEngine off) nothing else would keep the process from ending.
  const alive = setInterval(() => {}, FOREVER);
  try {
    announce(server.socket, options);
    await Promise.race([ended, server.shutdown]);
  } finally {
    clearInterval(alive);
    await server.close();
    process.off('SIGHUP', reload);
  }
}

function announce(socket: string | null, {json, quiet}: GlobalOptions): void {
  if (json) printJson({socket, pid: process.pid});
  else if (socket !== null && !quiet) printError(`listening at ${socket}`);
}

/** What there is to say of a configuration that is right. */
export interface ConfigurationCheck {
  readonly warnings: readonly ConfigWarning[];
  /** What is odd about the ACLs. */
  readonly findings: readonly Finding[];
}

/**
 * Everything that can be known without touching what a running server has.
 * @throws ConfigError
 */
export function checkConfiguration(loaded: LoadedConfig): ConfigurationCheck {
  const {access, settings, warnings} = resolveConfiguration(loaded, nameService);
  checkLogs(settings);
  return {warnings: [...warnings, ...withoutQueue(settings)], findings: findings(access)};
}

/** A server that has a queue to serve and cannot open one starts all the same. */
function withoutQueue({message: {queue}}: Settings): ConfigWarning[] {
  if (queue.value === null || queue.at === null) return [];
  try {
    loadUnixDgram();
    return [];
  } catch (error) {
    return [
      {
        at: queue.at,
        message: `MessageQueue: no message will be delivered: ${errorLine(error as FtpdctlError)}`,
      },
    ];
  }
}

/** Print it: the command has succeeded, whatever there is to say. */
export function reportCheck({warnings, findings}: ConfigurationCheck, {json, quiet}: GlobalOptions): void {
  if (json) {
    printJson({
      warnings: warnings.map(({at, message}) => ({...at, message})),
      findings: findings.map(({code, at, message}) => ({code, ...at, message})),
      exitStatus: 0,
    });
    return;
  }
  for (const line of [...warnings, ...findings].map(showFinding)) printLine(line);
  if (!quiet) printLine('the configuration can be used');
}
