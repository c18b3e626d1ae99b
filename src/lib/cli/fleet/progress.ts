import {foldHosts, type Host} from '../../fleet/hosts.ts';
import type {FleetEvent} from '../../fleet/run.ts';
import {isWatched, printError} from '../output/output.ts';
import {StatusLine} from '../output/terminal.ts';
import type {FleetCommand} from './command.ts';

/** Milliseconds before a wait needs a line, and between two looks of it. */
const TICK_MS = 400;

/** Which hosts have not answered yet: a line on a terminal's standard error while that lasts. With `-v`, each step. */
export class FleetProgress {
  readonly #pending: Set<string>;
  readonly #total: number;
  readonly #verbose: boolean;
  readonly #line = new StatusLine();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(
    hosts: readonly Host[],
    {quiet, json, verbose}: Pick<FleetCommand, 'quiet' | 'json' | 'verbose'>,
  ) {
    this.#pending = new Set(hosts.map(({name}) => name));
    this.#total = hosts.length;
    this.#verbose = verbose;
    if (isWatched() && !quiet && !json && !verbose) this.#timer = setInterval(() => this.#draw(), TICK_MS);
  }

  on(event: FleetEvent): void {
    if (event.kind === 'ended') this.#pending.delete(event.host.name);
    else if (this.#verbose) printError(`${event.host.name}: ${describe(event)}`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#line.clear();
  }

  #draw(): void {
    const done = `${this.#total - this.#pending.size} of ${this.#total} hosts`;
    this.#line.draw([`${done}, waiting for ${foldHosts([...this.#pending])}`, done], 'waiting');
  }
}

function describe(event: Exclude<FleetEvent, {kind: 'ended'}>): string {
  switch (event.kind) {
    case 'connecting':
      return 'connecting';
    case 'retrying':
      return 'connecting again: it had no room for another connection';
    case 'client': {
      const {kind, path, dialect} = event.client;
      const which =
        kind === 'ours' ? 'this program' : `ProFTPD's own${dialect ? `, ${dialect} dialect` : ''}`;
      return `its client is ${path} (${which})${event.remembered ? ', as remembered' : ''}`;
    }
  }
}
