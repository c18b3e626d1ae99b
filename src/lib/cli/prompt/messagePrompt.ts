import type {KeypressEvent} from '@inquirer/core';
import {CONTROLS} from '../../text.ts';
import {wrapWords} from '../output/terminal.ts';
import {MAX_PASTE, type TextKey} from './keyboard.ts';
import type {MessageQuestion} from './questions.ts';

export interface TerminalMessageQuestion extends MessageQuestion {
  readonly size: () => {readonly columns: number; readonly rows: number};
}

/** A message as it is written: readline edits the end of it, the part before is as it is. */
interface Draft {
  readonly before: string;
  readonly line: string;
}

/** Rows of the window that readline's line may take; what is longer joins the part before. */
const MAX_LINE_ROWS = 3;
/** Columns in front of each row of the message. */
const INDENT = 2;
/** Rows of the window that show nothing of the message: the question, what is hidden, the keys. */
const OTHER_ROWS = 6;

/** inquirer's way to ask for a message of one or several lines. */
export async function messagePrompt() {
  const {
    createPrompt,
    isBackspaceKey,
    isEnterKey,
    makeTheme,
    useEffect,
    useKeypress,
    usePrefix,
    useRef,
    useState,
  } = await import('@inquirer/core');
  const {style} = makeTheme({});

  return createPrompt<string, TerminalMessageQuestion>((config, done) => {
    const {columns, rows} = config.size();
    const width = Math.max(1, columns - INDENT - 1);
    const [{before, line}, setDraft] = useState<Draft>(() => split(config.initial ?? '', width));
    const [error, setError] = useState('');
    const [status, setStatus] = useState<'idle' | 'done'>('idle');
    /** Of a paste without an end to be seen, a piece was too long: then the rest of it is not wanted. */
    const isRefusing = useRef(false);
    const prefix = usePrefix({status});
    const text = before + line;

    useEffect((rl) => {
      if (line !== '') rl.write(line);
    }, []);

    useKeypress((key, readline) => {
      const rl = readline as typeof readline & {readonly cursor: number};
      const show = (draft: Draft): void => {
        rl.clearLine(0);
        rl.write(draft.line);
        setDraft(draft);
        config.onChange?.(draft.before + draft.line);
      };
      const write = (written: string): void => show(split(written, width));
      setError('');
      if (isText(key)) {
        const whole = before + inserted(rl, config.severalLines ? key.text : key.text.replaceAll('\n', ' '));
        const why = isRefusing.current ? 'the rest is not inserted' : tooLong(key, config.room(whole));
        if (why !== undefined) {
          isRefusing.current = !key.isWhole;
          show({before, line});
          setError(why);
        } else {
          write(whole);
        }
        return;
      }
      isRefusing.current = false;
      if (isEnterKey(key)) {
        if (endsText(key)) finish(() => show({before, line}));
        else if (config.severalLines) write(`${text}\n`);
        else {
          write(`${text} `);
          setError('by its socket a ProFTPD takes one line');
        }
      } else if (isBackspaceKey(key) && line === '' && before !== '') {
        write(before.slice(0, /[\ud800-\udbff].$/s.test(before) ? -2 : -1));
      } else if (rl.line.length > width * MAX_LINE_ROWS && rl.cursor === rl.line.length) {
        write(before + rl.line);
      } else if (rl.line.includes('\t')) {
        show({before, line: rl.line.replaceAll('\t', ' ')});
      } else {
        setDraft({before, line: rl.line});
        config.onChange?.(before + rl.line);
      }
    });

    function finish(restore: () => void): void {
      const why = text.trim() === '' ? 'write something, or leave with Ctrl-D' : config.refusal(text);
      if (why === undefined) {
        setStatus('done');
        done(text);
      } else {
        restore();
        setError(why);
      }
    }

    const question = `${prefix} ${style.message(config.message, status)}`;
    if (status === 'done') return `${question} ${style.answer(answer(text, width, rows))}`;
    const lineRows = Math.ceil((INDENT + cells(line) + 1) / columns);
    const above = lastRows(before, width, Math.max(1, rows - OTHER_ROWS - lineRows));
    const hidden = before.length - above.join('').length;
    const keys = config.severalLines
      ? 'Enter: done, Ctrl-J: a new line, Esc: back'
      : 'Enter: done, Esc: back';
    const room = config.room(text);
    const left = room < 0 ? style.error(`${-room} bytes too many`) : style.help(`${room} bytes left`);
    const below = wrapWords(error === '' ? keys : error, columns - 3).join('\n');
    return [
      [
        `${question} ${left}`,
        ...(hidden > 0 ? [style.help(`  … ${hidden} characters before`)] : []),
        ...above.map((row) => `  ${visible(row.replace('\n', ''))}`),
        `  ${visible(line)}`,
      ].join('\n'),
      error === '' ? style.help(below) : style.error(below),
    ];
  });
}

function isText(key: KeypressEvent): key is TextKey & KeypressEvent {
  return key.name === 'text';
}

/** @param room bytes that would be left */
function tooLong({isCut}: TextKey, room: number): string | undefined {
  if (isCut) return `too long to be inserted: more than ${MAX_PASTE} characters`;
  return room < 0 ? `too long to be inserted: ${-room} bytes more than fit` : undefined;
}

/** readline's line with a text at its cursor, where readline has put it without its line ends. */
function inserted({line, cursor}: {readonly line: string; readonly cursor: number}, text: string): string {
  return line.slice(0, cursor - text.length) + text + line.slice(cursor);
}

/** Enter alone ends the text; Ctrl-J (a line feed) and Alt-Enter end a line. */
function endsText(key: KeypressEvent & {readonly meta?: boolean}): boolean {
  return key.name === 'return' && !key.meta;
}

/** The last line, or the last rows of it, for readline; what is before begins where a row would. */
function split(text: string, width: number): Draft {
  const start = text.lastIndexOf('\n') + 1;
  const excess = text.length - start - width * MAX_LINE_ROWS;
  let at = start + (excess > 0 ? Math.ceil(excess / width) * width : 0);
  if (/^[\udc00-\udfff]/.test(text.slice(at, at + 1))) at += 1;
  return {before: text.slice(0, at), line: text.slice(at)};
}

/** The rows that the end of a text takes in the window; put together they are that end. */
function lastRows(text: string, width: number, max: number): string[] {
  const end = text.slice(-width * max);
  return rowsOf(end, width).slice(-max);
}

function rowsOf(text: string, width: number): string[] {
  const rows: string[] = [];
  let room = 0;
  for (const character of text) {
    const last = rows.length - 1;
    const size = character === '\n' ? 0 : cells(character);
    if (last < 0 || room < size || rows[last]!.endsWith('\n')) {
      rows.push(character);
      room = width - size;
    } else {
      rows[last] += character;
      room -= size;
    }
  }
  return rows;
}

/** Columns that a text takes at the most: characters of Asian scripts and emoji take two. */
function cells(text: string): number {
  let count = 0;
  for (const character of text) count += character.codePointAt(0)! < 0x1100 ? 1 : 2;
  return count;
}

/** The message below its question once it is written: no more of it than the window holds. */
function answer(text: string, width: number, rows: number): string {
  if (!text.includes('\n') && text.length <= width) return visible(text);
  const beginning = rowsOf(text.slice(0, width * rows), width).slice(0, Math.max(1, rows - OTHER_ROWS));
  const hidden = text.length - beginning.join('').length;
  const shown = beginning.map((row) => visible(row.replace('\n', '')));
  return ['', ...shown, ...(hidden > 0 ? [`… ${hidden} characters more`] : [])].join('\n');
}

const UNSAFE = new RegExp(CONTROLS.terminal.source, 'g');

/** A text of the same length that does nothing to a terminal. */
function visible(text: string): string {
  return text.replace(UNSAFE, '·');
}
