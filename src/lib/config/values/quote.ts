const MAX_SHOWN = 80;

/** A word from a file as a message may show it: in quotes, on one line, not longer than a line. */
export function quoted(word: string): string {
  const shown = word.length > MAX_SHOWN ? `${word.slice(0, MAX_SHOWN)}…` : word;
  return `'${shown.replace(/[\x00-\x1f\x7f]/g, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}
