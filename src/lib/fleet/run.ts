import {setMaxListeners} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {FtpdctlError, internalError} from '../errors.ts';
import {askForClient, type ClientMemory, isUnchanged, type RemoteClient} from './clients.ts';
import {HostError, isBusy} from './errors.ts';
import type {Host} from './hosts.ts';
import type {RemoteCommand, RemoteWord} from './script.ts';
import {type RemoteResult, RemoteShell} from './ssh.ts';

/** What has become of a command on one host. */
export type Outcome<T> =
  | {readonly kind: 'done'; readonly client: RemoteClient; readonly value: T}
  | {readonly kind: 'failed'; readonly error: FtpdctlError; readonly mayBeDone: boolean}
  /** Given up before it was its turn. */
  | {readonly kind: 'not-run'};

/** Run the client of a host with these words. @throws HostError */
export type RunClient = (
  words: readonly RemoteWord[],
  more?: Pick<RemoteCommand, 'before' | 'input'> & {
    /** The words are a whole command, which stands in the client's place. */
    readonly instead?: boolean;
  },
) => Promise<RemoteResult>;

export type FleetEvent =
  | {readonly kind: 'connecting' | 'retrying'; readonly host: Host}
  | {
      readonly kind: 'client';
      readonly host: Host;
      readonly client: RemoteClient;
      readonly remembered: boolean;
    }
  | {readonly kind: 'ended'; readonly host: Host};

export interface FleetOptions<T> {
  /** What to do on a host with its client; told apart from `run` it is done anew where the client turns out to be another. */
  readonly task: (host: Host, client: RemoteClient, run: RunClient) => Promise<T>;
  readonly memory: ClientMemory;
  /** Hosts at a time, at the most. */
  readonly fanout: number;
  /** Milliseconds for one host. */
  readonly timeout: number;
  readonly sudo: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Gives all of it up. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: FleetEvent) => void;
}

/** Do something on many hosts. Whatever goes wrong on one of them is its outcome. */
export async function runOnHosts<T>(
  hosts: readonly Host[],
  options: FleetOptions<T>,
): Promise<Map<string, Outcome<T>>> {
  const outcomes = new Map<string, Outcome<T>>(hosts.map(({name}) => [name, {kind: 'not-run'}]));
  // A listener for each host at work.
  setMaxListeners(options.fanout + 1, options.signal);
  const waiting = hosts.values();
  const work = async () => {
    for (const host of waiting) {
      if (options.signal.aborted) return;
      outcomes.set(host.name, await new HostRun(host, options).outcome());
      options.onEvent?.({kind: 'ended', host});
    }
  };
  await Promise.all(Array.from({length: Math.min(options.fanout, hosts.length)}, work));
  options.memory.save();
  return outcomes;
}

/** Connections that are tried where the other side has no room for one. */
const MAX_TRIES = 8;
/** Milliseconds before the second try; before each after it twice as many, and up to as many again by chance. */
const RETRY_PAUSE_MS = 100;
/** A client that is another at each look is none to trust. */
const MAX_CLIENTS = 3;

/** The client was another one than the one that was asked: nothing was run. */
class StaleClient extends Error {}

class HostRun<T> {
  readonly #host: Host;
  readonly #options: FleetOptions<T>;
  readonly #abort = new AbortController();
  #phase: 'connecting' | 'asking' | 'running' = 'connecting';
  /** Why the last try to connect has failed. */
  #busy: HostError | undefined;

  constructor(host: Host, options: FleetOptions<T>) {
    this.#host = host;
    this.#options = options;
  }

  async outcome(): Promise<Outcome<T>> {
    const {timeout, signal} = this.#options;
    const timer = setTimeout(() => this.#abort.abort(this.#tooLate()), timeout);
    const interrupt = () => this.#abort.abort(this.#interrupted());
    signal.addEventListener('abort', interrupt, {once: true});
    try {
      return await this.#run();
    } catch (error) {
      // What is wrong with us takes no other host's answer away.
      if (!(error instanceof FtpdctlError))
        return {kind: 'failed', error: internalError(error), mayBeDone: true};
      return {kind: 'failed', error, mayBeDone: error instanceof HostError && error.mayBeDone};
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupt);
    }
  }

  async #run(): Promise<Outcome<T>> {
    const shell = await this.#connect();
    try {
      for (let looks = 1; ; looks += 1) {
        const client = await this.#client(shell);
        try {
          const run: RunClient = (words, more) => this.#runClient(shell, client, words, more);
          return {kind: 'done', client, value: await this.#options.task(this.#host, client, run)};
        } catch (error) {
          if (!(error instanceof StaleClient)) throw error;
          this.#options.memory.set(this.#host, undefined);
          if (looks === MAX_CLIENTS)
            throw new HostError('ANSWER_INVALID', 'its ftpdctl is another one at each look');
        }
      }
    } finally {
      await shell.close();
    }
  }

  /** sshd turns some away who are not logged in yet where many come at once: nothing was done by then. */
  async #connect(): Promise<RemoteShell> {
    const {env, onEvent} = this.#options;
    for (let tries = 1; ; tries += 1) {
      onEvent?.({kind: tries === 1 ? 'connecting' : 'retrying', host: this.#host});
      try {
        return await RemoteShell.open(this.#host, env, this.#abort.signal);
      } catch (error) {
        if (!(error instanceof HostError) || !isBusy(error) || tries === MAX_TRIES) throw error;
        this.#busy = error;
      }
      const pause = RETRY_PAUSE_MS * 2 ** (tries - 1) * (1 + Math.random());
      await sleep(pause, undefined, {signal: this.#abort.signal}).catch(() => {
        throw this.#abort.signal.reason;
      });
    }
  }

  async #client(shell: RemoteShell): Promise<RemoteClient> {
    const {memory, onEvent} = this.#options;
    this.#phase = 'asking';
    const known = memory.get(this.#host);
    const client = known ?? (await askForClient(this.#host, shell));
    if (known === undefined) memory.set(this.#host, client);
    onEvent?.({kind: 'client', host: this.#host, client, remembered: known !== undefined});
    return client;
  }

  async #runClient(
    shell: RemoteShell,
    client: RemoteClient,
    words: readonly RemoteWord[],
    {instead = false, ...more}: NonNullable<Parameters<RunClient>[1]> = {},
  ): Promise<RemoteResult> {
    this.#abort.signal.throwIfAborted();
    this.#phase = 'running';
    const before = this.#options.sudo ? ['sudo', '-n', '--'] : [];
    const result = await shell.run({
      ...more,
      words: instead ? words : [...before, client.path, ...words],
      guard: isUnchanged(client),
    });
    if (result === 'stale') throw new StaleClient();
    if (this.#options.sudo) this.#checkSudo(result);
    return result;
  }

  /** sudo exits with 1 itself, and says why. @throws HostError `SUDO_REFUSED` */
  #checkSudo({status, stdout, stderr}: RemoteResult): void {
    const why = /^sudo: .*|^.*: command not found$|^.*sudo: not found$/m.exec(stderr)?.[0];
    if ((status !== 1 && status !== 127) || stdout !== '' || why === undefined) return;
    throw new HostError('SUDO_REFUSED', why, {
      hint: 'its sudoers must let you run ftpdctl without a password (NOPASSWD)',
    });
  }

  #tooLate(): HostError {
    const within = `within ${this.#options.timeout / 1000} s`;
    switch (this.#phase) {
      case 'connecting':
        return (
          this.#busy ??
          new HostError('UNREACHABLE', `no connection ${within}`, {hint: 'is it up? --timeout allows more'})
        );
      case 'asking':
        return new HostError('TIMEOUT', `it does not say which ftpdctl it has ${within}`);
      case 'running':
        return new HostError('TIMEOUT', `no answer ${within}; it may still be carried out`, {
          mayBeDone: true,
          hint: 'allow more with --timeout',
        });
    }
  }

  #interrupted(): HostError {
    const mayBeDone = this.#phase === 'running';
    return new HostError(
      'INTERRUPTED',
      mayBeDone ? 'given up; it may be carried out' : 'given up before anything was done',
      {
        mayBeDone,
      },
    );
  }
}
