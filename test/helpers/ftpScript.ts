import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';

/** Milliseconds within which whatever is waited for must come. */
const DEADLINE = 5_000;

/** Commands that use a data connection. The others leave one that has been asked for alone. */
const TAKES_DATA = /^(LIST|NLST|MLSD|RETR|STOR|APPE|STOU)\b/i;
const SENDS_DATA = /^(STOR|APPE|STOU)\b/i;

/** What a server did upon one command. All text is octets, as latin1 has them. */
export interface Exchange {
  readonly command: string;
  /** Each reply with its line ends; `closed` when the connection ended instead. */
  readonly replies: string[];
  /** What came over the data connection, if one was used. */
  readonly data?: string;
}

/**
 * One control connection that is told what to say. A line `STOR name << content` uploads, `EPSV` and `PASV` connect at once,
 * and a command that takes data gets a connection when none was asked for. `=LIST` has to do without.
 */
export class FtpScript {
  readonly #socket: Socket;
  #text = '';
  #ended = false;
  #wake: () => void = () => {};
  #data: Socket | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<FtpScript> {
    const socket = connect({host: '127.0.0.1', port});
    await once(socket, 'connect');
    const script = new FtpScript(socket);
    await script.#reply();
    return script;
  }

  async run(lines: readonly string[]): Promise<Exchange[]> {
    const exchanges: Exchange[] = [];
    for (const line of lines) {
      exchanges.push(await this.#exchange(line));
      if (this.#ended) break;
    }
    return exchanges;
  }

  /** Whether the server has hung up. */
  get ended(): boolean {
    return this.#ended;
  }

  close(): void {
    this.#data?.destroy();
    this.#socket.destroy();
  }

  async #exchange(line: string): Promise<Exchange> {
    const bare = line.startsWith('=');
    const [command, content = ''] = (bare ? line.slice(1) : line).split(' << ') as [string, string?];
    if (TAKES_DATA.test(command) && !bare) return this.#transfer(command, content);
    const reply = await this.#command(command);
    if (/^(EPSV|PASV)$/i.test(command)) await this.#openData(reply);
    return {command, replies: [reply]};
  }

  async #transfer(command: string, content: string): Promise<Exchange> {
    if (this.#data === null) await this.#openData(await this.#command('EPSV'));
    const data = this.#data;
    if (data === null) return {command, replies: [await this.#command(command)]};
    this.#data = null;
    let received = '';
    data.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    const ended = new Promise<void>((resolve) => void data.once('close', () => resolve()));
    const replies = [await this.#command(command)];
    if (!/^1/.test(replies[0]!)) {
      data.destroy();
      return {command, replies};
    }
    if (SENDS_DATA.test(command)) data.end(Buffer.from(content, 'latin1'));
    replies.push(await this.#reply());
    await Promise.race([ended, sleep(DEADLINE)]);
    data.destroy();
    return {command, replies, data: received};
  }

  async #openData(reply: string): Promise<void> {
    const extended = /\(\|\|\|(\d+)\|\)/.exec(reply);
    const plain = /,(\d+),(\d+)\)/.exec(reply);
    if (extended === null && plain === null) return;
    const port = extended ? Number(extended[1]) : Number(plain![1]) * 256 + Number(plain![2]);
    this.#data?.destroy();
    this.#data = connect({host: '127.0.0.1', port}).on('error', () => {});
    await once(this.#data, 'connect');
  }

  #command(command: string): Promise<string> {
    this.#socket.write(Buffer.from(`${command}\r\n`, 'latin1'));
    return this.#reply();
  }

  /** The next whole reply (RFC 959 §4.2). */
  async #reply(): Promise<string> {
    const deadline = Date.now() + DEADLINE;
    for (;;) {
      const whole = /^(\d{3})(?: [^\n]*\r\n|-[\s\S]*?\r\n\1 [^\n]*\r\n)/.exec(this.#text)?.[0];
      if (whole !== undefined) {
        this.#text = this.#text.slice(whole.length);
        return whole;
      }
      if (this.#ended) return 'closed';
      if (Date.now() > deadline) return `no whole reply: ${this.#text}`;
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        sleep(500),
      ]);
    }
  }
}
