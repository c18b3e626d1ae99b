import type {Session} from '../../daemon/daemon.ts';
import {printable} from './output.ts';

interface Column {
  readonly name: string;
  /** `null` where nothing is known; a column of which nothing is known is left out. */
  readonly cell: (session: SessionRow) => string | null;
}

const COLUMNS: readonly Column[] = [
  {name: 'ID', cell: ({id}) => id},
  {name: 'USER', cell: ({user}) => user ?? '(none)'},
  {name: 'HOST', cell: ({host}) => host},
  {name: 'CLASS', cell: (session) => session.class ?? '-'},
  {name: 'SERVER', cell: ({server}) => server},
  {name: 'PROTOCOL', cell: ({protocol, source}) => (source === 'serve' ? null : (protocol ?? '-'))},
  {name: 'COMMAND', cell: ({command, source}) => command ?? (source === 'serve' ? null : 'idle')},
  {name: 'IDLE', cell: ({idle}) => `${Math.round(idle)} s`},
  {name: 'TRANSFER', cell: ({transfer}) => (transfer === null ? null : transferCell(transfer))},
  {
    name: 'WAITING',
    cell: ({engine, waiting}) =>
      engine === false ? 'engine off' : waiting === null ? null : String(waiting),
  },
];

/** A session, and the machine that it is on where there are several. */
export type SessionRow = Session & {readonly machine?: string};

/** Of several machines: their own names come first, so the client's has another heading. */
const COLUMNS_OF_MACHINES: readonly Column[] = [
  {name: 'HOST', cell: ({machine}) => machine ?? null},
  ...COLUMNS.map((column) => (column.name === 'HOST' ? {...column, name: 'CLIENT'} : column)),
];

/**
 * The sessions as a table, or a line that says that there are none.
 * @param width columns of the terminal; that of standard output without it
 */
export function sessionTable(sessions: readonly SessionRow[], width?: number): string {
  if (sessions.length === 0) return 'no sessions\n';
  const all = sessions[0]!.machine === undefined ? COLUMNS : COLUMNS_OF_MACHINES;
  const columns = all.filter(({cell}) => sessions.some((session) => cell(session) !== null));
  return table(
    columns.map(({name}) => name),
    sessions.map((session) => columns.map(({cell}) => cell(session) ?? '-')),
    width,
  );
}

/** `download 1.5 MB of 3.0 MB, 512.0 kB/s` */
function transferCell({direction, bytes, size, rate}: NonNullable<Session['transfer']>): string {
  const whole = size === null ? '' : ` of ${byteCount(size)}`;
  const speed = rate === null ? '' : `, ${byteCount(rate)}/s`;
  return `${direction} ${byteCount(bytes)}${whole}${speed}`;
}

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** `999 B`, `1.5 MB`: decimal units, as network rates are told. */
function byteCount(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes / 1000;
  let unit = 0;
  // What would be rounded to 1000.0 is one of the next unit.
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

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
  const widths = header.map(() => 0);
  // Plain loops over thousands of rows: what is not allocated need not be collected.
  const cells = [header, ...rows].map((row) => {
    const shown = row.map(printable);
    for (let column = 0; column < shown.length; column += 1) {
      widths[column] = Math.max(widths[column]!, shown[column]!.length);
    }
    return shown;
  });
  const lines = cells.map((row) => rowLine(row, widths));
  if (lines.every(({length}) => length <= width)) return `${lines.join('\n')}\n`;
  const [names, ...records] = cells;
  return records.map((cells) => record(names!, cells)).join('\n');
}

function rowLine(cells: readonly string[], widths: readonly number[]): string {
  let line = '';
  for (let column = 0; column < cells.length; column += 1) {
    const cell = cells[column]!;
    line += column === cells.length - 1 ? cell : `${cell.padEnd(widths[column]!)}  `;
  }
  return line.trimEnd();
}

function record(names: readonly string[], cells: readonly string[]): string {
  const width = Math.max(...names.map(({length}) => length));
  return cells.map((cell, index) => `${names[index]!.padEnd(width)}  ${cell}\n`).join('');
}
