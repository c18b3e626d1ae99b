import {createServer, type Server, type Socket} from 'node:net';
import {FtpdctlError, reasonOf} from '../errors.ts';
import {formatReply, type Reply, reply} from '../reply/reply.ts';
import {ControlConnection} from './control/controlConnection.ts';
import {isLoopback, isWildcard, plainAddress} from './data/dataPort.ts';
import {
  DEFAULT_LIMITS,
  DEFAULT_TIMEOUTS,
  type MockLimits,
  type MockOptions,
  type MockTimeouts,
  type VirtualServer,
} from './options.ts';

/** Where the mock server listens. */
export interface ListeningAddress {
  readonly address: string;
  readonly port: number;
}

const BACKLOG = 1024;
/** What clients have to hang up, and their TCP to acknowledge the last reply, when the server ends. */
const FAREWELL_MS = 200;
const SWEEP_MS = 1000;
const MIN_SWEEP_MS = 20;

/** ProFTPD ends the process that serves the session, and the client gets no word (measured); RFC 959 §5.4 has one. */
const KICKED = reply(421, 'Session ended by the administrator, closing control connection');

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EACCES: 'ports below 1024 are for root: choose another Port in the configuration',
  EADDRINUSE: 'another program listens there: end it, or choose another Port in the configuration',
  EADDRNOTAVAIL:
    'this machine has no such address: see DefaultAddress and <VirtualHost> in the configuration',
};

/** No socket to listen on, or one that would be open to the network unasked. */
class ListenError extends FtpdctlError {
  override readonly name = 'ListenError';
}

/** A small FTP server whose sessions read a message queue and add the messages to their replies. */
export class MockFtpServer {
  readonly #timeouts: MockTimeouts;
  readonly #limits: MockLimits;
  readonly #listeners: Server[] = [];
  readonly #sessions = new Set<ControlConnection>();
  readonly #sessionsOf = new Map<string, number>();
  #clock: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  readonly #options: MockOptions;

  constructor(options: MockOptions) {
    this.#options = options;
    this.#timeouts = {...DEFAULT_TIMEOUTS, ...options.timeouts};
    this.#limits = {...DEFAULT_LIMITS, ...options.limits};
  }

  /** Sessions now. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Listen for every server of the options; servers of one address and port share a socket, the first one counts.
   *
   * @throws ListenError with nothing left open
   */
  async listen(): Promise<readonly ListeningAddress[]> {
    this.#refuseTheNetwork();
    try {
      const addresses = [];
      for (const group of listenerGroups(this.#options.servers)) addresses.push(await this.#open(group));
      this.#clock = setInterval(() => this.#sweep(), sweepInterval(this.#timeouts)).unref();
      return addresses;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Say 421 to every session, end all transfers, give the clients a moment to read it, and close all connections. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    const closed = this.#listeners.splice(0).map((listener) => new Promise((done) => listener.close(done)));
    for (const session of this.#sessions)
      session.end(reply(421, 'Server shutting down, closing control connection'));
    if (this.#sessions.size > 0) {
      const late = setTimeout(() => this.#abandonAll(), FAREWELL_MS);
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
      clearTimeout(late);
    }
    await Promise.all(closed);
    clearInterval(this.#clock);
  }

  /** Whoever has not hung up by now would keep this program running. */
  #abandonAll(): void {
    for (const session of this.#sessions) session.abandon();
  }

  #refuseTheNetwork(): void {
    if (this.#options.beyondLoopback === true) return;
    const open = this.#options.servers.find(({address}) => !isLoopback(address));
    if (open === undefined) return;
    throw new ListenError(
      'NOT_LOOPBACK',
      `the mock server takes any password, so it does not listen on ${open.address}`,
      1,
      {
        hint: 'DefaultAddress 127.0.0.1, or --beyond-loopback if anybody may log in',
      },
    );
  }

  #open(group: readonly VirtualServer[]): Promise<ListeningAddress> {
    const {address, port} = group[0]!;
    return new Promise((resolve, reject) => {
      const listener = createServer({allowHalfOpen: true, noDelay: true});
      listener.once('error', (cause: NodeJS.ErrnoException) => {
        const hint = LISTEN_HINTS[cause.code ?? ''];
        reject(
          new ListenError(
            'CANNOT_LISTEN',
            `cannot listen on ${address} port ${port}: ${reasonOf(cause)}`,
            1,
            {
              cause,
              ...(hint === undefined ? {} : {hint}),
            },
          ),
        );
      });
      listener.listen({host: address, port, backlog: BACKLOG, ipv6Only: address.includes(':')}, () => {
        // From now on an error is one of accept(2), such as too many open files: the next client may have more luck.
        listener.removeAllListeners('error').on('error', () => {});
        this.#listeners.push(listener);
        const bound = (listener.address() as {port: number}).port;
        listener.on('connection', (socket) => this.#accept(socket, group, bound));
        resolve({address, port: bound});
      });
    });
  }

  #accept(socket: Socket, group: readonly VirtualServer[], port: number): void {
    const peerAddress = plainAddress(socket.remoteAddress ?? '::');
    const localAddress = plainAddress(socket.localAddress ?? '::');
    if (socket.remoteAddress === undefined || this.#isFull(peerAddress)) {
      refuse(socket, reply(421, 'Too many sessions, try again later'));
      return;
    }
    const server = group.find(({address}) => plainAddress(address) === localAddress) ?? group[0]!;
    if (this.#options.mailbox.isDown(server.controlsName ?? `${server.address}#${port}`)) {
      refuse(socket, reply(500, `Sorry, no server available to handle request on ${localAddress}`));
      return;
    }
    const identity = {
      pid: process.pid,
      user: null,
      address: peerAddress,
      host: peerAddress,
      class: this.#options.classOf(peerAddress),
      server: `${server.address}#${port}`,
      engine: server.engine,
    };
    const mailbox = this.#options.mailbox.register(identity, () => session.end(KICKED));
    const {tree} = this.#options;
    const onEnd = (): void => this.#leave(session, peerAddress);
    const session: ControlConnection = new ControlConnection({
      socket,
      server,
      peerAddress,
      localAddress,
      tree,
      mailbox,
      onEnd,
      trace: this.#traceOf(peerAddress, socket),
    });
    this.#enter(session, peerAddress);
  }

  #traceOf(peerAddress: string, {remotePort}: Socket): ((line: string) => void) | undefined {
    const {trace} = this.#options;
    return trace && ((line) => trace(`${peerAddress}#${remotePort} ${line}`));
  }

  #isFull(address: string): boolean {
    const {sessions, sessionsPerAddress} = this.#limits;
    return this.#sessions.size >= sessions || (this.#sessionsOf.get(address) ?? 0) >= sessionsPerAddress;
  }

  #enter(session: ControlConnection, address: string): void {
    this.#sessions.add(session);
    this.#sessionsOf.set(address, (this.#sessionsOf.get(address) ?? 0) + 1);
  }

  #leave(session: ControlConnection, address: string): void {
    this.#sessions.delete(session);
    const left = (this.#sessionsOf.get(address) ?? 1) - 1;
    if (left > 0) this.#sessionsOf.set(address, left);
    else this.#sessionsOf.delete(address);
    if (this.#sessions.size === 0) this.#whenEmpty?.();
  }

  #sweep(): void {
    const now = performance.now();
    for (const session of this.#sessions) session.sweep(now, this.#timeouts);
  }
}

/**
 * What shares a listening socket: the kernel does not let a wildcard address and one of its own listen on the same
 * port, so where there is a wildcard it takes all connections of that family, and the called address tells them apart.
 */
function listenerGroups(servers: readonly VirtualServer[]): VirtualServer[][] {
  const groups: VirtualServer[][] = [];
  const wildcardsFirst = [...servers].sort(
    (a, b) => Number(isWildcard(b.address)) - Number(isWildcard(a.address)),
  );
  for (const server of wildcardsFirst) {
    const group =
      server.port === 0 ? undefined : groups.find(([first]) => first !== undefined && covers(first, server));
    if (group === undefined) groups.push([server]);
    else group.push(server);
  }
  return groups;
}

function covers(listener: VirtualServer, server: VirtualServer): boolean {
  if (listener.port !== server.port) return false;
  const same = plainAddress(listener.address) === plainAddress(server.address);
  return (
    same || (isWildcard(listener.address) && listener.address.includes(':') === server.address.includes(':'))
  );
}

/** Timeouts of less than a few seconds are for tests. */
function sweepInterval({login, idle, stalled}: MockTimeouts): number {
  return Math.max(MIN_SWEEP_MS, Math.min(SWEEP_MS, Math.min(login, idle, stalled) * 250));
}

function refuse(socket: Socket, farewell: Reply): void {
  socket.on('error', () => {});
  socket.write(formatReply(farewell));
  socket.destroySoon();
}
