import {printable} from './printable.ts';

/**
 * Rows of text in columns as wide as their widest cell, two spaces apart; none is cut. Where a line does not fit, a cell
 * has a line of its own.
 * @param width of the terminal; not that of a pipe, whose reader counts on columns
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width = process.stdout.columns || Number.POSITIVE_INFINITY,
): string {
  const cells = [header, ...rows].map((row) => row.map(printable));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  if (lines.every(({length}) => length <= width)) return lines.map((line) => `${line}\n`).join('');
  const [names, ...records] = cells;
  return records.map((cells) => record(names!, cells)).join('\n');
}

function record(names: readonly string[], cells: readonly string[]): string {
  const width = Math.max(...names.map(({length}) => length));
  return cells.map((cell, index) => `${names[index]!.padEnd(width)}  ${cell}\n`).join('');
}
