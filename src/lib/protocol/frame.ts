import {FtpdctlError} from '../errors.ts';

/** A reader of one frame: yields how many bytes it needs next, is handed exactly those, returns the frame. */
export type FrameReader<T> = Generator<number, T, Buffer>;

/** Read one native 32-bit integer, signed. All supported platforms are little-endian. */
export function* readInt32(): FrameReader<number> {
  return (yield 4).readInt32LE();
}

/** Read a length-prefixed string of at most `limit` bytes; the limit is checked before the bytes are awaited. */
export function* readString(limit: number, what: string): FrameReader<string> {
  const length = (yield 4).readUInt32LE();
  if (length > limit) {
    throw new ProtocolError('PROTOCOL_TOO_LONG', `${what} of ${length} bytes, the limit is ${limit}`);
  }
  return (yield length).toString('utf8');
}

type State<T> =
  | {kind: 'reading'; reader: FrameReader<T>; chunks: Buffer[]; held: number; needed: number}
  | {kind: 'done'; frame: T; rest: Buffer};

/** Feeds a `FrameReader` from chunks of any size. Owns no socket and keeps what follows the frame in `rest`. */
export class FrameDecoder<T> {
  #state: State<T>;

  constructor(reader: FrameReader<T>) {
    const state = {kind: 'reading' as const, reader, chunks: [], held: 0, needed: 0};
    this.#state = state;
    // The first step hands a generator nothing: it runs up to its first wish.
    this.#advance(state);
  }

  #received = 0;

  /** Bytes taken so far. */
  get received(): number {
    return this.#received;
  }

  /** The bytes that follow the frame; empty until it is whole. */
  get rest(): Buffer {
    return this.#state.kind === 'done' ? this.#state.rest : Buffer.alloc(0);
  }

  /**
   * Take the next bytes. Returns the frame once it is whole, `undefined` before.
   * @throws ProtocolError when the bytes cannot become a frame.
   */
  push(chunk: Buffer): T | undefined {
    this.#received += chunk.length;
    if (this.#state.kind === 'done') return this.#state.frame;
    this.#state.chunks.push(chunk);
    this.#state.held += chunk.length;
    return this.#advance(this.#state);
  }

  /**
   * The peer has closed.
   * @throws ProtocolError `PROTOCOL_TRUNCATED` unless the frame is whole.
   */
  end(): T {
    if (this.#state.kind === 'done') return this.#state.frame;
    throw new ProtocolError('PROTOCOL_TRUNCATED', 'the connection closed in the middle of a frame');
  }

  #advance(state: Extract<State<T>, {kind: 'reading'}>): T | undefined {
    while (state.held >= state.needed) {
      const bytes = state.chunks.length === 1 ? state.chunks[0]! : Buffer.concat(state.chunks, state.held);
      const rest = bytes.subarray(state.needed);
      const step = state.reader.next(bytes.subarray(0, state.needed));
      if (step.done) {
        this.#state = {kind: 'done', frame: step.value, rest};
        return step.value;
      }
      state.chunks = rest.length > 0 ? [rest] : [];
      state.held = rest.length;
      state.needed = step.value;
    }
    return undefined;
  }
}

export type ProtocolErrorCode =
  /** The peer closed before the frame was whole. */
  | 'PROTOCOL_TRUNCATED'
  /** A length or a count is over the limit. */
  | 'PROTOCOL_TOO_LONG'
  /** The bytes are no frame of either dialect. */
  | 'PROTOCOL_MALFORMED';

/** The peer's bytes are not a well-formed frame. */
export class ProtocolError extends FtpdctlError {
  override readonly name = 'ProtocolError';

  constructor(
    override readonly code: ProtocolErrorCode,
    message: string,
    options: {cause?: unknown} = {},
  ) {
    super(code, message, 1, options);
  }
}
