import {lookup} from 'node:dns/promises';
import {isIP} from 'node:net';
import {ConcurrencyLimit} from './request/limits.ts';

/**
 * Look-ups at a time. Each occupies one of the four threads that Node shares between them, the files and the accepting of
 * clients, for as long as the name server takes.
 */
const MAX_LOOKUPS = 2;
/** Names that may wait for their look-up. */
const MAX_WAITING = 4096;
const MAX_WAITING_OF_ONE_USER = 1024;
/** Milliseconds after which a client is answered without the addresses. */
const LOOKUP_TIMEOUT_MS = 5000;

export type Lookup = (name: string) => Promise<readonly {readonly address: string}[]>;

export type Resolution =
  | {readonly kind: 'found'; readonly addresses: readonly string[]}
  | {readonly kind: 'unknown'; readonly why: string};

/** Finds the addresses of hosts for one request. */
export interface Hosts {
  /** All addresses, IPv4 and IPv6, of a host name, or of an address in any notation the system takes (`127.1`). */
  resolve(name: string): Promise<Resolution>;
}

/** What ProFTPD says of every name that cannot be resolved, whatever the reason (measured on 1.3.8 and 1.3.10). */
const UNKNOWN: Resolution = {kind: 'unknown', why: 'No such file or directory'};
const TIMED_OUT: Resolution = {kind: 'unknown', why: 'Connection timed out'};
const TOO_MANY: Resolution = {kind: 'unknown', why: 'Resource temporarily unavailable'};

/** Finds the addresses of hosts. A slow name server delays only the requests that ask for its names. */
export class HostResolver {
  readonly #limit = new ConcurrencyLimit({
    running: MAX_LOOKUPS,
    waiting: MAX_WAITING,
    waitingOfOneUser: MAX_WAITING_OF_ONE_USER,
  });
  readonly #lookup: Lookup;

  constructor(look: Lookup = (name) => lookup(name, {all: true})) {
    this.#lookup = look;
  }

  /** @param uid of the caller */
  resolve(name: string, uid: number): Promise<Resolution> {
    if (isIP(name) !== 0) return Promise.resolve({kind: 'found', addresses: [name]});
    if (name === '') return Promise.resolve(UNKNOWN);
    return new Promise((resolve) => {
      let isOver = false;
      const end = (resolution: Resolution) => {
        isOver = true;
        clearTimeout(timer);
        resolve(resolution);
      };
      const timer = setTimeout(() => end(TIMED_OUT), LOOKUP_TIMEOUT_MS);
      // A name whose caller has timed out is not looked up: one long list must not delay all later requests.
      const queued = this.#limit.run(uid, () => (isOver ? undefined : this.#look(name).then(end)));
      if (!queued) end(TOO_MANY);
    });
  }

  async #look(name: string): Promise<Resolution> {
    try {
      const addresses = (await this.#lookup(name)).map(({address}) => address);
      return addresses.length === 0 ? UNKNOWN : {kind: 'found', addresses};
    } catch {
      return UNKNOWN;
    }
  }
}
