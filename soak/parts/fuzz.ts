import type {Bounds, Stage} from '../fuzz/bounds.ts';
import {fuzzClient} from '../fuzz/client.ts';
import {fuzzDecoder} from '../fuzz/decoder.ts';
import {fuzzServer} from '../fuzz/server.ts';

/** Frames of both dialects, whole and damaged, in pieces: through the decoder, to a live server, to the client. */
export async function run({
  seconds,
  seed,
  frames = 50_000,
}: {
  seconds: number;
  seed: number;
  frames?: number;
}): Promise<{ok: boolean; summary: string}> {
  const stages: [(bounds: Bounds) => Stage | Promise<Stage>, number][] = [
    [fuzzDecoder, 0.35],
    [fuzzServer, 0.4],
    [fuzzClient, 0.25],
  ];
  const done: Stage[] = [];
  for (const [stage, share] of stages) {
    done.push(await stage({frames, milliseconds: share * seconds * 1000, seed}));
    const {fault} = done.at(-1)!;
    if (fault !== undefined) return {ok: false, summary: fault};
  }
  return {ok: done.every((stage) => stage.frames > 0), summary: done.map(({counted}) => counted).join('; ')};
}
