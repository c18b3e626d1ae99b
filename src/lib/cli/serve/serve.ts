import {SERVE_SOCKET_NAME} from '../../client/discovery.ts';
import type {LoadedConfig} from '../../config/load.ts';
import {ControlsServer} from '../../server/controlsServer.ts';
import {ensureRuntimeDirectory} from '../../transport/files/runtimeDirectory.ts';
import {nameService} from '../../transport/nameService.ts';
import type {GlobalOptions} from '../options/globalFlags.ts';
import {printError, printJson} from '../output/output.ts';
import {untilSignal} from './untilSignal.ts';

/** The longest interval a timer takes, in milliseconds. */
const FOREVER = 2 ** 31 - 1;

/**
 * Serve until a signal ends it.
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
  });
  // Without a socket (ControlsEngine off) nothing else would keep the process from ending.
  const alive = setInterval(() => {}, FOREVER);
  try {
    announce(server.socket, options);
    await ended;
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
