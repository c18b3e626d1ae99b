import {expect, test} from 'vitest';
import {run} from '../../soak/parts/chaos.ts';

/** The soak's chaos, short: `npm run soak -- chaos` is the long one. */
test('among kills no wait is false, and no delivery is lost without a line in the log', {
  timeout: 60_000,
}, async () => {
  const short = {messages: 400, sessions: 40, mocks: 2, blowEachMs: 250, waitEach: 10, waitMs: 3000};
  const {ok, summary} = await run({seconds: 4, seed: 1, ...short});
  expect(summary).toMatch(/^[1-9]\d* messages, [1-9]\d* kills/);
  expect(ok, summary).toBe(true);
});
