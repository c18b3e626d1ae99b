import {CONTROLS, codePointName} from '../text.ts';

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
