/** Control characters: C0, DEL, C1, and the line and paragraph separators. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const CONTROLS = new RegExp(CONTROL, 'g');
/** What decoding leaves in place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/** Why a word of a client is not taken: it would break up an FTP reply or a log. `undefined`: it is. */
export function whyRefused(word: string): string | undefined {
  const control = CONTROL.exec(word);
  if (control !== null) {
    return `control character ${codePoint(control[0])} at character ${[...word.slice(0, control.index)].length + 1}`;
  }
  return word.includes(REPLACEMENT) || !word.isWellFormed() ? 'not valid UTF-8' : undefined;
}

/** A text on one line of a log: `\x0a` for a newline. */
export function escapeControls(text: string): string {
  if (!CONTROL.test(text)) return text;
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
