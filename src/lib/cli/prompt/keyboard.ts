import {emitKeypressEvents, type Interface, type Key} from 'node:readline';
import {PassThrough, Readable} from 'node:stream';
import {onExit} from '../../transport/processes/exitCleanup.ts';
import {ABORT_SIGNALS, type AbortReason, PromptAborted} from './questions.ts';

/** Terminals that know "bracketed paste" (xterm) say where a paste begins and ends, so that its line ends are told from Enter. */
const PASTES_MARKED = '\x1b[?2004h';
const PASTES_UNMARKED = '\x1b[?2004l';

/** What a terminal in raw mode sends for Ctrl-C. */
const CTRL_C = 3;

/** Milliseconds within which the rest of an escape sequence follows; else it was the key Escape. */
const ESCAPE_TIMEOUT_MS = 50;

/** Characters kept of one paste; one that is longer is refused. */
export const MAX_PASTE = 256 * 1024;

/** One key, as Node's readline knows it, and the character it stands for. */
interface Pressed {
  readonly character: string | undefined;
  readonly key: Key;
}

/** Characters that came at once, handed to a prompt as one key: it draws once. */
export interface TextKey extends Key {
  readonly name: 'text';
  /** With its line ends, which readline does not take; nothing else in it drives a terminal. */
  readonly text: string;
  /** Whether the terminal has said where it ends. */
  readonly isWhole: boolean;
  /** Whether there was more of it than is kept. */
  readonly isCut: boolean;
}

/** Who reads the keys. */
export interface KeyReader {
  /** Characters that may come at once, or have come so since the question was asked. */
  readonly maxText: number;
  readonly onTooLong: (length: number) => void;
  readonly onEscape: () => void;
}

/**
 * The keyboard for as long as questions are asked: Ctrl-C and Ctrl-D leave at any time, between two questions, too,
 * while a server is waited for. What is typed then is thrown away, so that no answer is given before its question.
 *
 * What comes at once is handed on at once. readline makes a key of every character and inquirer draws its whole prompt
 * for every key, which takes a time and writes bytes that grow with the square of a paste.
 */
export class Keyboard {
  /** What prompts read: `keypress` events alone. Its owner, not they, sees to the terminal's mode. */
  readonly keys = new Readable({read() {}});

  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WritableStream;
  /** Node's own parser of escape sequences, fed chunk by chunk. */
  readonly #parser = new PassThrough();
  readonly #aborted = new AbortController();
  readonly #callOff: () => void;
  #chunk: Pressed[] | undefined;
  /** What has come of a paste whose end has not. */
  #paste: string | undefined;
  #reader: KeyReader | undefined;
  #textLength = 0;
  #waiting: Pressed[] = [];
  #isHandingOn = false;

  readonly #onData = (data: Buffer): void => {
    // Wherever it stands, in half a paste or half an escape sequence: as where the terminal itself sees to it.
    if (data.includes(CTRL_C)) {
      this.#abort('SIGINT');
      return;
    }
    this.#chunk = [];
    this.#parser.emit('data', data);
    const chunk = this.#chunk;
    this.#chunk = undefined;
    this.#take(chunk);
  };
  readonly #onKey = (character: string | undefined, key: Key): void => {
    if (this.#chunk) this.#chunk.push({character, key});
    // An Escape that no sequence has followed for a while.
    else this.#take([{character, key}]);
  };
  readonly #onEnd = (): void => this.#abort('end');
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#abort(signal as AbortReason);

  constructor(input: NodeJS.ReadStream, output: NodeJS.WritableStream) {
    this.#input = input;
    this.#output = output;
    emitKeypressEvents(this.#parser, {escapeCodeTimeout: ESCAPE_TIMEOUT_MS} as unknown as Interface);
    this.#parser.on('keypress', this.#onKey);
    input.on('data', this.#onData).on('end', this.#onEnd);
    for (const signal of ABORT_SIGNALS) process.on(signal, this.#onSignal);
    input.setRawMode?.(true);
    input.resume();
    output.write(PASTES_MARKED);
    this.#callOff = onExit(() => output.write(PASTES_UNMARKED));
  }

  /** Aborted with a `PromptAborted` as its reason. */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  /** Hand on what comes from now on. */
  listen(reader: KeyReader): void {
    this.#reader = reader;
    this.#textLength = 0;
  }

  /** Throw away what comes from now on, and what is still to be handed on. */
  ignore(): void {
    this.#reader = undefined;
    this.#waiting = [];
  }

  release(): void {
    this.#callOff();
    this.#output.write(PASTES_UNMARKED);
    this.#input.off('data', this.#onData).off('end', this.#onEnd);
    for (const signal of ABORT_SIGNALS) process.off(signal, this.#onSignal);
    this.#input.setRawMode?.(false);
    this.#input.pause();
  }

  #abort(reason: AbortReason): void {
    this.#aborted.abort(new PromptAborted(reason));
  }

  /** What came in one read. */
  #take(chunk: readonly Pressed[]): void {
    const isPasted = this.#paste !== undefined || chunk.some(isPasteStart) || isUnmarkedPaste(chunk);
    let typed: Pressed[] = [];
    const handOnTyped = (): void => {
      const [first] = typed;
      if (typed.length === 1 && !isPasted) this.#handOn(first!);
      else this.#handOnText(typed.map(textOf).join(''), false);
      typed = [];
    };
    for (const one of chunk) {
      if (isPasteStart(one)) {
        handOnTyped();
        this.#paste = '';
      } else if (isPasteEnd(one)) {
        this.#handOnText(this.#paste ?? '', true);
        this.#paste = undefined;
      } else if (this.#paste !== undefined) {
        if (this.#paste.length <= MAX_PASTE) this.#paste += textOf(one);
      } else if (isPasted || isCharacter(one)) {
        typed.push(one);
      } else {
        handOnTyped();
        this.#handOn(one);
      }
    }
    handOnTyped();
  }

  #handOnText(raw: string, isWhole: boolean): void {
    const text = raw.replace(/\r\n?/g, '\n');
    if (text === '' || !this.#reader) return;
    this.#textLength += text.length;
    if (this.#textLength > this.#reader.maxText) {
      this.#reader.onTooLong(this.#textLength);
      return;
    }
    const key: TextKey = {name: 'text', sequence: text, text, isWhole, isCut: raw.length > MAX_PASTE};
    this.#handOn({character: text.replaceAll('\n', ' '), key});
  }

  #handOn(one: Pressed): void {
    const {ctrl, name} = one.key;
    if (isControl(one)) return;
    if (ctrl && name === 'd') this.#abort('end');
    else if (ctrl && name === 'z') this.#suspend();
    else if (this.#reader) {
      this.#waiting.push(one);
      this.#handOnNext();
    }
  }

  /** One key in one turn of the event loop: a prompt that looks something up has then found it, and knows what Enter takes. */
  #handOnNext(): void {
    if (this.#isHandingOn) return;
    this.#isHandingOn = true;
    setImmediate(() => {
      this.#isHandingOn = false;
      const one = this.#waiting.shift();
      if (one === undefined) return;
      if (one.key.name === 'escape') this.#reader?.onEscape();
      else this.keys.emit('keypress', one.character, one.key);
      this.#handOnNext();
    });
  }

  /** Ctrl-Z: back to the shell, with its terminal as it was. */
  #suspend(): void {
    this.#output.write(PASTES_UNMARKED);
    this.#input.setRawMode?.(false);
    process.once('SIGCONT', () => {
      if (this.signal.aborted) return;
      this.#input.setRawMode?.(true);
      this.#output.write(PASTES_MARKED);
    });
    process.kill(process.pid, 'SIGTSTP');
  }
}

function isPasteStart({key}: Pressed): boolean {
  return (key.name as string) === 'paste-start';
}

function isPasteEnd({key}: Pressed): boolean {
  return (key.name as string) === 'paste-end';
}

/** What a terminal sends for Enter and Ctrl-J. */
const LINE_END = /^[\r\n]$/;

function isLineEnd({key}: Pressed): boolean {
  return LINE_END.test(key.sequence ?? '');
}

/** Whether lines of text have come at once from a terminal that does not mark a paste: nobody types so fast. */
function isUnmarkedPaste(chunk: readonly Pressed[]): boolean {
  const end = chunk.findIndex(isLineEnd);
  return (
    end !== -1 &&
    chunk.some(isCharacter) &&
    chunk.slice(end + 1).some((one) => isLineEnd(one) || isCharacter(one))
  );
}

function isCharacter({character, key}: Pressed): boolean {
  return character !== undefined && !key.ctrl && !key.meta && !/\p{Cc}/u.test(character);
}

/** A control character that is no key: readline would insert it. */
function isControl({character, key}: Pressed): boolean {
  return key.name === undefined && character !== undefined && /\p{Cc}/u.test(character);
}

/** What is left of a pasted character: nothing of those that would drive a terminal. */
function textOf(one: Pressed): string {
  if (isCharacter(one)) return one.character!;
  if (isLineEnd(one)) return one.key.sequence!;
  return one.key.name === 'tab' ? ' ' : '';
}
