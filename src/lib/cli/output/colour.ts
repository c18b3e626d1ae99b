import {Writable} from 'node:stream';
import type {WriteStream} from 'node:tty';
import type {ChalkInstance} from 'chalk';

/**
 * Whether a stream may be written to in colour: on a terminal that knows colours, or where FORCE_COLOR asks for it;
 * never where NO_COLOR is set and not empty (no-color.org).
 */
export function isColourful(
  stream: {readonly isTTY?: boolean},
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== undefined && env['TERM'] !== 'dumb';
}

/** chalk for a stream: it colours what may be coloured, in the 16 colours that every terminal has. */
export async function chalkFor(stream: {readonly isTTY?: boolean}): Promise<ChalkInstance> {
  const {Chalk} = await import('chalk');
  return new Chalk({level: isColourful(stream) ? 1 : 0});
}

/** "Select graphic rendition" (ECMA-48, 8.3.117): colours and weights. */
const RENDITION = /\x1b\[[\d;]*m/g;

/** A terminal without its colours. inquirer on Node 20 does not ask for NO_COLOR itself. */
export class ColourlessOutput extends Writable {
  readonly isTTY = true;

  constructor(private readonly terminal: WriteStream) {
    super({decodeStrings: false});
  }

  get columns(): number {
    return this.terminal.columns;
  }

  get rows(): number {
    return this.terminal.rows;
  }

  override _write(text: string, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.terminal.write(text.replace(RENDITION, ''), written);
  }
}
