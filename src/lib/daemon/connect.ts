import {existsSync} from 'node:fs';
import {type ClientEvent, ControlsClient, type ControlsClientOptions} from '../client/client.ts';
import {candidateSockets} from '../client/discovery.ts';
import {knownServeSocket, type ServerInfo} from '../client/serverCache.ts';
import {FtpdctlError} from '../errors.ts';
import type {ReceiptDetails} from '../protocol/details.ts';
import {MOD_MSG_TEXT_BYTES} from '../protocol/limits.ts';
import {type Dialect, STATUS} from '../protocol/message.ts';
import {type OutgoingRequest, planRequest} from '../protocol/plan.ts';
import {kickTargetsAmong} from './audience.ts';
import {
  ControlsDaemon,
  NO_ACCESS_ANSWERS,
  NO_RECEIPTS,
  NO_SESSION_KICK,
  noSessionAudience,
  textRulesOf,
} from './controls.ts';
import {
  type AccessQuestion,
  type AccessResult,
  type Daemon,
  type DeliveryResult,
  DIRECT_RECEIPT_ID,
  type KickResult,
  type Maintenance,
  type OutgoingMessage,
  type SendingOptions,
  type SessionFilter,
  type SessionsOptions,
  type SessionsResult,
  type Supported,
  type TextRules,
  type Unsupported,
  type Via,
} from './daemon.ts';
import type {DirectReceipt} from './direct.ts';
import type {LeftoverCount, LocalProftpd} from './local.ts';

/**
 * The daemon that a request would go to. Nothing is asked yet: every method of it may throw a `ClientError` when no
 * server answers.
 *
 * ```ts
 * const daemon = connect({socket: '/run/proftpd.sock'});
 * const {answer, recipients} = await daemon.message({audience: ['all'], text: 'going down at 18:00'});
 * ```
 */
export function connect(options: ConnectOptions = {}): Daemon {
  return new Connection(options);
}

/** How to connect. */
export interface ConnectOptions extends Omit<ControlsClientOptions, 'onEvent' | 'explainSilence'> {
  /** Default `auto`. */
  readonly via?: Via;
  /** For hours: a ProFTPD that is not to be found is looked for again each time, since it may be started. Default: no. */
  readonly isLasting?: boolean;
  readonly onEvent?: (event: DaemonEvent) => void;
}

/** What a connection reports while it works. */
export type DaemonEvent =
  | ClientEvent
  /** The way that a message goes; of the controls socket, why not directly. */
  | {readonly kind: 'way'; readonly via: 'controls' | 'direct'; readonly why?: string}
  | ({readonly kind: 'leftovers'} & LeftoverCount)
  /** This process ends: from those who had not taken the message it is withdrawn. */
  | {readonly kind: 'interrupted'; readonly taken: number; readonly recipients: number};

type Way =
  | {readonly via: 'direct'; readonly local: LocalProftpd; readonly key: number}
  | {
      readonly via: 'controls';
      readonly why: string;
      /** What would let it go directly. */
      readonly hint?: string;
      readonly exitStatus?: number;
    };

type Local = LocalProftpd | FtpdctlError | null;

/** Chooses, for each thing that is asked, between the controls socket and a ProFTPD of this machine. */
class Connection implements Daemon {
  readonly #options: ConnectOptions;
  readonly #makeClient: (timeout?: number) => ControlsClient;
  readonly #controls: ControlsDaemon;
  #local: Promise<Local> | undefined;
  /** Of the last direct delivery. */
  #receipt: DirectReceipt | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
    const explainSilence = () => this.#severalProftpds();
    this.#makeClient = (timeout) =>
      new ControlsClient({...options, explainSilence, ...(timeout === undefined ? {} : {timeout})});
    this.#controls = new ControlsDaemon(this.#makeClient);
  }

  async request(action: string, args: readonly string[] = []) {
    if (action === 'receipt' && (await this.#isProftpd())) throw noReceiptAction();
    await this.#refuseEarly({kind: 'action', action, args});
    return this.#controls.request(action, args);
  }

  async sessions(filter?: SessionFilter, options: SessionsOptions = {}): Promise<SessionsResult> {
    const local = await this.#findLocal();
    if (local === null) return this.#controls.sessions(filter);
    if (!(local instanceof FtpdctlError)) return local.sessions(filter);
    const unsupported: Unsupported = {kind: 'unsupported', reason: local.message, ...hintOf(local)};
    if (options.withoutPoll) return unsupported;
    const isNamed = this.#namedSocket() !== undefined;
    if (!isNamed && !(await this.#hasSocket())) throw local;
    if (await this.#isProftpd()) return unsupported;
    const result = await this.#controls.sessions(filter).catch((error) => {
      // Nobody has named the socket that a dead server has left at one of the default places.
      throw isNamed || !(error instanceof FtpdctlError) ? error : local;
    });
    return result.kind === 'unsupported' ? unsupported : result;
  }

  async textRules(): Promise<TextRules> {
    const way = await this.#way();
    if (way.via === 'direct') return DIRECT_TEXT_RULES;
    const server = await this.#knownServer();
    return server === undefined ? this.#controls.textRules() : textRulesOf(server);
  }

  async recipients(message: OutgoingMessage): Promise<DeliveryResult | Unsupported> {
    return ((await this.#localProftpd()) ?? this.#controls).recipients(message);
  }

  async message(message: OutgoingMessage, options: SendingOptions = {}): Promise<DeliveryResult> {
    const way = await this.#way();
    if (way.via === 'controls') return this.#sendByControls(message);
    const {result, receipt} = await way.local.deliver(message, way.key, options);
    this.#receipt = receipt;
    return result;
  }

  async receipts(): Promise<Supported | Unsupported> {
    const way = await this.#way();
    if (way.via === 'direct') return {kind: 'supported'};
    return (await this.#isProftpd()) ? NO_RECEIPTS : this.#controls.receipts();
  }

  async receipt(id: string, timeout?: number): Promise<ReceiptDetails> {
    if (id === DIRECT_RECEIPT_ID && this.#receipt) return this.#receipt.details();
    return this.#controls.receipt(id, timeout);
  }

  async kick(words: readonly string[]): Promise<KickResult | Unsupported> {
    const local = await this.#localProftpd();
    const [kind, id = ''] = words;
    if (kind === 'session' && local && process.geteuid?.() === 0) return local.endSession(id);
    if (kind === 'session' && (await this.#isProftpd())) return NO_SESSION_KICK;
    if (local === undefined) return this.#controls.kick(words);
    return local.countEnded(words, () => this.#controls.kick(words));
  }

  async kickTargets(words: readonly string[]): Promise<DeliveryResult | Unsupported> {
    return kickTargetsAmong(await this.sessions(), words);
  }

  async maintenance(): Promise<Maintenance> {
    const local = await this.#findLocal();
    if (local instanceof FtpdctlError && local.code === 'PROFTPD_AMBIGUOUS') throw local;
    if (local === null || local instanceof FtpdctlError) return this.#controls.maintenanceOf(this);
    if (process.geteuid?.() === 0) return local.maintenance();
    return this.#controls.maintenanceOf(this, local.identity);
  }

  async access(question: AccessQuestion): Promise<AccessResult | Unsupported> {
    const local = await this.#localProftpd();
    if (local) return local.access(question);
    return (await this.#isProftpd()) ? NO_ACCESS_ANSWERS : this.#controls.access(question);
  }

  /** Whether a ProFTPD is known to answer: then what `ftpdctl serve` alone can do needs no question, and no wait. */
  async #isProftpd(): Promise<boolean> {
    const server = await this.#knownServer();
    return server !== undefined && server.serve === undefined;
  }

  /** Who would answer, as far as it is known without asking: who did last, or the ProFTPD that has the socket. */
  async #knownServer(): Promise<ServerInfo | undefined> {
    const client = this.#makeClient();
    const remembered = await client.remembered();
    const socket = await client.socket();
    if (remembered !== undefined || socket === undefined) return remembered;
    const daemon = await this.#proftpdAt({socket, version: true});
    return !(daemon instanceof FtpdctlError) && daemon.dialect.known
      ? {dialect: daemon.dialect.value}
      : undefined;
  }

  /** @throws RequestRefused for what the ProFTPD that is known to answer would not survive, or not take whole */
  async #refuseEarly(request: OutgoingRequest): Promise<void> {
    const plan = (dialects: readonly Dialect[]) => planRequest(request, {kind: 'proftpd'}, dialects);
    const either = plan(['json', 'binary']);
    if (either.kind === 'frames' && either.frames.length === 2) return;
    const server = await this.#knownServer();
    if (server === undefined || server.serve !== undefined) return;
    const exact = plan([server.dialect]);
    if (exact.kind === 'refused') throw exact.refusal;
  }

  /** The guard stands before each message to a ProFTPD of this machine, whoever sends it. */
  async #sendByControls(message: OutgoingMessage): Promise<DeliveryResult> {
    await this.#refuseEarly({kind: 'message', ...message});
    const local = await this.#localProftpd();
    if (local) {
      if (message.audience[0] === 'session') throw noSessionAudience();
      await local.guard(message);
    }
    return this.#controls.message(message);
  }

  /**
   * The way of a message.
   * @throws FtpdctlError `NOT_DIRECT` where it was to go directly and cannot
   */
  async #way(): Promise<Way> {
    const {via = 'auto', onEvent} = this.#options;
    const way: Way = via === 'controls' ? {via, why: 'as asked for'} : await this.#chooseWay();
    if (via === 'direct' && way.via === 'controls') {
      throw new FtpdctlError(
        'NOT_DIRECT',
        `the message cannot go directly: ${way.why}`,
        way.exitStatus ?? 7,
        {hint: way.hint ?? 'send it by the controls socket: --via controls'},
      );
    }
    const why = way.via === 'controls' ? [way.why, ...(way.hint ? [way.hint] : [])].join('; ') : undefined;
    onEvent?.({kind: 'way', via: way.via, ...(why === undefined ? {} : {why})});
    return way;
  }

  async #chooseWay(): Promise<Way> {
    const local = await this.#findLocal();
    if (local === null) return {via: 'controls', why: 'ftpdctl serve answers'};
    if (local instanceof FtpdctlError) return {via: 'controls', why: local.message, ...hintOf(local)};
    const access = local.directAccess();
    const isDirect =
      access.kind === 'possible' || (access.kind === 'unproven' && this.#options.via === 'direct');
    if (isDirect) return {via: 'direct', local, key: access.key};
    return {via: 'controls', why: access.why, ...(access.kind === 'denied' ? {exitStatus: 2} : {})};
  }

  /** The ProFTPD of this machine that is meant; why there is none; `null` where `ftpdctl serve` is known to be meant. */
  async #findLocal(): Promise<Local> {
    this.#local ??= this.#look();
    const local = await this.#local;
    if (this.#options.isLasting && local instanceof FtpdctlError) this.#local = undefined;
    return local;
  }

  /** The same where it does not matter why there is none. */
  async #localProftpd(): Promise<LocalProftpd | undefined> {
    const local = await this.#findLocal();
    return local === null || local instanceof FtpdctlError ? undefined : local;
  }

  /** Several of this machine, none of them at a default socket: which one is meant must be said. */
  async #severalProftpds(): Promise<FtpdctlError | undefined> {
    const local = await this.#findLocal();
    return local instanceof FtpdctlError && local.code === 'PROFTPD_AMBIGUOUS' ? local : undefined;
  }

  async #look(): Promise<Local> {
    const {socket} = this.#options;
    const env = this.#options.env ?? process.env;
    if ((await knownServeSocket(socket, env)) !== undefined) return null;
    const found = await this.#proftpdAt({socket: this.#namedSocket()});
    if (found instanceof FtpdctlError) return found;
    const {LocalProftpd} = await import('./local.ts');
    return new LocalProftpd(found, {
      signal: this.#options.signal,
      onLeftovers: (count) => this.#options.onEvent?.({kind: 'leftovers', ...count}),
      onInterrupted: (taken, recipients) => this.#options.onEvent?.({kind: 'interrupted', taken, recipients}),
    });
  }

  async #proftpdAt(meant: {readonly socket: string | undefined; readonly version?: boolean}) {
    const env = this.#options.env ?? process.env;
    // What the most callers do not need is loaded as it is needed: a start may take no longer for it.
    const {findProftpd} = await import('./find.ts');
    return findProftpd({...meant, configuration: env['PROFTPD_CONF'] || undefined});
  }

  /** The socket that was asked for, if one was. */
  #namedSocket(): string | undefined {
    const {socket, env = process.env} = this.#options;
    return socket ?? (env['FTPDCTL_SOCKET'] || undefined);
  }

  /** Whether something stands where a controls socket may be. */
  async #hasSocket(): Promise<boolean> {
    const {socket, env = process.env} = this.#options;
    const candidates = await candidateSockets(socket, env);
    return candidates.some(({path}) => existsSync(path));
  }
}

/** Status 7, as a ProFTPD would say at its next poll. */
function noReceiptAction(): FtpdctlError {
  const why = 'a ProFTPD cannot be asked what has become of a message';
  return new FtpdctlError('UNSUPPORTED', why, -STATUS.UNSUPPORTED_OPERATION, {
    hint: 'on its machine, as root, msg --wait follows a message until it is shown',
  });
}

function hintOf({hint}: FtpdctlError): {hint?: string} {
  return hint === undefined ? {} : {hint};
}

/** What a session takes past its daemon: several lines, each a message of its own, and every character but controls. */
const DIRECT_TEXT_RULES: TextRules = {
  severalLines: true,
  utf8: true,
  room: ({text}) => Math.min(...text.split('\n').map((line) => MOD_MSG_TEXT_BYTES - Buffer.byteLength(line))),
  refusal: ({text}) =>
    text.split('\n').some((line) => Buffer.byteLength(line) > MOD_MSG_TEXT_BYTES)
      ? `a line has at most ${MOD_MSG_TEXT_BYTES} bytes`
      : undefined,
};
