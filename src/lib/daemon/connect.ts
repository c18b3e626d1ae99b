import {existsSync} from 'node:fs';
import {ControlsClient, type ControlsClientOptions} from '../client/client.ts';
import {candidateSockets} from '../client/discovery.ts';
import {knownServeSocket} from '../client/knownServe.ts';
import {FtpdctlError} from '../errors.ts';
import type {ReceiptDetails} from '../protocol/details.ts';
import {ControlsDaemon} from './controls.ts';
import type {
  AccessQuestion,
  AccessResult,
  Daemon,
  DeliveryResult,
  OutgoingMessage,
  SessionFilter,
  SessionsOptions,
  SessionsResult,
  Supported,
  TextRules,
  Unsupported,
} from './daemon.ts';
import type {LocalProftpd} from './local.ts';

/**
 * The daemon that a request would go to. Nothing is asked yet: every method of it may throw a `ClientError` when no
 * server answers.
 *
 * ```ts
 * const daemon = connect({socket: '/run/proftpd.sock'});
 * const {answer, recipients} = await daemon.message({audience: ['all'], text: 'going down at 18:00'});
 * ```
 */
export function connect(options: ControlsClientOptions = {}): Daemon {
  return new Connection(options);
}

type Local = LocalProftpd | FtpdctlError | null;

/** Chooses, for each thing that is asked, between the controls socket and a ProFTPD of this machine. */
class Connection implements Daemon {
  readonly #options: ControlsClientOptions;
  readonly #controls: ControlsDaemon;
  #local: Promise<Local> | undefined;

  constructor(options: ControlsClientOptions) {
    this.#options = options;
    this.#controls = new ControlsDaemon(
      (timeout) => new ControlsClient(timeout === undefined ? options : {...options, timeout}),
    );
  }

  request(action: string, args?: readonly string[]) {
    return this.#controls.request(action, args);
  }

  async sessions(filter?: SessionFilter, options: SessionsOptions = {}): Promise<SessionsResult> {
    const local = await this.#findLocal();
    if (local === null) return this.#controls.sessions(filter);
    if (!(local instanceof FtpdctlError)) return local.sessions(filter);
    if (options.withoutPoll) return {kind: 'unsupported', reason: local.message, ...hintOf(local)};
    if (!this.#hasSocket()) throw local;
    const result = await this.#controls.sessions(filter);
    return result.kind === 'unsupported'
      ? {kind: 'unsupported', reason: local.message, ...hintOf(local)}
      : result;
  }

  textRules(): Promise<TextRules> {
    return this.#controls.textRules();
  }

  recipients(message: OutgoingMessage): Promise<DeliveryResult | Unsupported> {
    return this.#controls.recipients(message);
  }

  message(message: OutgoingMessage): Promise<DeliveryResult> {
    return this.#controls.message(message);
  }

  receipts(): Promise<Supported | Unsupported> {
    return this.#controls.receipts();
  }

  receipt(id: string, timeout?: number): Promise<ReceiptDetails> {
    return this.#controls.receipt(id, timeout);
  }

  access(question: AccessQuestion): Promise<AccessResult | Unsupported> {
    return this.#controls.access(question);
  }

  /** The ProFTPD of this machine that is meant; why there is none; `null` where `ftpdctl serve` is known to be meant. */
  #findLocal(): Promise<Local> {
    this.#local ??= this.#look();
    return this.#local;
  }

  async #look(): Promise<Local> {
    const {socket} = this.#options;
    const env = this.#options.env ?? process.env;
    if (knownServeSocket(socket, env) !== undefined) return null;
    const {findLocal} = await import('./local.ts');
    return findLocal({
      socket: socket ?? (env['FTPDCTL_SOCKET'] || undefined),
      configuration: env['PROFTPD_CONF'] || undefined,
    });
  }

  /** Whether something stands where a controls socket may be. */
  #hasSocket(): boolean {
    const {socket, env = process.env} = this.#options;
    return candidateSockets(socket, env).some(({path}) => existsSync(path));
  }
}

function hintOf({hint}: FtpdctlError): {hint?: string} {
  return hint === undefined ? {} : {hint};
}
