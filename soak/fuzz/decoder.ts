import {requestDecoder, responseDecoder} from '../../src/lib/protocol/codec.ts';
import {type FrameDecoder, ProtocolError} from '../../src/lib/protocol/frame.ts';
import {type Bounds, deadline, type Stage} from './bounds.ts';
import {cut, framesOf} from './frames.ts';

const MAX_REQUEST_BYTES = 1024;

/** What a decoder makes of pieces, as text: a frame and what follows it, or the code of its error. */
export function outcomeOf(decoder: FrameDecoder<unknown>, pieces: readonly Buffer[]): string {
  try {
    for (const [i, piece] of pieces.entries()) {
      if (decoder.push(piece) === undefined) continue;
      const rest = Buffer.concat([decoder.rest, ...pieces.slice(i + 1)]);
      return JSON.stringify([decoder.end(), rest.toString('hex')]);
    }
    return JSON.stringify(decoder.end());
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

/** Every frame, cut in two at every byte and into single bytes, must come to what it comes to in one piece. */
export function fuzzDecoder(bounds: Bounds): Stage {
  const isOver = deadline(bounds);
  const sources = (['request', 'response'] as const).map((kind) => ({
    frames: framesOf(kind, bounds.seed),
    decoder: kind === 'request' ? () => requestDecoder(MAX_REQUEST_BYTES) : responseDecoder,
  }));
  let [frames, splits, whole] = [0, 0, 0];
  while (frames < bounds.frames && !isOver()) {
    const {frames: source, decoder} = sources[frames % sources.length]!;
    const frame = source.next().value as Buffer;
    const expected = outcomeOf(decoder(), [frame]);
    if (expected.startsWith('[')) whole++;
    const ways: Buffer[][] = [[...frame].map((byte) => Buffer.from([byte]))];
    for (let place = 0; place <= frame.length; place++) ways.push(cut(frame, place));
    const odd = ways.find((pieces) => outcomeOf(decoder(), pieces) !== expected);
    splits += ways.length;
    frames++;
    if (odd) {
      const pieces = odd.map((piece) => piece.toString('hex')).join(' ');
      return {frames, counted: '', fault: `decoder: ${pieces} is not ${expected}`};
    }
  }
  return {
    frames,
    counted: `${frames} frames decoded in ${splits} ways, ${whole} of them whole`,
    fault: undefined,
  };
}
