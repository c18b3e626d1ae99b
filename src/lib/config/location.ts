/** Where in the configuration something stands: file and line, as ProFTPD counts lines (from 1). */
export interface Location {
  readonly file: string;
  readonly line: number;
}

/** `FILE:LINE`, the form every message uses. */
export function formatLocation(at: Location): string {
  return `${at.file}:${at.line}`;
}
