import type {ServerSettings, Settings} from '../config/settings.ts';
import {MAX_DOWN} from '../session/limits.ts';
import type {Hosts} from './hostResolver.ts';

/** `DefaultAddress` when it is not set. */
const ANY_ADDRESS = '0.0.0.0';
const DEFAULT_PORT = 21;

/** What `status`, `down` and `up` take in place of addresses: in any case, and what follows is not read (measured). */
export function isAll(word: string): boolean {
  return word.toLowerCase() === 'all';
}

/** `ADDRESS#PORT` of every server that listens: the last virtual host first, the main server last (measured on 1.3.8). */
export async function serverNames({main, virtualHosts}: Settings, hosts: Hosts): Promise<readonly string[]> {
  const listening = [main, ...virtualHosts].reverse().filter(({port}) => port.value !== 0);
  return (await Promise.all(listening.map((each) => namesOf(each, hosts)))).flat();
}

async function namesOf({addresses, port}: ServerSettings, hosts: Hosts): Promise<readonly string[]> {
  const named = addresses.value.length === 0 ? [ANY_ADDRESS] : [...addresses.value].reverse();
  const found = await Promise.all(named.map((name) => firstAddress(name, hosts)));
  return found.map((address, index) => `${address ?? named[index]!}#${port.value}`);
}

/** What one word after `status`, `down` or `up` names. */
export type NamedServer =
  | {readonly kind: 'known' | 'unknown'; readonly name: string}
  /** Its address does not resolve. */
  | {readonly kind: 'unresolved'; readonly host: string; readonly port: number};

/** `ADDRESS[#PORT]`. Without a port it is 21; one that is no number is 0 (measured). */
export async function findServer(word: string, names: readonly string[], hosts: Hosts): Promise<NamedServer> {
  const [host = '', digits] = word.split('#', 2);
  const port = digits === undefined ? DEFAULT_PORT : Number.parseInt(digits, 10) || 0;
  const address = await firstAddress(host, hosts);
  if (address === undefined) return {kind: 'unresolved', host, port};
  const name = `${address}#${port}`;
  return {kind: names.includes(name) ? 'known' : 'unknown', name};
}

async function firstAddress(name: string, hosts: Hosts): Promise<string | undefined> {
  const resolution = await hosts.resolve(name);
  return resolution.kind === 'found' ? resolution.addresses[0] : undefined;
}

/** The servers that `down` has closed to new sessions. */
export class DownServers {
  readonly #names = new Set<string>();
  readonly #tell: (names: readonly string[]) => void;

  /** @param tell is given all of them when there are others */
  constructor(tell: (names: readonly string[]) => void) {
    this.#tell = tell;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Beyond `MAX_DOWN` sessions go on being taken: no configuration has had so many servers. */
  add(...names: readonly string[]): void {
    for (const name of names) this.#names.add(name);
    this.#tell([...this.#names].slice(0, MAX_DOWN));
  }

  delete(name: string): void {
    if (this.#names.delete(name)) this.#tell([...this.#names].slice(0, MAX_DOWN));
  }

  clear(): void {
    if (this.#names.size === 0) return;
    this.#names.clear();
    this.#tell([]);
  }
}
