/**
 * Characters that are never passed on as they are, by what they could do. None has the flag `g`: `test` and `exec` keep
 * no place in a text.
 */
export const CONTROLS = {
  /** C0 and DEL: what no word of a configuration has. */
  ascii: /[\u0000-\u001f\u007f]/,
  /** With C1: what can end a line of an FTP reply early, or drive a terminal. */
  reply: /[\u0000-\u001f\u007f-\u009f]/,
  /** Those but TAB and CR, which names of files hold now and then, and with which a client must be able to send them back. */
  name: /[\u0000-\u0008\u000a-\u000c\u000e-\u001f\u007f-\u009f]/,
  /** With the line and paragraph separators: what can break up a line of a log, or of a message. */
  line: /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/,
  /** With the characters that reorder what a terminal shows. */
  terminal: /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/,
} as const satisfies Record<string, RegExp>;

export type ControlSet = (typeof CONTROLS)[keyof typeof CONTROLS];

/** A text with the characters of a set spelled out: `\x1b` for an escape, `\u202e` for an override. */
export function escapeControls(text: string, set: ControlSet): string {
  return replaceControls(text, set, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
}

/** JSON text with the characters of a set escaped as JSON has it, line feeds between its values excepted. */
export function escapeJsonControls(json: string, set: ControlSet): string {
  return replaceControls(json, set, (character) =>
    character === '\n' ? character : `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}

/** The Unicode name of a character's place: `U+001B`. */
export function codePointName(character: string): string {
  return `U+${hex(character.codePointAt(0)!, 4).toUpperCase()}`;
}

function replaceControls(text: string, set: ControlSet, spell: (character: string) => string): string {
  return set.test(text) ? text.replace(new RegExp(set, 'g'), spell) : text;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** `1 session`, `2 sessions`. @param noun English, with a plural in s */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What decoding leaves in place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/** Why a word of a client is not taken: it would break up an FTP reply or a log. `undefined`: it is. */
export function whyRefused(word: string): string | undefined {
  const control = CONTROLS.line.exec(word);
  if (control !== null) {
    return `control character ${codePointName(control[0])} at character ${[...word.slice(0, control.index)].length + 1}`;
  }
  return word.includes(REPLACEMENT) || !word.isWellFormed() ? 'not valid UTF-8' : undefined;
}

/** More slips than this and two names are simply two names; of a short word, fewer. */
const MAX_SLIPS = 2;
const SHORT = 3;

/**
 * The known name a word was probably meant to be, or `undefined`. Case does not count. At least half of it must be right,
 * and its beginning, which slips seldom spoil: `dump` is no `up`, and `man` no `ban`.
 */
export function nearMiss(word: string, known: Iterable<string>): string | undefined {
  let best: {name: string; slips: number} | undefined;
  for (const name of known) {
    const slips = slipsBetween(bare(word), bare(name));
    if (slips !== undefined && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = {name, slips};
  }
  return best?.name;
}

/** Without case and the dashes of an option, in which nobody slips. */
function bare(word: string): string {
  return word.toLowerCase().replace(/^-+/, '');
}

/** `undefined` where they are too many for one word to be meant by the other. */
function slipsBetween(a: string, b: string): number | undefined {
  const most = Math.min(MAX_SLIPS, Math.floor(Math.min(a.length, b.length) / 2));
  const slips = distance(a, b);
  const isNear = slips <= most && (beginsLike(a, b) || (slips === 1 && a.length > SHORT));
  return isNear ? slips : undefined;
}

/** The first letters are the same, or have changed places. */
function beginsLike(a: string, b: string): boolean {
  return a[0] === b[0] || (a[0] === b[1] && a[1] === b[0]);
}

/** Damerau's distance (optimal string alignment): letters put in, left out, exchanged, or two that changed places. */
function distance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, column) => column);
  let before = row;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : exchanged;
      next.push(Math.min(exchanged, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
