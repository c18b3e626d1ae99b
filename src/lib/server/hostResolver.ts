import {lookup} from 'node:dns/promises';
import {isIP} from 'node:net';

/**
 * Look-ups at a time. Each occupies one of the four threads that Node shares between them, the files and the accepting of
 * clients, for as long as the name server takes.
 */
const MAX_LOOKUPS = 2;
/** Milliseconds after which a client is answered without the addresses. */
const LOOKUP_DEADLINE = 5000;

export type Lookup = (name: string) => Promise<readonly {readonly address: string}[]>;

export type Resolution =
  | {readonly kind: 'found'; readonly addresses: readonly string[]}
  | {readonly kind: 'unknown'; readonly why: string};

/** What ProFTPD says of every name that cannot be resolved, whatever the reason (measured on 1.3.8 and 1.3.10). */
const UNKNOWN: Resolution = {kind: 'unknown', why: 'No such file or directory'};
const TIMED_OUT: Resolution = {kind: 'unknown', why: 'Connection timed out'};

/** Finds the addresses of hosts, without ever keeping anybody else waiting. */
export class HostResolver {
  readonly #waiting: (() => void)[] = [];
  readonly #lookup: Lookup;
  #running = 0;

  constructor(look: Lookup = (name) => lookup(name, {all: true})) {
    this.#lookup = look;
  }

  /** All addresses, IPv4 and IPv6, of a host name, or of an address in any notation the system takes (`127.1`). */
  async resolve(name: string): Promise<Resolution> {
    if (isIP(name) !== 0) return {kind: 'found', addresses: [name]};
    if (name === '') return UNKNOWN;
    let timer: NodeJS.Timeout | undefined;
    let late = false;
    const deadline = new Promise<Resolution>((resolve) => {
      timer = setTimeout(() => {
        late = true;
        resolve(TIMED_OUT);
      }, LOOKUP_DEADLINE);
    });
    const found = await Promise.race([this.#inTurn(name, () => late), deadline]);
    clearTimeout(timer);
    return found;
  }

  /** @param isLate whether nobody waits for the answer any more: one long list of names must not delay all that follow */
  async #inTurn(name: string, isLate: () => boolean): Promise<Resolution> {
    if (this.#running < MAX_LOOKUPS) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (isLate()) return TIMED_OUT;
      const addresses = (await this.#lookup(name)).map(({address}) => address);
      return addresses.length === 0 ? UNKNOWN : {kind: 'found', addresses};
    } catch {
      return UNKNOWN;
    } finally {
      // The turn is handed on as it is.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
