import {connect, createServer, type Server, type Socket} from 'node:net';
import ipaddr from 'ipaddr.js';

/** How the next data connection is opened. */
export interface DataPort {
  /** @throws the system's error, or the signal's reason */
  open(signal: AbortSignal): Promise<Socket>;
  close(): void;
}

const ignore = (): void => {};

/** PORT and EPRT, and the default of RFC 959 §3.3: the server connects, from the address that the client called. */
export class ActivePort implements DataPort {
  readonly #localAddress: string;
  readonly #host: string;
  readonly #port: number;

  constructor(localAddress: string, host: string, port: number) {
    this.#localAddress = localAddress;
    this.#host = host;
    this.#port = port;
  }

  open(signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({host: this.#host, port: this.#port, localAddress: this.#localAddress});
      const abort = (): void => void socket.destroy(asError(signal.reason));
      signal.addEventListener('abort', abort, {once: true});
      socket.once('connect', () => {
        signal.removeEventListener('abort', abort);
        resolve(socket);
      });
      socket.once('error', reject);
      socket.on('error', ignore);
      if (signal.aborted) abort();
    });
  }

  close(): void {}
}

/** PASV and EPSV: a listener for one connection from the client's own address (RFC 2577 §4 on stolen data ports). */
export class PassivePort implements DataPort {
  #waiting: ((socket: Socket) => void) | undefined;
  #arrived: Socket | undefined;

  readonly #listener: Server;
  readonly #peer: string;

  private constructor(listener: Server, peer: string) {
    this.#listener = listener;
    this.#peer = peer;
    listener.on('connection', (socket) => this.#accept(socket));
    listener.on('error', ignore);
  }

  /** @throws the system's error when no port is to be had */
  static listen(localAddress: string, peer: string): Promise<PassivePort> {
    return new Promise((resolve, reject) => {
      const listener = createServer({allowHalfOpen: true, pauseOnConnect: true});
      const port = new PassivePort(listener, peer);
      listener.once('error', reject);
      listener.listen(0, localAddress, 1, () => resolve(port));
    });
  }

  get port(): number {
    return (this.#listener.address() as {port: number}).port;
  }

  open(signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(asError(signal.reason));
      const abort = (): void => {
        this.#waiting = undefined;
        reject(asError(signal.reason));
      };
      signal.addEventListener('abort', abort, {once: true});
      const take = (socket: Socket): void => {
        signal.removeEventListener('abort', abort);
        this.#arrived = undefined;
        resolve(socket);
      };
      if (this.#arrived === undefined) this.#waiting = take;
      else take(this.#arrived);
    });
  }

  close(): void {
    this.#listener.close();
    this.#arrived?.destroy();
  }

  #accept(socket: Socket): void {
    socket.on('error', ignore);
    const expected = this.#listener.listening && plainAddress(socket.remoteAddress ?? '::') === this.#peer;
    if (!expected) {
      socket.destroy();
      return;
    }
    this.#listener.close();
    this.#arrived = socket;
    this.#waiting?.(socket);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** IPv4 or IPv6 without zone, IPv4-mapped IPv6 as IPv4; the same address is always written the same way. */
export function plainAddress(address: string): string {
  return ipaddr.process(address.replace(/%.*$/, '')).toString();
}

export function isIPv6(address: string): boolean {
  return ipaddr.parse(address).kind() === 'ipv6';
}

export function isLoopback(address: string): boolean {
  return ipaddr.parse(address).range() === 'loopback';
}

/** `0.0.0.0` or `::`. */
export function isWildcard(address: string): boolean {
  return ipaddr.parse(address).range() === 'unspecified';
}

/** One spelling of what a client sent, or `null` when it is no address. */
export function parseAddress(text: string): string | null {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text) ? plainAddress(text) : null;
}
