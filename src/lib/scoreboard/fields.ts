import type {Layout, NumberField, TextField} from './layout.ts';

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
