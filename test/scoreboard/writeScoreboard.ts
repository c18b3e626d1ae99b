import type {Layout, NumberField, TextField} from '../../src/lib/scoreboard/layout.ts';

/** A slot's fields by the names of the layout; what is not given is 0 or empty. */
export type SlotContent = Partial<Record<keyof Layout['slot'], number | string>>;

export interface ScoreboardContent {
  readonly pid: number;
  /** Seconds. */
  readonly startedAt: number;
  /** `null` for a free slot. */
  readonly slots: readonly (SlotContent | null)[];
}

/** A scoreboard as a build of ProFTPD with this layout would write it. */
export function writeScoreboard(layout: Layout, {pid, startedAt, slots}: ScoreboardContent): Buffer {
  const {abi, headerBytes, slotBytes} = layout;
  const bytes = Buffer.alloc(headerBytes + slots.length * slotBytes);
  const put = (start: number, field: NumberField | TextField, value: number | string) => {
    const at = start + field.offset;
    if (field.kind === 'text') bytes.write(String(value), at, field.bytes - 1);
    else writeInteger(bytes, abi.byteOrder, at, field.bytes, Number(value));
  };
  writeInteger(bytes, abi.byteOrder, 0, abi.long, 0xdeadbeef);
  writeInteger(bytes, abi.byteOrder, abi.long, abi.long, 0x01040003);
  put(0, layout.header.pid, pid);
  put(0, layout.header.startedAt, startedAt);
  for (const [index, slot] of slots.entries()) {
    for (const [name, value] of Object.entries(slot ?? {})) {
      put(headerBytes + index * slotBytes, layout.slot[name as keyof Layout['slot']], value);
    }
  }
  return bytes;
}

function writeInteger(bytes: Buffer, order: 'LE' | 'BE', at: number, width: 4 | 8, value: number): void {
  const number = BigInt.asUintN(width * 8, BigInt(value));
  if (width === 4) bytes[`writeUInt32${order}`](Number(number), at);
  else bytes[`writeBigUInt64${order}`](number, at);
}
