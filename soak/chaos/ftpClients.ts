import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Random} from './random.ts';

/** A text that no other message has. */
export function textOf(number: number): string {
  return `chaos-${number}.`;
}

const TEXT = /chaos-(\d+)\./g;

/** Milliseconds between two commands of a client. */
const COMMAND_PAUSE = {least: 50, most: 500} as const;
/** One of so many commands is QUIT. */
const COMMANDS_TO_QUIT = 200;
const RECONNECT_MS = 100;

/** FTP clients that send a command now and then, read every reply, and connect again when their server has gone. */
export class FtpClients {
  /** By the message's number: the connections that have read it. */
  readonly seen = new Map<number, Set<number>>();
  /** Messages that one connection has read twice. */
  twice = 0;
  #connections = 0;
  #isOver = false;
  readonly #random: Random;
  readonly #running: Promise<void>[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(random: Random) {
    this.#random = random;
  }

  add(user: string, port: number): void {
    this.#running.push(this.#stay(user, port));
  }

  /** Hang up, having read what has come. */
  async close(): Promise<void> {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.end();
    await Promise.all(this.#running);
  }

  async #stay(user: string, port: number): Promise<void> {
    while (!this.#isOver) {
      await this.#session(user, port);
      await sleep(RECONNECT_MS);
    }
  }

  /** One connection, to its end. Whatever has come by then is read. */
  #session(user: string, port: number): Promise<void> {
    const number = ++this.#connections;
    const socket = connect(port, '127.0.0.1').setEncoding('utf8').setNoDelay();
    this.#sockets.add(socket);
    let text = '';
    let next = 0;
    const commands = [`USER ${user}`, 'PASS x'];
    const say = () => {
      const {least, most} = COMMAND_PAUSE;
      if (commands.length > 0) socket.write(`${commands.shift()}\r\n`);
      else {
        next = Number(
          setTimeout(
            () => {
              const isLast = this.#random.below(COMMANDS_TO_QUIT) === 0;
              socket.write(isLast ? 'QUIT\r\n' : 'NOOP\r\n');
            },
            this.#random.between(least, most),
          ),
        );
      }
    };
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (!/^\d{3} [^\r\n]*\r\n$/m.test(text)) return;
      this.#read(text, number);
      text = '';
      say();
    });
    return new Promise((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(next);
        this.#read(text, number);
        this.#sockets.delete(socket);
        resolve();
      });
    });
  }

  #read(text: string, connection: number): void {
    for (const [, number] of text.matchAll(TEXT)) {
      const readers = this.seen.get(Number(number)) ?? new Set();
      if (readers.has(connection)) this.twice++;
      readers.add(connection);
      this.seen.set(Number(number), readers);
    }
  }
}
