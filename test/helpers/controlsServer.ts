import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {NameDirectory} from '../../src/lib/acl/names.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {ControlsServer} from '../../src/lib/server/controlsServer.ts';
import {systemConfigSource} from '../../src/lib/transport/files/configSource.ts';
import {nameService} from '../../src/lib/transport/nameService.ts';
import {OPEN_ACLS} from './proftpd.ts';

/** Everything to everybody who connects, which 1.3.8 needs no directive for. */
export const OPEN: readonly string[] = ['ControlsSocketACL allow user *', ...OPEN_ACLS];

/** The same to root alone. */
export const OPEN_TO_ROOT: readonly string[] = ['ControlsSocketACL allow user root', ...OPEN_ACLS];

/** A control server in this process, with files of its own. */
export interface RunningServer {
  readonly directory: string;
  readonly socket: string;
  readonly queue: string;
  readonly configFile: string;
  readonly server: ControlsServer;
  /** What it has warned of. */
  readonly warnings: string[];
  /** Write another configuration; the socket, queue and logs stay where they are. */
  configure(lines: readonly string[]): void;
  /** Lines of the ControlsLog so far, without time and origin. */
  controlsLog(): string[];
  messageLog(): string[];
  /** End the server, in good order, and start another on the same configuration. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly names?: NameDirectory;
  /** In place of those that name the socket, the queue and the logs in a directory of the test's. */
  readonly places?: (directory: string) => readonly string[];
}

/** The lines that say where a server in `directory` has its socket, queue and logs. */
export function placesIn(directory: string): string[] {
  return [
    `ControlsSocket ${directory}/ctrls`,
    `ControlsLog ${directory}/controls.log`,
    `MessageQueue ${directory}/queue`,
    `MessageLog ${directory}/message.log`,
    'MessageEngine on',
  ];
}

/** A directory with a short name that everybody may enter. */
export function makePlace(): string {
  const directory = mkdtempSync('/tmp/fs-');
  chmodSync(directory, 0o755);
  return directory;
}

/** Starts a server on a configuration of these lines. End it with `stop()`. */
export async function startControlsServer(
  lines: readonly string[],
  {names = nameService, places = placesIn}: ServerOptions = {},
): Promise<RunningServer> {
  const directory = makePlace();
  const configFile = join(directory, 'proftpd.conf');
  const configure = (others: readonly string[]) =>
    writeFileSync(configFile, [...places(directory), ...others].join('\n'));
  configure(lines);
  const warnings: string[] = [];
  const remove = () => rmSync(directory, {recursive: true, force: true});
  try {
    const start = () =>
      ControlsServer.start({
        load: () => loadSettings(systemConfigSource, configFile),
        defaultSocket: () => join(directory, 'default.sock'),
        names,
        version: '1.2.3',
        warn: (line) => warnings.push(line),
      });
    let server = await start();
    return {
      directory,
      socket: join(directory, 'ctrls'),
      queue: join(directory, 'queue'),
      configFile,
      get server() {
        return server;
      },
      warnings,
      configure,
      async restart() {
        await server.close();
        server = await start();
      },
      controlsLog: () => logLines(join(directory, 'controls.log')),
      messageLog: () => logLines(join(directory, 'message.log')),
      async stop() {
        await server.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A line of a log of ProFTPD's: time with milliseconds, module and version, pid. */
const LOG_LINE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (mod_\w+\/[\d.]+)\[(\d+)\]: (.*)$/;

/** The lines of a log, without time and origin. */
export function logLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [, , , text] = LOG_LINE.exec(line) ?? [];
    if (text === undefined) throw new Error(`not a line of ProFTPD's: ${line}`);
    return text;
  });
}

/** Waits until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}
