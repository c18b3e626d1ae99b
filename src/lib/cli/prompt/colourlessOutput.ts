import {Writable} from 'node:stream';
import type {WriteStream} from 'node:tty';

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
