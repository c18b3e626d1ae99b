import {once} from 'node:events';
import {connect, type Socket} from 'node:net';

/** The password of every user that `startProftpd` makes. */
export const PASSWORD = 'secret';

/** Milliseconds within which a reply must be complete. */
const REPLY_DEADLINE = 10_000;

/** A raw FTP control connection: every reply exactly as it came. */
export class FtpSession {
  readonly #socket: Socket;
  #lines: string[] = [];
  #rest = '';
  #wake: () => void = () => {};
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\r\n');
      this.#rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Connects and reads the greeting. `localAddress` is the address to come from, any of 127.0.0.0/8. */
  static async connect(
    port: number,
    options: {host?: string; localAddress?: string} = {},
  ): Promise<FtpSession> {
    const socket = connect({host: '127.0.0.1', ...options, port});
    await once(socket, 'connect');
    const session = new FtpSession(socket);
    session.greeting = await session.reply();
    return session;
  }

  /** The lines of the server's first reply. */
  greeting: string[] = [];

  /** The port this end of the connection has; tells sessions apart. */
  get localPort(): number {
    return this.#socket.localPort!;
  }

  send(octets: Buffer): void {
    this.#socket.write(octets);
  }

  /** Lines that have come and been asked for by nobody yet. */
  get waitingLines(): number {
    return this.#lines.length;
  }

  /** Hangs up as soon as the command is sent. */
  async sendAndClose(line: string): Promise<void> {
    this.#socket.write(`${line}\r\n`, () => this.#socket.destroy());
    await once(this.#socket, 'close');
  }

  /** Sends one command and reads the one reply to it. */
  async command(line: string): Promise<string[]> {
    this.#socket.write(`${line}\r\n`);
    return this.reply();
  }

  /** USER and PASS; rejects unless the server says 230. */
  async login(user: string, password: string = PASSWORD): Promise<string[]> {
    await this.command(`USER ${user}`);
    const reply = await this.command(`PASS ${password}`);
    if (!reply.at(-1)!.startsWith('230 ')) throw new Error(`login refused: ${reply.join('\n')}`);
    return reply;
  }

  /** Lines of the next complete reply (RFC 959, 4.2), without line ends. Rejects when it does not come whole. */
  async reply(): Promise<string[]> {
    const deadline = setTimeout(() => this.#socket.destroy(), REPLY_DEADLINE);
    try {
      for (;;) {
        const last = endOfReply(this.#lines);
        if (last >= 0) return this.#lines.splice(0, last + 1);
        if (this.#ended)
          throw new Error(`no complete reply: ${JSON.stringify([...this.#lines, this.#rest])}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Hangs up without QUIT; resolves when the connection is gone. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }
}

/** Index of the line that ends the first reply, or −1: the code of the first line again, followed by a space. */
function endOfReply(lines: readonly string[]): number {
  const code = lines[0]?.slice(0, 3);
  return lines.findIndex((line) => line.startsWith(`${code} `));
}
