import {CONTROLS, escapeControls, escapeJsonControls} from '../../text/controls.ts';

/** A text that does nothing to a terminal but stand there: `\x1b` for an escape, `\u202e` for an override. */
export function printable(text: string): string {
  return escapeControls(text, CONTROLS.terminal);
}

/** JSON text that does nothing to a terminal: JSON itself escapes C0 alone. */
export function printableJson(json: string): string {
  return escapeJsonControls(json, CONTROLS.terminal);
}
