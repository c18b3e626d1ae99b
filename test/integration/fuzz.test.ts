import {expect, test} from 'vitest';
import {run} from '../../soak/parts/fuzz.ts';

// `npm run soak -- fuzz` does the same for longer.
test('frames of both dialects, whole and damaged, in pieces: decoder, server and client stay right', async () => {
  const {ok, summary} = await run({seconds: 60, seed: 1, frames: 600});
  expect(summary).toMatch(
    /^600 frames decoded in \d+ ways, \d+ of them whole; 600 sent to a server, \d+ answered; 600 lies to a client, \d+ of them whole$/,
  );
  expect(ok).toBe(true);
});
