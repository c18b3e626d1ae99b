import {FtpdctlError} from '../errors.ts';

/** Bytes of the fields that hold text, `bufferBytes` apart (`PR_TUNABLE_SCOREBOARD_BUFFER_SIZE`). */
const NAME_BYTES = 32;
const SERVER_ADDRESS_BYTES = 80;
const COMMAND_BYTES = 65;

/** `--enable-scoreboard-buffer-size` where nothing else was asked for. */
export const DEFAULT_BUFFER_BYTES = 80;

/**
 * What differs between the compilers that ProFTPD was built with. The fields and their order are the same in every
 * version since 1.3.3rc2 (file version 0x01040003).
 */
export interface Abi {
  readonly name: string;
  readonly byteOrder: 'LE' | 'BE';
  /** Bytes of a C `long`. */
  readonly long: 4 | 8;
  /** Bytes of a `time_t`. */
  readonly time: 4 | 8;
  /** What an 8-byte integer is aligned to. */
  readonly alignment: 4 | 8;
  /** Bytes of a client's address as text: `INET6_ADDRSTRLEN`, or `INET_ADDRSTRLEN` in a build without IPv6. */
  readonly address: 46 | 16;
}

interface TextField {
  readonly kind: 'text';
  readonly offset: number;
  readonly bytes: number;
}

interface NumberField {
  readonly kind: 'number';
  readonly offset: number;
  readonly bytes: 4 | 8;
}

/** Where everything is, in bytes from the start of the header and from the start of a slot. */
export interface Layout {
  readonly abi: Abi;
  readonly bufferBytes: number;
  readonly headerBytes: number;
  readonly slotBytes: number;
  readonly header: {readonly pid: NumberField; readonly startedAt: NumberField};
  readonly slot: {
    readonly pid: NumberField;
    readonly user: TextField;
    readonly serverPort: NumberField;
    readonly serverAddress: TextField;
    readonly serverLabel: TextField;
    readonly clientAddress: TextField;
    readonly clientName: TextField;
    readonly class: TextField;
    readonly protocol: TextField;
    readonly cwd: TextField;
    readonly command: TextField;
    readonly commandArgs: TextField;
    readonly beginIdle: NumberField;
    readonly beginSession: NumberField;
    readonly transferSize: NumberField;
    readonly transferDone: NumberField;
    readonly transferLength: NumberField;
    readonly transferElapsed: NumberField;
  };
}

export type {NumberField, TextField};

/** Lays out a C structure: each member at the next multiple of its alignment, the whole a multiple of the largest. */
class Structure {
  #end = 0;
  #alignment = 1;

  constructor(readonly abi: Abi) {}

  text(bytes: number): TextField {
    const offset = this.#end;
    this.#end += bytes;
    return {kind: 'text', offset, bytes};
  }

  number(bytes: 4 | 8): NumberField {
    const alignment = Math.min(bytes, this.abi.alignment);
    const offset = roundUp(this.#end, alignment);
    this.#alignment = Math.max(this.#alignment, alignment);
    this.#end = offset + bytes;
    return {kind: 'number', offset, bytes};
  }

  get bytes(): number {
    return roundUp(this.#end, this.#alignment);
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** The layout of a build. `off_t` has 8 bytes in all of them: ProFTPD asks for large files. */
export function layoutOf(abi: Abi, bufferBytes: number = DEFAULT_BUFFER_BYTES): Layout {
  const header = new Structure(abi);
  header.number(abi.long); // sch_magic
  header.number(abi.long); // sch_version
  const headerFields = {pid: header.number(4), startedAt: header.number(abi.time)};

  const slot = new Structure(abi);
  const pid = slot.number(4);
  slot.number(4); // sce_uid: the daemon's, never the FTP user's
  slot.number(4); // sce_gid
  const slotFields = {
    pid,
    user: slot.text(NAME_BYTES),
    serverPort: slot.number(4),
    serverAddress: slot.text(SERVER_ADDRESS_BYTES),
    serverLabel: slot.text(NAME_BYTES),
    clientAddress: slot.text(abi.address),
    clientName: slot.text(bufferBytes),
    class: slot.text(NAME_BYTES),
    protocol: slot.text(NAME_BYTES),
    cwd: slot.text(bufferBytes),
    command: slot.text(COMMAND_BYTES),
    commandArgs: slot.text(bufferBytes),
    beginIdle: slot.number(abi.time),
    beginSession: slot.number(abi.time),
    transferSize: slot.number(8),
    transferDone: slot.number(8),
    transferLength: slot.number(8),
    transferElapsed: slot.number(abi.long),
  };
  return {
    abi,
    bufferBytes,
    headerBytes: header.bytes,
    slotBytes: slot.bytes,
    header: headerFields,
    slot: slotFields,
  };
}

/** The builds there are, most common first; bytes of header and slot (with and without IPv6) are in the tests. */
const BUILDS: readonly Omit<Abi, 'byteOrder' | 'address'>[] = [
  {name: '64-bit', long: 8, time: 8, alignment: 8},
  {name: 'i386', long: 4, time: 4, alignment: 4},
  {name: '32-bit', long: 4, time: 4, alignment: 8},
  {name: '32-bit with 64-bit time_t', long: 4, time: 8, alignment: 8},
  // musl's i386
  {name: 'i386 with 64-bit time_t', long: 4, time: 8, alignment: 4},
];

/** The builds whose header could begin like this one. */
export function abisOf(byteOrder: Abi['byteOrder'], long: Abi['long']): Abi[] {
  return BUILDS.filter((build) => build.long === long).flatMap((build): Abi[] => [
    {...build, byteOrder, address: 46},
    {...build, name: `${build.name} without IPv6`, byteOrder, address: 16},
  ]);
}

/** Reads the fields of one layout; `start` is where the structure begins. Nothing is copied but the text asked for. */
export interface Fields {
  readonly number: (start: number, field: NumberField) => number;
  readonly text: (start: number, field: TextField) => string;
}

/** Readers for the fields of `bytes`. 8-byte integers above 2^53 come out rounded, which no check lets through. */
export function fieldsOf(bytes: Buffer, {abi}: Layout): Fields {
  const isLittle = abi.byteOrder === 'LE';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    number(start, {offset, bytes: width}) {
      const at = start + offset;
      if (width === 4) return view.getInt32(at, isLittle);
      const low = view.getUint32(isLittle ? at : at + 4, isLittle);
      const high = view.getInt32(isLittle ? at + 4 : at, isLittle);
      return high === 0 ? low : high * 2 ** 32 + low;
    },
    text: (start, field) => textAt(bytes, start + field.offset, field.bytes),
  };
}

/** Text up to its NUL, or all of the field. Most is ASCII, which needs no decoder. */
function textAt(bytes: Buffer, start: number, length: number): string {
  const limit = start + length;
  let end = start;
  let isAscii = true;
  for (let byte = bytes[end]!; byte !== 0 && end < limit; byte = bytes[++end]!) isAscii &&= byte < 0x80;
  if (end === start) return '';
  return bytes.toString(isAscii ? 'latin1' : 'utf8', start, end);
}

export type ScoreboardErrorCode =
  /** Too short, or another kind of file. */
  | 'SCOREBOARD_NOT_ONE'
  /** A scoreboard of another version of the format. */
  | 'SCOREBOARD_VERSION'
  /** A scoreboard whose slots have no layout known here. */
  | 'SCOREBOARD_LAYOUT'
  /** Larger than is read. */
  | 'SCOREBOARD_TOO_LARGE';

/** Bytes that cannot be read as a scoreboard. Exit status 1. */
export class ScoreboardError extends FtpdctlError {
  override readonly name = 'ScoreboardError';

  constructor(
    override readonly code: ScoreboardErrorCode,
    message: string,
    options: {cause?: unknown; hint?: string} = {},
  ) {
    super(code, message, 1, options);
  }
}
