import {chaos} from '../chaos/chaos.ts';

/** 200 sessions in 5 mock servers, and 20,000 messages among kills, ends and stops of everything. */
const LONG = {
  messages: 20_000,
  sessions: 200,
  mocks: 5,
  blowEachMs: 700,
  waitEach: 40,
  waitMs: 15_000,
};

/** @returns `ok` when no wait was false, in either way, no delivery was lost without a line, and no message was seen twice */
export async function run({
  seconds,
  seed,
  ...changes
}: {readonly seconds: number; readonly seed: number} & Partial<typeof LONG>) {
  const result = await chaos({seed, seconds, ...LONG, ...changes});
  const {falseSuccess, falseFailure, lost, unlogged, twice, waits, deliveries} = result;
  const ok =
    falseSuccess.length === 0 &&
    falseFailure === 0 &&
    lost === 0 &&
    unlogged === 0 &&
    twice === 0 &&
    waits > 0;
  const summary = [
    `${result.messages} messages, ${result.kills} kills, ${result.stops} stops`,
    `${waits} waits: ${falseSuccess.length} false successes, ${falseFailure} false failures, ` +
      `${result.undecided} ended with 75`,
    `${deliveries} deliveries: ${result.told} told, ${result.counted} counted as unknown, ` +
      `${result.covered} gone with a killed process that is named, ${lost} lost`,
    `${twice} seen twice, ${unlogged} unlogged`,
  ];
  if (!ok) summary.push(JSON.stringify({falseSuccess, lostIn: result.lostIn.slice(0, 20)}));
  return {ok, summary: summary.join('; ')};
}
