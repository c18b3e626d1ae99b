import {showAt} from '../config/at.ts';
import {locatedAt} from '../config/errors.ts';
import type {LoadedConfig} from '../config/load.ts';
import {FtpdctlError} from '../errors.ts';
import {SessionQueue} from '../session/queue/sessionQueue.ts';
import type {Accepted} from '../transport/listener.ts';
import {acl} from './actions/acl.ts';
import type {ServerView} from './actions/action.ts';
import {help} from './actions/help.ts';
import {insctrl} from './actions/insctrl.ts';
import {lsctrl} from './actions/lsctrl.ts';
import {msg} from './actions/msg.ts';
import {receipt} from './actions/receipt.ts';
import {rmctrl} from './actions/rmctrl.ts';
import {status} from './actions/status.ts';
import {who} from './actions/who.ts';
import {type Configuration, type Logs, openLogs, resolveConfiguration} from './configuration.ts';
import {Controls} from './controls.ts';
import {ControlsLog} from './controlsLog.ts';
import {ControlsSocket} from './controlsSocket.ts';
import {HostResolver} from './hostResolver.ts';
import {type MessageQueue, Messages} from './messages.ts';
import {type NameDirectory, Names} from './names.ts';
import {Reception, type Running} from './reception.ts';

const ACTIONS = [acl, help, insctrl, lsctrl, msg, receipt, rmctrl, status, who];
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
}

/** A control server: a controls socket, credentials, ACLs, actions, logs, the session queue. */
export class ControlsServer {
  readonly #options: ControlsServerOptions;
  readonly #running: Running;
  readonly #reception: Reception;
  #logs: Logs;
  #socket: ControlsSocket | null = null;
  #change: Promise<void> = Promise.resolve();

  /**
   * Start serving.
   * @throws FtpdctlError: a configuration that is wrong, a socket or a session queue that cannot be bound
   */
  static async start(options: ControlsServerOptions): Promise<ControlsServer> {
    const loaded = options.load();
    const configuration = resolveConfiguration(loaded, options.names);
    const logs = openLogs(configuration.settings, options.warn);
    const server = new ControlsServer(options, configuration, logs);
    try {
      server.#warn(loaded);
      await server.#listen(configuration);
      server.#openQueue(configuration);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  private constructor(options: ControlsServerOptions, {settings, access}: Configuration, logs: Logs) {
    this.#options = options;
    this.#logs = logs;
    const view: ServerView = {
      settings,
      access,
      controls: new Controls(ACTIONS),
      messages: this.#messages(null),
      names: new Names(options.names),
      hosts: new HostResolver(),
      startedAt: Date.now(),
    };
    this.#running = {view, log: new ControlsLog(logs.controls)};
    this.#reception = new Reception(this.#running, options.version);
  }

  /** Where it listens; `null` with `ControlsEngine off`. */
  get socket(): string | null {
    return this.#socket?.path ?? null;
  }

  /**
   * Read the configuration again. One that is wrong is refused and the old one stays, which is said. Never throws.
   * What is being done is finished as it began; `MessageQueue` stays as it is until the server is started anew.
   */
  reload(): Promise<void> {
    this.#change = this.#change.then(() => this.#reload());
    return this.#change;
  }

  /** Stop accepting, answer what was asked, remove the sockets, close the logs. */
  async close(): Promise<void> {
    await this.#change;
    await this.#socket?.close();
    this.#socket = null;
    await this.#reception.close();
    this.#running.view.messages.close();
    this.#running.log.line('server stopped');
    closeLogs(this.#logs);
  }

  async #reload(): Promise<void> {
    try {
      const loaded = this.#options.load();
      const configuration = resolveConfiguration(loaded, this.#options.names);
      const logs = openLogs(configuration.settings, this.#options.warn);
      const retired = await this.#listen(configuration).catch((error) => {
        closeLogs(logs);
        throw error;
      });
      this.#apply(configuration, logs);
      await retired?.close();
      this.#warn(loaded);
    } catch (error) {
      this.#reopenLogs();
      this.#say(`configuration refused, the old one stays: ${(error as Error).message}`);
    }
  }

  #apply({settings, access}: Configuration, logs: Logs): void {
    const {view} = this.#running;
    const queue = {was: view.settings.message.queue.value, is: settings.message.queue.value};
    view.names.forget();
    view.controls.enableAll();
    this.#running.view = {...view, settings, access};
    this.#replaceLogs(logs);
    this.#reception.resize();
    this.#running.log.line('configuration read again');
    if (queue.was !== queue.is) this.#say('MessageQueue has changed: that needs a new start of the server');
  }

  /**
   * Open the socket, anew where its path has changed or somebody has removed it.
   * @returns the old one, to be closed once the new configuration is in force
   */
  async #listen({settings: {controls}, owner}: Configuration): Promise<ControlsSocket | null> {
    const path = controls.engine.value ? (controls.socket.value ?? this.#options.defaultSocket()) : null;
    const old = this.#socket;
    try {
      if (old !== null && path === old.path && old.isInPlace) {
        old.giveTo(owner);
        return null;
      }
      this.#socket = path === null ? null : await ControlsSocket.open(path, owner, this.#welcome);
    } catch (error) {
      throw locatedAt(controls.socket.at, 'ControlsSocket', error);
    }
    if (path === null) {
      const where = controls.engine.at === null ? '' : ` (${showAt(controls.engine.at)})`;
      this.#say(`no controls socket: ControlsEngine is off${where}`);
    }
    return old;
  }

  readonly #welcome = (client: Accepted) => this.#reception.welcome(client);

  /** Without unix-dgram there can be no sessions: then messages find nobody connected. */
  #openQueue({settings: {message}}: Configuration): void {
    const {value: path, at} = message.queue;
    if (path === null) return;
    try {
      this.#running.view = {...this.#running.view, messages: this.#messages(SessionQueue.open(path))};
    } catch (error) {
      if (error instanceof FtpdctlError && error.code === 'UNIX_DGRAM_MISSING') {
        this.#say(`${error.message}; no message will be delivered (${error.hint})`);
      } else throw locatedAt(at, 'MessageQueue', error);
    }
  }

  #messages(queue: MessageQueue | null): Messages {
    return new Messages(queue, (line) => this.#logs.message?.write(`${MESSAGE_LOG_ORIGIN} ${line}`));
  }

  /** For logrotate, which says SIGHUP when it has moved them away. */
  #reopenLogs(): void {
    try {
      this.#replaceLogs(openLogs(this.#running.view.settings, this.#options.warn));
    } catch (error) {
      this.#options.warn((error as Error).message);
    }
  }

  #replaceLogs(logs: Logs): void {
    closeLogs(this.#logs);
    this.#logs = logs;
    this.#running.log = new ControlsLog(logs.controls);
  }

  #warn({warnings}: LoadedConfig): void {
    for (const {at, message} of warnings) this.#say(`${showAt(at)}: ${message}`);
  }

  #say(line: string): void {
    this.#options.warn(line);
    this.#running.log.line(line);
  }
}

function closeLogs({controls, message}: Logs): void {
  controls?.close();
  message?.close();
}
