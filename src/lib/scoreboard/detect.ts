import {
  type Abi,
  abisOf,
  DEFAULT_BUFFER_BYTES,
  type Fields,
  fieldsOf,
  type Layout,
  layoutOf,
  ScoreboardError,
  type TextField,
} from './layout.ts';

const MAGIC = 0xdeadbeef;
/** The format of 1.3.3rc2 and everything since. */
const VERSION = 0x01040003;

/** Bytes that hold the header of every build. */
export const HEAD_BYTES = 32;

/** Of i386; it holds the longest magic and version, too. */
const MIN_HEADER_BYTES = 16;

/** One session before its login: server, label, client's address and name, protocol, and the name `(none)`. */
const EVIDENT_SCORE = 6;

/** Slots looked at to judge a layout; the first ones that are taken. */
const SAMPLE_SLOTS = 8;
/** Free slots passed over while looking for them. */
const MAX_SLOTS_SEARCHED = 4096;
/** The largest `--enable-scoreboard-buffer-size` tried; the smallest is one byte and its NUL. */
const MAX_BUFFER_BYTES = 4096;
const MIN_BUFFER_BYTES = 2;

/** The largest process id of any kernel (Linux: `PID_MAX_LIMIT`). */
const MAX_PID = 2 ** 22;
/** Seconds: ProFTPD knows this format since 2010. The other end is the year 2286. */
const EARLIEST = 1_000_000_000;
const LATEST = 9_999_999_999;

/** How well a layout fits. */
interface Fit {
  readonly layout: Layout;
  /** Text found where it should be, less three times what made no sense; 0 where no slot was taken. */
  readonly score: number;
  readonly failed: number;
  /** No part of a slot is left at the end of the file. */
  readonly isWhole: boolean;
}

/**
 * The layout of a scoreboard, from the file itself: the magic gives byte order and word size, the rest is what fits
 * the slots best.
 *
 * @throws ScoreboardError
 */
export function detectLayout(bytes: Buffer): Layout {
  const {byteOrder, long} = readMagic(bytes);
  const abis = abisOf(byteOrder, long).filter((abi) => hasPlausibleHeader(bytes, layoutOf(abi)));
  const usual = abis.map((abi) => judge(bytes, layoutOf(abi)));
  const best = bestOf(usual);
  if (best === undefined) {
    throw new ScoreboardError('SCOREBOARD_NOT_ONE', 'the header of the scoreboard makes no sense');
  }
  const isEvident = best.failed === 0 && best.score >= EVIDENT_SCORE;
  if (isEvident || isZero(bytes.subarray(best.layout.headerBytes))) return best.layout;
  const odd = bestOf(abis.flatMap((abi) => [...unusual(bytes, abi)]));
  const chosen = odd !== undefined && odd.score > best.score ? odd : best;
  if (chosen.score < 0) {
    throw new ScoreboardError(
      'SCOREBOARD_LAYOUT',
      'the slots of the scoreboard have a layout that is not known',
      {
        hint: 'use ftpwho of the same build of ProFTPD',
      },
    );
  }
  return chosen.layout;
}

/**
 * The process of the daemon, from the first bytes of its scoreboard.
 *
 * @param head `MIN_HEADER_BYTES` or more, `HEAD_BYTES` hold every header
 * @throws ScoreboardError
 */
export function readDaemonPid(head: Buffer): number {
  const {byteOrder, long} = readMagic(head);
  const at = 2 * long;
  if (head.length < at + 4) throw new ScoreboardError('SCOREBOARD_NOT_ONE', 'the scoreboard is cut off');
  return byteOrder === 'LE' ? head.readInt32LE(at) : head.readInt32BE(at);
}

/** @throws ScoreboardError */
function readMagic(bytes: Buffer): Pick<Abi, 'byteOrder' | 'long'> {
  const found =
    bytes.length < MIN_HEADER_BYTES ? undefined : MAGICS.find(({read}) => read(bytes, 0) === MAGIC);
  if (found === undefined) {
    throw new ScoreboardError(
      'SCOREBOARD_NOT_ONE',
      'not a scoreboard: it does not begin with the magic number',
    );
  }
  const version = found.read(bytes, found.long);
  if (version !== VERSION) {
    throw new ScoreboardError(
      'SCOREBOARD_VERSION',
      `a scoreboard of version 0x${version.toString(16).padStart(8, '0')}, expected 0x0${VERSION.toString(16)}`,
      {hint: 'ProFTPD writes this version since 1.3.3'},
    );
  }
  return found;
}

/** Read as an integer of the word's size. The wide ones come first: a narrow magic may be the low half of a wide one. */
const MAGICS: readonly (Pick<Abi, 'byteOrder' | 'long'> & {read: (bytes: Buffer, at: number) => number})[] = [
  {
    byteOrder: 'LE',
    long: 8,
    read: (bytes, at) => bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32,
  },
  {
    byteOrder: 'BE',
    long: 8,
    read: (bytes, at) => bytes.readUInt32BE(at + 4) + bytes.readUInt32BE(at) * 2 ** 32,
  },
  {byteOrder: 'LE', long: 4, read: (bytes, at) => bytes.readUInt32LE(at)},
  {byteOrder: 'BE', long: 4, read: (bytes, at) => bytes.readUInt32BE(at)},
];

/** Process and start are known, or neither is: a ProFTPD started by inetd leaves both 0. */
function hasPlausibleHeader(bytes: Buffer, layout: Layout): boolean {
  if (bytes.length < layout.headerBytes) return false;
  const {number} = fieldsOf(bytes, layout);
  const pid = number(0, layout.header.pid);
  const startedAt = number(0, layout.header.startedAt);
  if (pid === 0) return startedAt === 0;
  // In a container the daemon may well be process 1.
  return (pid === 1 || isPid(pid)) && startedAt !== 0 && isTime(startedAt);
}

/** As fast as the memory is read. */
function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));
}

function* unusual(bytes: Buffer, abi: Abi): Generator<Fit> {
  for (let bufferBytes = MIN_BUFFER_BYTES; bufferBytes <= MAX_BUFFER_BYTES; bufferBytes++) {
    if (bufferBytes === DEFAULT_BUFFER_BYTES) continue;
    const layout = layoutOf(abi, bufferBytes);
    if (layout.headerBytes + layout.slotBytes > bytes.length) return;
    yield judge(bytes, layout);
  }
}

function bestOf(fits: readonly Fit[]): Fit | undefined {
  return fits.reduce<Fit | undefined>(
    (best, each) => (best === undefined || isBetter(each, best) ? each : best),
    undefined,
  );
}

/** The earlier one stays where they are equal. */
function isBetter(one: Fit, other: Fit): boolean {
  return one.score === other.score ? one.isWhole && !other.isWhole : one.score > other.score;
}

function judge(bytes: Buffer, layout: Layout): Fit {
  const {headerBytes, slotBytes} = layout;
  const fields = fieldsOf(bytes, layout);
  const slots = Math.min(Math.floor((bytes.length - headerBytes) / slotBytes), MAX_SLOTS_SEARCHED);
  let [score, failed, sampled] = [0, 0, 0];
  for (let i = 0; i < slots && sampled < SAMPLE_SLOTS; i++) {
    const start = headerBytes + i * slotBytes;
    if (fields.number(start, layout.slot.pid) === 0) continue;
    sampled++;
    const failures = checksOf(bytes, start, layout, fields).filter((isRight) => !isRight).length;
    failed += failures;
    // Empty fields fit anywhere, and are no evidence.
    score +=
      failures > 0
        ? -3 * failures
        : 1 + textFields(layout).filter(({offset}) => bytes[start + offset] !== 0).length;
  }
  const isWhole = (bytes.length - headerBytes) % slotBytes === 0;
  return {layout, score, failed, isWhole};
}

/** What each field of a taken slot must be. The text fields alone tell one buffer size from its neighbours. */
function checksOf(bytes: Buffer, start: number, layout: Layout, fields: Fields): boolean[] {
  const {slot} = layout;
  const port = fields.number(start, slot.serverPort);
  const address = fields.text(start, slot.serverAddress);
  return [
    isSound(start, layout, fields),
    address === '' || address.endsWith(`:${port}`),
    /^[0-9a-fA-F:.]*(%.*)?$/.test(fields.text(start, slot.clientAddress)),
    /^[\x21-\x7e]*$/.test(fields.text(start, slot.protocol)),
    ...textFields(layout).map((field) => isPadded(bytes, start, field)),
  ];
}

function textFields({slot}: Layout): TextField[] {
  return Object.values(slot).filter((field): field is TextField => field.kind === 'text');
}

/** Nothing but NUL after the first one, which is there: ProFTPD clears a field before it writes it (measured). */
function isPadded(bytes: Buffer, start: number, {offset, bytes: length}: TextField): boolean {
  const field = bytes.subarray(start + offset, start + offset + length);
  const nul = field.indexOf(0);
  return nul !== -1 && field.subarray(nul).every((byte) => byte === 0);
}

/**
 * Whether the numbers of a taken slot can be true. They are not when it was read while it was written, or was written
 * by something else.
 */
export function isSound(start: number, {slot}: Layout, {number}: Fields): boolean {
  const port = number(start, slot.serverPort);
  return (
    isPid(number(start, slot.pid)) &&
    port >= 0 &&
    port <= 65535 &&
    isTime(number(start, slot.beginIdle)) &&
    isTime(number(start, slot.beginSession)) &&
    isSize(number(start, slot.transferSize)) &&
    isSize(number(start, slot.transferDone)) &&
    isSize(number(start, slot.transferLength)) &&
    isSize(number(start, slot.transferElapsed))
  );
}

/** Never 0, a free slot, nor 1, which is no session and must get no signal. */
function isPid(value: number): boolean {
  return value > 1 && value <= MAX_PID;
}

function isTime(value: number): boolean {
  return value === 0 || (value >= EARLIEST && value <= LATEST);
}

function isSize(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
