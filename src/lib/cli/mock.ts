import {lookup} from 'node:dns/promises';
import {classOf} from '../config/classes.ts';
import {quoted, withLocation} from '../config/errors.ts';
import type {ServerSettings, Settings} from '../config/settings.ts';
import {FtpdctlError} from '../errors.ts';
import type {MockOptions, VirtualServer} from '../ftp/options.ts';
import {type ListeningAddress, MockFtpServer} from '../ftp/server.ts';
import {DiskTree} from '../ftp/tree/diskTree.ts';
import {MemoryTree} from '../ftp/tree/memoryTree.ts';
import {type FileTree, readOnly, TreeError} from '../ftp/tree/tree.ts';
import {type Mailbox, noMailbox} from '../session/mailbox/mailbox.ts';
import {openMailbox} from '../session/mailbox/processMailbox.ts';
import {untilSignal} from '../transport/processes/exitCleanup.ts';
import type {GlobalOptions} from './options/flags.ts';
import {UsageError} from './options/usageError.ts';
import {errorLine} from './output/failure.ts';
import {printError, printJson} from './output/output.ts';
import {DEFAULT_FTP_PORT} from './serve/configuration.ts';

const MAX_PORT = 65_535;

/** What the command line says of a mock server. */
interface MockFlags extends GlobalOptions {
  /** Listen there, and not on the ports of the configuration. 0: any that is free. */
  readonly port?: number | undefined;
  /** Serve this directory; without it, a sample in memory. */
  readonly root?: string | undefined;
  readonly 'read-only': boolean;
  readonly 'beyond-loopback': boolean;
}

/**
 * Run a mock FTP server until a signal ends it, or its control server is shut down.
 * @throws FtpdctlError when there is no such root, no address to listen on, or no queue to join
 */
export async function mock(settings: Settings, flags: MockFlags): Promise<void> {
  const tree = flags.root === undefined ? MemoryTree.sample() : await openTree(flags.root);
  const options = await mockOptions(settings);
  const servers = flags.port === undefined ? options.servers : onPort(options.servers, flags.port);
  for (const rule of nameRules(settings))
    printError(`${rule}: clients have no host names here, only addresses`);
  const mailbox = mailboxOf(settings);
  const server = new MockFtpServer({
    ...options,
    servers,
    trace: flags.verbose ? printError : undefined,
    tree: flags['read-only'] ? readOnly(tree) : tree,
    mailbox,
    beyondLoopback: flags['beyond-loopback'],
  });
  const ended = untilSignal('SIGHUP');
  try {
    announce(await server.listen(), flags);
    await Promise.race([ended, mailbox.shutdown]);
  } finally {
    await server.close();
    await mailbox.close();
  }
}

/** @throws UsageError */
export function parsePort(input: string): number {
  const port = /^\d{1,5}$/.test(input) ? Number(input) : Number.NaN;
  if (port <= MAX_PORT) return port;
  throw new UsageError(`--port wants a number from 0 to ${MAX_PORT}, not ${quoted(input)}`);
}

/** All servers on one port, told apart by their addresses; those of one address keep the first alone. */
function onPort(servers: readonly VirtualServer[], port: number): readonly VirtualServer[] {
  const addresses = new Map<string, VirtualServer>();
  for (const server of servers)
    if (!addresses.has(server.address)) addresses.set(server.address, {...server, port});
  return [...addresses.values()];
}

function announce(listening: readonly ListeningAddress[], {json, quiet}: GlobalOptions): void {
  if (json) printJson({listening: listening.map(({address, port}) => ({address, port})), pid: process.pid});
  else if (!quiet) {
    const places = listening.map(({address, port}) => `${address}#${port}`).join(', ');
    printError(`mock FTP server listening on ${places}`);
  }
}

/** Without a queue it is an FTP server all the same; one that cannot be joined is an error, as for `serve`. */
function mailboxOf({message: {queue}}: Settings): Mailbox {
  if (!queue.value) return without('no MessageQueue is configured');
  try {
    return openMailbox({queuePath: queue.value, warn: printError});
  } catch (error) {
    if (error instanceof FtpdctlError && error.code === 'UNIX_DGRAM_MISSING')
      return without(errorLine(error));
    throw withLocation(queue.at, 'MessageQueue', error);
  }
}

function without(reason: string): Mailbox {
  printError(`no message will arrive: ${reason}`);
  return noMailbox;
}

async function openTree(directory: string): Promise<FileTree> {
  try {
    return await DiskTree.open(directory);
  } catch (cause) {
    const {message} = TreeError.from(cause);
    throw new FtpdctlError('NO_ROOT', `--root ${directory}: ${message}`, 1, {
      cause,
      hint: 'name a directory that can be read',
    });
  }
}

/** Where the mock server listens when the configuration names no address. */
const LOOPBACK = '127.0.0.1';
/** What the control server calls that. */
const ANY_ADDRESS = '0.0.0.0';

/**
 * The servers and classes of a configuration, as the mock server wants them. Unlike ProFTPD it listens on loopback where no
 * address is named, and on port 2121 where no port is.
 * @throws FtpdctlError `NO_ADDRESS` when a host name does not resolve
 */
async function mockOptions(settings: Settings): Promise<Pick<MockOptions, 'servers' | 'classOf'>> {
  const servers = await Promise.all([settings.main, ...settings.virtualHosts].map(virtualServers));
  return {
    servers: servers.flat(),
    classOf: (address) => classOf(settings.classes, address),
  };
}

/** Rules that nobody falls under here: the mock server does not ask who has an address. */
function nameRules({classes}: Settings): string[] {
  return classes.flatMap(({name, rules}) =>
    rules.filter(({by}) => by === 'name').map(({text}) => `class ${name}: From ${text}`),
  );
}

async function virtualServers(server: ServerSettings): Promise<VirtualServer[]> {
  const port = server.port.at === null ? DEFAULT_FTP_PORT : server.port.value;
  if (port === 0) return [];
  const named = server.addresses.value.length > 0 ? server.addresses.value : [LOOPBACK];
  const addresses = (await Promise.all(named.map(resolveAddress))).flat();
  return [...new Set(addresses)].map((address) => ({
    address,
    port,
    controlsName: `${server.addresses.value.length > 0 ? addresses[0] : ANY_ADDRESS}#${server.port.value}`,
    name: server.name.value,
    engine: server.engine.value,
  }));
}

async function resolveAddress(name: string): Promise<string[]> {
  try {
    return (await lookup(name, {all: true})).map(({address}) => address);
  } catch (cause) {
    throw new FtpdctlError('NO_ADDRESS', `the server's address "${name}" does not resolve`, 1, {
      cause,
      hint: 'write the address itself in DefaultAddress or <VirtualHost>',
    });
  }
}
