import {existsSync} from 'node:fs';
import {normalize} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {FtpdctlError} from '../errors.ts';
import type {ServerKind} from '../protocol/guard.ts';
import {SERVE_REQUEST_BYTES} from '../protocol/limits.ts';
import type {ControlResponse, Dialect, ServerIdentity, Status} from '../protocol/message.ts';
import {type Frame, type OutgoingRequest, planRequest} from '../protocol/plan.ts';
import {type OwnDirectory, xdgDirectory} from '../transport/files/ownFile.ts';
import {SystemCallError} from '../transport/libc.ts';
import {type AttemptResult, attempt} from './attempt.ts';
import {candidateSockets, type SocketCandidate} from './discovery.ts';
import {ClientError, connectError, connectReason, noAnswerError, timeoutError} from './errors.ts';
import {bindingOf, ServerCache, type ServerInfo} from './serverCache.ts';
import {verdictOf} from './verdict.ts';

/** Default deadline in milliseconds: longer than the default poll of a real server (`ControlsInterval` 10 s), thrice over. */
export const DEFAULT_TIMEOUT = 30_000;
/** Milliseconds between tries while the server has no slot for us, or has just refused for lack of one. */
const RETRY_PAUSE_MS = 100;
const DIALECTS: readonly Dialect[] = ['json', 'binary'];
/** Asked of a server that is not known yet: harmless, and open to everybody. */
const HELP: OutgoingRequest = {kind: 'action', action: 'help', args: []};
/** What Node's timers take at the most, in milliseconds: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a client reports while it works; for progress display and `-v`. */
export type ClientEvent =
  | {readonly kind: 'contacting'; readonly socket: string}
  /** No server is to be had there. */
  | {readonly kind: 'unreachable'; readonly socket: string; readonly reason: string}
  /** It was sent, in these dialects. */
  | {readonly kind: 'sending'; readonly action: string; readonly dialects: readonly Dialect[]}
  | {readonly kind: 'retrying'; readonly reason: string}
  | {readonly kind: 'answered'; readonly dialect: Dialect; readonly status: number};

export interface ControlsClientOptions {
  /** Absolute path of the controls socket. Without it, it is looked for: see `candidateSockets`. */
  readonly socket?: string;
  /** Milliseconds that one request may take, retries included. Default 30,000. */
  readonly timeout?: number;
  /**
   * Where to remember who answers at which socket: an absolute path; `null` keeps it in this object. Nothing is kept
   * where another user could change it. Default: the XDG cache directory.
   */
  readonly cache?: string | null;
  /** Default: `process.env`. `FTPDCTL_SOCKET`, `XDG_*`, `HOME`, `PROFTPD_CONF` are read. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /**
   * Milliseconds that an attempt may block the event loop for its answer before it waits for it beside other work: for a
   * program that does nothing else meanwhile. Default 0.
   */
  readonly block?: number;
  readonly onEvent?: (event: ClientEvent) => void;
  /** Asked where no socket was named and none answers: the error to end with, if the caller knows more. */
  readonly explainSilence?: () => Promise<FtpdctlError | undefined>;
}

/** The answer to one request. */
export interface ControlAnswer extends ControlResponse {
  /** What a script should see: the response's status, or what its words stand for (`verdictOf`). */
  readonly verdict: Status;
  readonly dialect: Dialect;
  /** The socket it came from. */
  readonly socket: string;
}

/** How a message is to be sent. */
export interface MessageOptions {
  /** For `ftpdctl serve` alone: keys of the request beside its arguments. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/**
 * A client of the Controls protocol for every ProFTPD and for `ftpdctl serve`: one request, one response.
 *
 * ```ts
 * const client = new ControlsClient({socket: '/run/proftpd.sock'});
 * const {verdict, responses} = await client.message(['user', 'dave'], 'please delete some files');
 * ```
 *
 * Nothing is ever sent that would crash, reset or hang a server: such a request is refused with a `RequestRefused`.
 * A request that got no answer ends in a `ClientError`.
 */
export class ControlsClient {
  readonly #options: ControlsClientOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #cache: ServerCache;

  constructor(options: ControlsClientOptions = {}) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#cache = new ServerCache(cacheDirectory(options.cache, this.#env));
  }

  /**
   * Send an action with its arguments, as they are.
   * @throws RequestRefused, ClientError
   */
  async request(
    action: string,
    args: readonly string[] = [],
    options?: Readonly<Record<string, unknown>>,
  ): Promise<ControlAnswer> {
    return this.#send({kind: 'action', action, args, ...(options && {options})});
  }

  /**
   * Send a message.
   * @param audience `['all']`, or `['user' | 'host' | 'class', name]`
   * @param text the message; lines are separated by `\n`, which `ftpdctl serve` alone takes
   * @throws RequestRefused when the server would crash on it or show it cut; ClientError
   */
  async message(
    audience: readonly string[],
    text: string,
    {options}: MessageOptions = {},
  ): Promise<ControlAnswer> {
    return this.#send({kind: 'message', audience, text, options});
  }

  /**
   * Who answers at the socket, and in which dialect. Asks with a harmless request where it is not remembered.
   * @throws ClientError
   */
  async detectServer(): Promise<ServerInfo> {
    return this.#withDeadline((deadline) => this.#atSocket((socket) => this.#detectAt(socket, deadline)));
  }

  /** Who answered last at the socket that a request would go to, if that is remembered; nothing is asked. */
  async remembered(): Promise<ServerInfo | undefined> {
    const socket = await this.socket();
    return socket === undefined ? undefined : this.#cache.get(socket);
  }

  /**
   * The socket that a request would go to first; `undefined` where there is none.
   * @throws ClientError `BAD_SOCKET_PATH`
   */
  async socket(): Promise<string | undefined> {
    const candidates = await candidateSockets(this.#options.socket, this.#env);
    return candidates.find(({path, missing}) => !missing && existsSync(path))?.path;
  }

  /**
   * The identity of the `ftpdctl serve` at the socket, `undefined` for a ProFTPD.
   * @throws ClientError
   */
  async identify(): Promise<ServerInfo['serve']> {
    return (await this.detectServer()).serve;
  }

  async #detectAt(socket: string, deadline: AbortSignal): Promise<ServerInfo> {
    const known = this.#cache.get(socket);
    if (known) return known;
    return factsIn(await this.#sendWithRetry(socket, HELP, deadline));
  }

  async #send(request: OutgoingRequest): Promise<ControlAnswer> {
    // What no server takes is refused before anything is looked for.
    const plan = planRequest(request, {kind: 'serve', maxRequest: SERVE_REQUEST_BYTES}, ['json']);
    if (plan.kind === 'refused') throw plan.refusal;
    return this.#withDeadline((deadline) =>
      this.#atSocket((socket) => this.#sendWithRetry(socket, request, deadline)),
    );
  }

  /** Attempt until the request is answered. @throws RequestRefused when it may not be sent. */
  async #sendWithRetry(
    socket: string,
    request: OutgoingRequest,
    deadline: AbortSignal,
  ): Promise<ControlAnswer> {
    let candidates: readonly Dialect[] | undefined;
    let detected = false;
    const ruledOut = new Set<Dialect>();
    for (;;) {
      // For each attempt anew: a ProFTPD may have taken the place of `ftpdctl serve` since the last one.
      const binding = bindingOf(socket);
      const known = this.#cache.get(socket);
      const server = serverKind(known);
      const plan = planRequest(request, server, candidates ?? (known ? [known.dialect] : DIALECTS));
      if (plan.kind === 'refused') {
        // What only `ftpdctl serve` can take is not sent before it is known to answer there.
        if (known || detected) throw plan.refusal;
        await this.#detectAt(socket, deadline);
        detected = true;
        continue;
      }
      const {frames} = plan;
      const onSent = (dialects: readonly Dialect[]) =>
        this.#tell({kind: 'sending', action: actionOf(request), dialects});
      const result = await attempt(socket, frames, deadline, onSent, this.#options.block);
      if (result.kind === 'answered') return this.#accept(socket, binding, result);
      candidates = nextCandidates(result, frames, ruledOut, server);
      if (result.kind !== 'no-slot' && result.kind !== 'not-executed') continue;
      this.#tell({
        kind: 'retrying',
        reason: result.kind === 'no-slot' ? 'the server has no free slot' : result.reason,
      });
      await sleep(RETRY_PAUSE_MS, undefined, {signal: deadline}).catch(() => deadline.throwIfAborted());
    }
  }

  #accept(
    socket: string,
    binding: string | undefined,
    {dialect, response}: Extract<AttemptResult, {kind: 'answered'}>,
  ): ControlAnswer {
    this.#tell({kind: 'answered', dialect, status: response.status});
    this.#cache.set(socket, binding, factsIn({dialect, server: response.server}));
    return {...response, verdict: verdictOf(response), dialect, socket};
  }

  /** Try the candidates in turn: one that is missing, or that nobody listens on any more, gives way to the next. */
  async #atSocket<T>(use: (socket: string) => Promise<T>): Promise<T> {
    const candidates = await candidateSockets(this.#options.socket, this.#env);
    const failures: {candidate: SocketCandidate; error: SystemCallError}[] = [];
    for (const candidate of candidates) {
      this.#tell({kind: 'contacting', socket: candidate.path});
      try {
        if (candidate.missing) throw new SystemCallError('connect', 'ENOENT');
        return await use(candidate.path);
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error;
        failures.push({candidate, error});
        this.#tell({
          kind: 'unreachable',
          socket: candidate.path,
          reason: connectReason(candidate.path, error),
        });
        // A server that is there and may not be reached is the one that was meant: the next would be another.
        if (error.code === 'EACCES' && existsSync(candidate.path)) break;
      }
    }
    const isNamed = candidates.length === 1;
    throw (isNamed ? undefined : await this.#options.explainSilence?.()) ?? connectError(failures);
  }

  async #withDeadline<T>(work: (deadline: AbortSignal) => Promise<T>): Promise<T> {
    const {timeout = DEFAULT_TIMEOUT, signal} = this.#options;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(timeoutError(timeout)), Math.min(timeout, MAX_TIMER_MS));
    const abort = () =>
      controller.abort(new ClientError('ABORTED', 'the request was given up', {cause: signal?.reason}));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    try {
      controller.signal.throwIfAborted();
      return await work(controller.signal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #tell(event: ClientEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** How the server that is known to answer is to be treated. */
function serverKind(known: ServerInfo | undefined): ServerKind {
  return known?.serve ? {kind: 'serve', maxRequest: known.serve.maxRequest} : {kind: 'proftpd'};
}

function actionOf(request: OutgoingRequest): string {
  return request.kind === 'message' ? 'msg' : request.action;
}

function cacheDirectory(path: string | null | undefined, env: NodeJS.ProcessEnv): OwnDirectory | null {
  if (path === undefined) return xdgDirectory(env, 'cache');
  return path === null ? null : {path: normalize(path), makes: 1};
}

/** What an answer says of the server behind it. */
function factsIn({dialect, server}: {dialect: Dialect; server?: ServerIdentity | undefined}): ServerInfo {
  return server ? {dialect, serve: {version: server.version, maxRequest: server.maxRequest}} : {dialect};
}

/** The dialects to try next. @throws ClientError `NO_ANSWER` when the server takes neither. */
function nextCandidates(
  result: Exclude<AttemptResult, {kind: 'answered'}>,
  frames: readonly Frame[],
  ruledOut: Set<Dialect>,
  server: ServerKind,
): readonly Dialect[] {
  switch (result.kind) {
    case 'no-slot':
      return frames.map(({dialect}) => dialect);
    case 'not-executed':
      return [result.dialect];
    case 'other-dialect':
      for (const {dialect} of frames) ruledOut.add(dialect);
      break;
    case 'refused':
      for (const dialect of result.dialects) ruledOut.add(dialect);
      // `ftpdctl serve` takes both dialects: silence there is no sign of the wrong one.
      if (server.kind === 'serve') throw noAnswerError(true);
      break;
  }
  const left = DIALECTS.filter((dialect) => !ruledOut.has(dialect));
  if (left.length === 0) throw noAnswerError(result.kind === 'refused' ? result.bound : true);
  return left;
}
