import {type NameDirectory, Names} from '../acl/names.ts';
import {formatLocation, withLocation} from '../config/errors.ts';
import type {LoadedConfig} from '../config/load.ts';
import {FtpdctlError} from '../errors.ts';
import {SessionQueue} from '../session/queue/sessionQueue.ts';
import type {ClientHandler} from '../transport/sockets/listener.ts';
import {acl} from './actions/acl.ts';
import {Controls} from './actions/action.ts';
import {help, insctrl, lsctrl, rmctrl} from './actions/controls.ts';
import {kick} from './actions/kick.ts';
import {msg} from './actions/msg.ts';
import {receipt} from './actions/receipt.ts';
import {shutdown} from './actions/shutdown.ts';
import {status} from './actions/status.ts';
import {down, up} from './actions/upDown.ts';
import {who} from './actions/who.ts';
import {type Configuration, closeLogs, type Logs, openLogs, resolveConfiguration} from './configuration.ts';
import {ControlsLog} from './controlsLog.ts';
import {ControlsSocket} from './controlsSocket.ts';
import {HostResolver} from './hostResolver.ts';
import {Messages} from './messages.ts';
import {RequestHandler, type ServerState} from './request/requestHandler.ts';
import {DownServers} from './virtualServers.ts';

const ACTIONS = [acl, down, help, insctrl, kick, lsctrl, msg, receipt, rmctrl, shutdown, status, up, who];
/** The module that writes such lines in ProFTPD 1.3.10 (measured). */
const MESSAGE_LOG_ORIGIN = `mod_msg/0.5.1[${process.pid}]:`;

export interface ControlsServerOptions {
  /** Reads the configuration: at the start, and at each reload. @throws ConfigError */
  readonly load: () => LoadedConfig;
  /** Where to listen when the configuration has no `ControlsSocket`. */
  readonly defaultSocket: () => string;
  readonly names: NameDirectory;
  /** Of this program: answers say it. */
  readonly version: string;
  /** Takes one line about something that does not work but does not keep the server from serving. */
  readonly warn: (line: string) => void;
  /** Takes each line of both logs, without its time, whether there are log files or not. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** A server that is ending does not read its configuration again. */
type Phase =
  | {readonly kind: 'running'}
  /** `next`: the reload that has been asked for meanwhile; one does for all who ask. */
  | {readonly kind: 'reloading'; readonly done: Promise<void>; next?: Promise<void>}
  | {readonly kind: 'ending'; readonly done: Promise<void>};

/** What a server has opened before it can answer. */
interface Opened extends OpenedQueue {
  readonly logs: Logs;
  readonly log: ControlsLog;
  readonly socket: ControlsSocket | null;
}

/** A control server: a controls socket, credentials, ACLs, actions, logs, the session queue. */
export class ControlsServer {
  readonly #options: ControlsServerOptions;
  readonly #requests: RequestHandler;
  #phase: Phase = {kind: 'running'};
  readonly #ending = new AbortController();
  /** Resolves when a client has asked for the end of the server: whoever has started it closes it. */
  readonly shutdown: Promise<void>;
  #isShutdown = false;
  #state: ServerState;
  #socket: ControlsSocket | null;

  /**
   * Start serving.
   * @throws FtpdctlError: a configuration that is wrong, a socket or a session queue that cannot be bound
   */
  static async start(options: ControlsServerOptions): Promise<ControlsServer> {
    const loaded = options.load();
    const configuration = resolveConfiguration(loaded, options.names);
    const logs = openLogs(configuration.settings, options.warn);
    const log = new ControlsLog(logs.controls, options.trace);
    const say = (line: string) => {
      options.warn(line);
      log.line(line);
    };
    warnOf(configuration, say);
    let server: ControlsServer | undefined;
    let socket: ControlsSocket | null = null;
    try {
      // Clients are accepted in a later turn of the event loop, when `server` has been assigned.
      const clients: ClientHandler = {
        accepts: (credentials) => server!.#requests.accepts(credentials),
        onConnection: (client) => server!.#requests.onConnection(client),
      };
      socket = await openSocket(configuration, options, {old: null, clients, say});
      const opened = openQueue(configuration, say);
      server = new ControlsServer(options, configuration, {logs, log, socket, ...opened});
      return server;
    } catch (error) {
      await socket?.close();
      closeLogs(logs);
      throw error;
    }
  }

  private constructor(
    options: ControlsServerOptions,
    {settings, access}: Configuration,
    {logs, log, socket, queue, unavailable}: Opened,
  ) {
    this.#options = options;
    this.#socket = socket;
    const messages = new Messages(
      queue,
      {
        write: (line) => {
          options.trace?.(line);
          this.#state.logs.message?.write(`${MESSAGE_LOG_ORIGIN} ${line}`);
        },
        written: async () => this.#state.logs.message?.written(),
      },
      unavailable,
    );
    const {promise, request} = this.#awaitShutdown();
    this.shutdown = promise;
    this.#state = {
      settings,
      access,
      controls: new Controls(ACTIONS),
      messages,
      down: new DownServers((names) => messages.setDown(names)),
      shutdown: {request, signal: this.#ending.signal},
      names: new Names(options.names),
      resolver: new HostResolver(),
      startedAt: performance.now(),
      logs,
      log,
    };
    this.#requests = new RequestHandler(() => this.#state, options.version);
  }

  #awaitShutdown(): {promise: Promise<void>; request: () => void} {
    let resolve!: () => void;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const request = () => {
      this.#isShutdown = true;
      resolve();
    };
    return {promise, request};
  }

  /** Where it listens; `null` with `ControlsEngine off`. */
  get socket(): string | null {
    return this.#socket?.path ?? null;
  }

  /**
   * Read the configuration again. One that is wrong is refused and the old one stays, which is said. Never throws.
   * Requests that are running finish with the old one; `MessageQueue` stays as it is until the server is started anew.
   */
  reload(): Promise<void> {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'ending':
        return phase.done;
      case 'reloading':
        phase.next ??= phase.done.then(() => this.reload());
        return phase.next;
      case 'running': {
        const done = this.#reload().finally(() => {
          if (this.#phase.kind === 'reloading') this.#phase = {kind: 'running'};
        });
        this.#phase = {kind: 'reloading', done};
        return done;
      }
    }
  }

  /** Stop accepting, answer what was asked, end what `shutdown` ends, remove the sockets, close the logs. */
  close(): Promise<void> {
    const phase = this.#phase;
    if (phase.kind === 'ending') return phase.done;
    const done = this.#close(phase.kind === 'reloading' ? phase.done : undefined);
    this.#phase = {kind: 'ending', done};
    return done;
  }

  async #close(reloaded: Promise<void> | undefined): Promise<void> {
    this.#ending.abort();
    await reloaded;
    await this.#socket?.close();
    this.#socket = null;
    await this.#requests.close();
    const {messages, down} = this.#state;
    // What this server has taken down is no concern of the next.
    if (this.#isShutdown) await messages.shutDown();
    else down.clear();
    messages.close();
    this.#state.log.line('server stopped');
    closeLogs(this.#state.logs);
  }

  async #reload(): Promise<void> {
    try {
      const loaded = this.#options.load();
      const configuration = resolveConfiguration(loaded, this.#options.names);
      const logs = openLogs(configuration.settings, this.#options.warn, this.#state.logs);
      const retired = await this.#listen(configuration).catch((error) => {
        closeLogs(logs, this.#state.logs);
        throw error;
      });
      this.#apply(configuration, logs);
      await retired?.close();
      warnOf(configuration, this.#say);
    } catch (error) {
      this.#reopenLogs();
      this.#say(`configuration refused, the old one stays: ${(error as Error).message}`);
    }
  }

  #apply({settings, access}: Configuration, logs: Logs): void {
    const {names, controls, down: closed, settings: before} = this.#state;
    names.forget();
    controls.enableAll();
    // As in ProFTPD (measured).
    closed.clear();
    this.#swap({
      ...this.#state,
      settings,
      access,
      logs,
      log: new ControlsLog(logs.controls, this.#options.trace),
    });
    this.#state.log.line('configuration read again');
    if (before.message.queue.value !== settings.message.queue.value) {
      this.#say('MessageQueue has changed: that needs a new start of the server');
    }
  }

  /**
   * Open the socket again if its path has changed or its file has been removed.
   * @returns the old one, to be closed once the new configuration is in force
   */
  async #listen(configuration: Configuration): Promise<ControlsSocket | null> {
    const old = this.#socket;
    this.#socket = await openSocket(configuration, this.#options, {
      old,
      clients: this.#requests,
      say: this.#say,
    });
    return old === this.#socket ? null : old;
  }

  /** For logrotate, which says SIGHUP when it has moved them away. */
  #reopenLogs(): void {
    const {settings, logs: old} = this.#state;
    try {
      const logs = openLogs(settings, this.#options.warn, old);
      this.#swap({...this.#state, logs, log: new ControlsLog(logs.controls, this.#options.trace)});
    } catch (error) {
      this.#options.warn((error as Error).message);
    }
  }

  /** Replace the state. Logs that are not part of the new one are closed. */
  #swap(state: ServerState): void {
    const {logs} = this.#state;
    this.#state = state;
    closeLogs(logs, state.logs);
    this.#requests.resize();
  }

  readonly #say = (line: string): void => {
    this.#options.warn(line);
    this.#state.log.line(line);
  };
}

interface SocketUse {
  /** The one that is open; it stays where nothing has changed. */
  readonly old: ControlsSocket | null;
  readonly clients: ClientHandler;
  readonly say: (line: string) => void;
}

async function openSocket(
  {settings: {controls}, owner}: Configuration,
  {defaultSocket}: ControlsServerOptions,
  {old, clients, say}: SocketUse,
): Promise<ControlsSocket | null> {
  if (!controls.engine.value) {
    const where = controls.engine.at === null ? '' : ` (${formatLocation(controls.engine.at)})`;
    say(`no controls socket: ControlsEngine is off${where}`);
    return null;
  }
  try {
    const path = controls.socket.value ?? defaultSocket();
    if (path !== old?.path || !old.isStillOurs) return await ControlsSocket.open(path, owner, clients);
    old.chown(owner);
    return old;
  } catch (error) {
    throw withLocation(controls.socket.at, 'ControlsSocket', error);
  }
}

/** Without unix-dgram there are no sessions, and messages have no recipients. */
function openQueue({settings: {message}}: Configuration, say: (line: string) => void): OpenedQueue {
  const {value: path, at} = message.queue;
  if (path === null) return {queue: null};
  try {
    return {queue: SessionQueue.open(path)};
  } catch (error) {
    if (!(error instanceof FtpdctlError && error.code === 'UNIX_DGRAM_MISSING')) {
      throw withLocation(at, 'MessageQueue', error);
    }
    const unavailable = `${error.message} (${error.hint})`;
    say(`no message will be delivered: ${unavailable}`);
    return {queue: null, unavailable};
  }
}

/** `unavailable`: why there is none. */
interface OpenedQueue {
  readonly queue: SessionQueue | null;
  readonly unavailable?: string;
}

function warnOf({warnings}: Pick<Configuration, 'warnings'>, say: (line: string) => void): void {
  for (const {at, message} of warnings) say(`${formatLocation(at)}: ${message}`);
}
