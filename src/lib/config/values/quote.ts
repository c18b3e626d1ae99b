import {CONTROLS, escapeControls} from '../../text/controls.ts';

const MAX_SHOWN = 80;

/** A word from a file as a message may show it: in quotes, on one line, not longer than a line. */
export function quoted(word: string): string {
  const shown = word.length > MAX_SHOWN ? `${word.slice(0, MAX_SHOWN)}…` : word;
  return `'${escapeControls(shown, CONTROLS.ascii)}'`;
}
