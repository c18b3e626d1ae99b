import {lookup} from 'node:dns/promises';
import {DEFAULT_FTP_PORT} from '../../config/defaults.ts';
import type {ServerSettings, Settings} from '../../config/settings.ts';
import {classOf} from '../../config/values/classes.ts';
import {FtpdctlError} from '../../errors.ts';
import type {MockOptions, VirtualServer} from '../../ftp/options.ts';

/** Where the mock server listens when the configuration names no address. */
const LOOPBACK = '127.0.0.1';

/**
 * The servers and classes of a configuration, as the mock server wants them. Unlike ProFTPD it listens on loopback where no
 * address is named, and on port 2121 where no port is.
 * @throws FtpdctlError `NO_ADDRESS` when a host name does not resolve
 */
export async function mockOptions(settings: Settings): Promise<Pick<MockOptions, 'servers' | 'classOf'>> {
  const servers = await Promise.all([settings.main, ...settings.virtualHosts].map(virtualServers));
  return {
    servers: servers.flat(),
    classOf: (address) => classOf(settings.classes, address),
  };
}

/** Rules that nobody falls under here: the mock server does not ask who has an address. */
export function nameRules({classes}: Settings): string[] {
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
