import {closeSync, constants, fstatSync, lstatSync, openSync, statSync, write, writeSync} from 'node:fs';
import {dirname} from 'node:path';
import {FtpdctlError, reasonOf} from '../errors.ts';
import {CONTROLS, countOf, escapeControls} from '../text.ts';

/** Bytes, roughly, that may wait for a slow disk. What is more is lost, and the log says how much. */
const MAX_PENDING = 4 * 1024 * 1024;
/** As ProFTPD creates its logs (measured). */
const LOG_MODE = 0o640;

export type LogErrorCode = 'LOG_WORLD_WRITABLE' | 'LOG_UNAVAILABLE';

/** A log that is not written to, and why. */
export class LogError extends FtpdctlError {
  override readonly name = 'LogError';

  constructor(
    override readonly code: LogErrorCode,
    path: string,
    why: string,
    options: {cause?: unknown; hint?: string} = {},
  ) {
    super(code, `unable to open ${path}: ${why}`, 1, options);
  }
}

/** A log in ProFTPD's format: the time, a space, the line. Lines are written in their order, without waiting for the disk. */
export class LogFile {
  readonly #fd: number;
  readonly #say: (what: {readonly message: string}) => void;
  #pending: string[] = [];
  #pendingLength = 0;
  /** Lines that the disk was too slow for. */
  #lost = 0;
  /** Lines that the disk has refused. */
  #unwritten = 0;
  #state: 'idle' | 'due' | 'writing' | 'closed' = 'idle';
  readonly #whenWritten: (() => void)[] = [];

  private constructor(
    readonly path: string,
    fd: number,
    say: (what: {readonly message: string}) => void,
  ) {
    this.#fd = fd;
    this.#say = say;
  }

  /**
   * Open a log for appending. Never in a directory that everybody may write to, sticky or not (measured).
   *
   * @param allowSymlinks `AllowLogSymlinks`
   * @param say told once when lines cannot be written, and once when they can be again
   * @throws LogError
   */
  static open(
    path: string,
    allowSymlinks: boolean,
    say: (what: {readonly message: string}) => void,
  ): LogFile {
    checkDirectory(path);
    if (!allowSymlinks && lstatSync(path, {throwIfNoEntry: false})?.isSymbolicLink()) {
      throw new LogError('LOG_UNAVAILABLE', path, 'it is a symbolic link', {hint: 'see AllowLogSymlinks'});
    }
    return new LogFile(path, openForAppending(path, allowSymlinks), say);
  }

  /** One line; control characters in it are escaped. */
  write(line: string): void {
    if (this.#state === 'closed') return;
    if (this.#pendingLength > MAX_PENDING) {
      this.#lost++;
      return;
    }
    this.#append(escapeControls(line, CONTROLS.line));
    if (this.#state !== 'idle') return;
    this.#state = 'due';
    setImmediate(() => this.#flush());
  }

  /** Resolves when what was written so far is with the operating system, or could not be written. */
  async written(): Promise<void> {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    await new Promise<void>((resolve) => this.#whenWritten.push(resolve));
  }

  /** Write what is left, and close. */
  close(): void {
    if (this.#state === 'closed') return;
    const writing = this.#state === 'writing';
    this.#state = 'closed';
    // What is being written comes first: then its callback does the rest.
    if (!writing) this.#finish();
  }

  #flush(): void {
    if (this.#state !== 'due') return;
    const batch = this.#take();
    if (batch.bytes.length === 0) {
      this.#state = 'idle';
      this.#tellWritten();
      return;
    }
    this.#state = 'writing';
    this.#write(batch, () => {
      if (this.#state === 'closed') return this.#finish();
      this.#state = 'due';
      this.#flush();
    });
  }

  #write({bytes, lines}: Batch, done: () => void): void {
    write(this.#fd, bytes, (error, written) => {
      if (error) this.#refused(error, lines);
      else if (written < bytes.length) return this.#write({bytes: bytes.subarray(written), lines}, done);
      else this.#written();
      done();
    });
  }

  #finish(): void {
    let lines = 0;
    try {
      // Twice, where `#written` adds what was lost.
      for (let batch = this.#take(); batch.lines > 0; batch = this.#take()) {
        lines = batch.lines;
        writeSync(this.#fd, batch.bytes);
        this.#written();
      }
    } catch (error) {
      this.#refused(error as Error, lines);
    }
    closeSync(this.#fd);
    this.#tellWritten();
  }

  #tellWritten(): void {
    for (const done of this.#whenWritten.splice(0)) done();
  }

  /** A full disk would have every line said, and fill what the words go to. */
  #refused(error: Error, lines: number): void {
    if (this.#unwritten === 0) this.#say(error);
    this.#unwritten += lines;
  }

  #written(): void {
    if (this.#unwritten === 0) return;
    const lines = countOf(this.#unwritten, 'line');
    this.#unwritten = 0;
    this.#say({message: `written again; ${lines} lost`});
    this.#append(`${lines} lost: they could not be written`);
  }

  #append(line: string): void {
    const text = `${timestamp()} ${line}\n`;
    this.#pending.push(text);
    this.#pendingLength += text.length;
  }

  #take(): Batch {
    if (this.#lost > 0) this.#append(`${this.#lost} lines lost: the disk is too slow`);
    const batch = {bytes: Buffer.from(this.#pending.join('')), lines: this.#pending.length};
    this.#pending = [];
    this.#pendingLength = 0;
    this.#lost = 0;
    return batch;
  }
}

interface Batch {
  readonly bytes: Buffer;
  readonly lines: number;
}

/** @throws LogError for a log in a directory that everybody may write to */
export function checkDirectory(path: string): void {
  const directory = dirname(path);
  const mode = attempt(path, () => statSync(directory).mode);
  if ((mode & 0o002) === 0) return;
  throw new LogError('LOG_WORLD_WRITABLE', path, `${directory} is a world-writable directory`, {
    hint: 'logs are only written where nobody else can put a file in their place',
  });
}

function openForAppending(path: string, followLinks: boolean): number {
  const {O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY} = constants;
  // Without O_NONBLOCK a named pipe would be waited for.
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW);
  const fd = attempt(path, () => openSync(path, flags, LOG_MODE));
  const kind = fstatSync(fd);
  if (kind.isFile() || kind.isCharacterDevice()) return fd;
  closeSync(fd);
  throw new LogError('LOG_UNAVAILABLE', path, 'it is no regular file');
}

function attempt<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw new LogError('LOG_UNAVAILABLE', path, reasonOf(cause), {
      cause,
    });
  }
}

let second = -1;
let secondText = '';

/** Local time as ProFTPD writes it: `2026-11-23 04:19:23,091`. */
function timestamp(): string {
  const now = Date.now();
  const milliseconds = now % 1000;
  if (now - milliseconds !== second) {
    second = now - milliseconds;
    secondText = localSecond(new Date(now));
  }
  return `${secondText},${String(milliseconds).padStart(3, '0')}`;
}

function localSecond(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
