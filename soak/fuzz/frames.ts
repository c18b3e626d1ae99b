import fc from 'fast-check';
import {encodeRequest, encodeResponse} from '../../src/lib/protocol/codec.ts';
import type {Dialect} from '../../src/lib/protocol/message.ts';

/** Frames drawn at once. */
const BATCH = 500;

const dialect = fc.constantFrom<Dialect>('binary', 'json');
const text = fc.oneof(
  fc.string({unit: 'grapheme', maxLength: 12}),
  fc.constantFrom('', ' ', 'all', 'user', 'dave', '\0', '\n', 'x'.repeat(257), '{"action":"msg","args":[]}'),
);
/** None that looks up a name or switches a control off. */
const action = fc.oneof(
  {weight: 4, arbitrary: fc.constantFrom('msg', 'who', 'help', 'lsctrl', 'receipt', 'bogus')},
  {weight: 1, arbitrary: fc.string({maxLength: 3})},
);
const words = fc.array(text, {maxLength: 5});
const request = fc
  .tuple(dialect, fc.record({action, args: words}))
  .map(([spoken, message]) => encodeRequest(spoken, message));
const response = fc
  .tuple(dialect, fc.record({status: fc.integer({min: -9, max: 1}), responses: words}))
  .map(([spoken, message]) => encodeResponse(spoken, message));

/** What an unlucky or hostile peer makes of a frame. */
type Damage = (frame: Buffer) => Buffer;

const at = fc.nat({max: 200});
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(at, fc.nat({max: 255})).map(
    ([place, byte]): Damage =>
      (frame) => {
        const copy = Buffer.from(frame);
        if (copy.length > 0) copy[place % copy.length] = byte;
        return copy;
      },
  ),
  fc.tuple(fc.nat({max: 3}), fc.constantFrom(0, 1, 27, 32, 33, 256, 1024, 65_536, 2 ** 31, 2 ** 32 - 1)).map(
    ([word, value]): Damage =>
      (frame) => {
        const copy = Buffer.from(frame);
        if (copy.length >= word * 4 + 4) copy.writeUInt32LE(value, word * 4);
        return copy;
      },
  ),
  at.map(
    (place): Damage =>
      (frame) =>
        frame.subarray(0, place % (frame.length + 1)),
  ),
  fc.tuple(at, fc.uint8Array({maxLength: 6})).map(
    ([place, more]): Damage =>
      (frame) =>
        Buffer.concat([frame.subarray(0, place), more, frame.subarray(place)]),
  ),
  fc.constant<Damage>((frame) => Buffer.concat([frame, frame])),
);

const garbage = fc.uint8Array({maxLength: 80}).map((bytes) => Buffer.from(bytes));

function damaged(whole: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const broken = fc
    .tuple(whole, fc.array(damage, {minLength: 1, maxLength: 3}))
    .map(([frame, damages]) => damages.reduce((bytes, harm) => harm(bytes), frame));
  return fc.oneof(
    {weight: 3, arbitrary: whole},
    {weight: 6, arbitrary: broken},
    {weight: 1, arbitrary: garbage},
  );
}

/** Frames of both dialects without end, whole and damaged: the same for the same seed. */
export function* framesOf(kind: 'request' | 'response', seed: number): Generator<Buffer> {
  const frames = damaged(kind === 'request' ? request : response);
  for (let batch = 0; ; batch++) yield* fc.sample(frames, {seed: seed + batch, numRuns: BATCH});
}

/** The frame in two pieces, cut at this place. */
export function cut(frame: Buffer, place: number): [Buffer, Buffer] {
  return [frame.subarray(0, place), frame.subarray(place)];
}
