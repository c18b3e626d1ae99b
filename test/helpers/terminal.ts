import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import {onTestFinished} from 'vitest';
import {CHECKOUT} from './checkout.ts';
import {cleanEnvironment} from './program.ts';

const run = promisify(execFile);

/** Milliseconds within which the screen must show what is waited for. */
const PATIENCE = 15_000;
/** Milliseconds between two looks at the screen. */
const GLANCE = 25;

/** What the shell around the program says when that has ended; afterwards it echoes what is typed. */
const ENDED = /^\[(\d+)\]$/m;

/** What the terminal is like. */
export interface TerminalOptions {
  /** Additions to the clean environment; `undefined` takes a variable out. */
  readonly env?: NodeJS.ProcessEnv;
  readonly columns?: number;
  readonly rows?: number;
  /** A command that is to start the program, such as `nsenter`. */
  readonly startedBy?: readonly string[];
  /** The shell does what `fg` needs: Ctrl-Z stops the program, and the shell goes on. */
  readonly jobs?: boolean;
}

/** A terminal that is there until the test has ended. */
export async function openTerminal(args: readonly string[], options?: TerminalOptions): Promise<Terminal> {
  const terminal = await Terminal.start(args, options);
  onTestFinished(() => terminal.stop());
  return terminal;
}

/** `ftpdctl` in a terminal of its own (tmux), with a home of its own, and hands to type with. */
export class Terminal {
  /** HOME of the program. */
  readonly home: string;
  readonly #socket: string;
  readonly #transcript: string;

  private constructor(home: string) {
    this.home = home;
    this.#socket = join(home, 'tmux');
    this.#transcript = join(home, 'transcript');
  }

  static async start(args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
    const {env = {}, columns = 100, rows = 30, startedBy = [], jobs = false} = options;
    const home = await mkdtemp(join(tmpdir(), 'ftpdctl-term-'));
    const terminal = new Terminal(home);
    await writeFile(join(home, 'tmux.conf'), 'set -g status off\nset -s escape-time 0\n');
    const variables = Object.entries({...cleanEnvironment(home), TERM: 'screen-256color', ...env}).flatMap(
      ([name, value]) => (value === undefined ? [] : [`${name}=${value}`]),
    );
    const ours = [process.execPath, join(CHECKOUT, 'bin', 'run.js')];
    const program = [...startedBy, 'env', '-i', ...variables, ...ours, ...args];
    // It waits until every byte it writes is written down.
    const ready = join(home, 'ready');
    const script = `stty -echo; : > '${ready}'; read go; stty echo; trap : INT; ${jobs ? 'set -m; ' : ''}${program.map(quote).join(' ')}; echo "[$?]"; exec cat`;
    const size = ['-x', String(columns), '-y', String(rows)];
    await terminal.#tmux('-f', join(home, 'tmux.conf'), 'new-session', '-d', ...size, 'sh', '-c', script);
    await terminal.#tmux('pipe-pane', `cat >> '${terminal.#transcript}'`);
    // What is pressed before would be echoed.
    while (!existsSync(ready)) await sleep(GLANCE);
    await terminal.press('Enter');
    return terminal;
  }

  /** Type text, character by character. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text);
  }

  /** Press keys by their tmux names: `Enter`, `C-c`, `Down`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  /** Paste, as from a clipboard. @param isMarked whether the terminal marks it where the program has asked for that */
  async paste(text: string, isMarked = true): Promise<void> {
    const file = join(this.home, 'paste');
    await writeFile(file, text);
    await this.#tmux('load-buffer', file);
    await this.#tmux('paste-buffer', ...(isMarked ? ['-p'] : []));
  }

  /** Lines that have left the window at its top. */
  async scrollback(): Promise<number> {
    return Number(await this.#tmux('display-message', '-p', '#{history_size}'));
  }

  /** What the screen shows, colours aside, without the empty lines at its end. */
  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).trimEnd();
  }

  /**
   * Every byte that the program has written, escape sequences and all, once there is what it wrote last: they are written
   * down after the screen shows them. By itself that is the end.
   */
  async written(last = /\[\d+\]\r\n/): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const text = await readFile(this.#transcript, 'utf8');
      if (last.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`${last} did not come; written was:\n${text}`);
      await sleep(GLANCE);
    }
  }

  /** Wait until the screen shows this. Rejects with the screen when it does not come. */
  async see(expected: string | RegExp): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const screen = await this.screen();
      if (typeof expected === 'string' ? screen.includes(expected) : expected.test(screen)) return screen;
      if (Date.now() > deadline) throw new Error(`${expected} did not come; the screen shows:\n${screen}`);
      await sleep(GLANCE);
    }
  }

  /** Wait for the program to end. What it leaves behind on the screen does not include its status. */
  async ended(): Promise<{status: number; screen: string}> {
    const screen = await this.see(ENDED);
    return {status: Number(ENDED.exec(screen)![1]), screen: screen.replace(ENDED, '').trimEnd()};
  }

  /** Whether the cursor is to be seen. */
  async hasCursor(): Promise<boolean> {
    return (await this.#tmux('display-message', '-p', '#{cursor_flag}')).trim() === '1';
  }

  /** Process id of the program. */
  async pid(): Promise<number> {
    const shell = (await this.#tmux('display-message', '-p', '#{pane_pid}')).trim();
    return Number((await readFile(`/proc/${shell}/task/${shell}/children`, 'utf8')).trim());
  }

  async stop(): Promise<void> {
    const pid = await this.pid().catch(() => 0);
    await this.#tmux('kill-server').catch(() => {});
    // The terminal is gone, and so is the program soon: it may be writing down what it remembers.
    for (let left = PATIENCE; pid > 0 && existsSync(`/proc/${pid}`) && left > 0; left -= GLANCE)
      await sleep(GLANCE);
    await rm(this.home, {recursive: true, force: true});
  }

  async #tmux(...args: string[]): Promise<string> {
    return (await run('tmux', ['-u', '-S', this.#socket, ...args], {env: cleanEnvironment(this.home)}))
      .stdout;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
