import {describe, expect, test} from 'vitest';
import {awaitReceipt} from '../../../src/lib/cli/message/receipt.ts';
import {ClientError} from '../../../src/lib/client/errors.ts';
import {FtpdctlError} from '../../../src/lib/errors.ts';
import type {ReceiptDetails} from '../../../src/lib/protocol/details.ts';

const DAVE = {user: 'dave', host: 'work.example'};
const ENDED = {...DAVE, reason: 'session ended'};

function receipt(changes: Partial<ReceiptDetails>): ReceiptDetails {
  return {
    id: 'm1',
    recipients: 3,
    shown: 0,
    lost: 0,
    unknown: 0,
    unanswered: 0,
    undelivered: [],
    waiting: [],
    ...changes,
  };
}

const absent = new ClientError('SOCKET_MISSING', 'nobody listens at /s');
const invalid = new ClientError('ANSWER_INVALID', 'no sense');
const forgotten = new FtpdctlError('NO_RECEIPT', 'the server cannot say what became of message m1', 75);

type Answer = Partial<ReceiptDetails> | Error;

/** What comes of a wait in which the server gives these answers, the last of them for ever. */
async function outcome(answers: readonly Answer[], {recipients = 3, wait = 60_000} = {}) {
  const seen: ReceiptDetails[] = [];
  let asked = 0;
  const waited = await awaitReceipt({
    recipients,
    wait,
    onReceipt: (each) => seen.push(each),
    ask: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)]!;
      if (answer instanceof Error) throw answer;
      return receipt(answer);
    },
  });
  return {status: waited.error?.exitStatus ?? 0, said: waited.error?.message, ...waited, asked, seen};
}

describe('a wait ends', () => {
  test.each<[string, Answer[], number, RegExp | undefined]>([
    ['with success when each was shown it', [{shown: 1}, {shown: 3}], 0, undefined],
    [
      'with 4 when somebody never will be',
      [{shown: 2, lost: 1, undelivered: [ENDED]}],
      4,
      /^shown to 2 of 3 sessions; undelivered to dave@work\.example, session ended$/,
    ],
    [
      'with 4, though nobody is named',
      [{recipients: 1, lost: 1, undelivered: []}],
      4,
      /^shown to 0 of 3 sessions; undelivered to 1 session; nobody can say what became of it in 2 sessions$/,
    ],
    [
      'with 75 when a new server knows fewer recipients than there were',
      [{recipients: 1, shown: 1}],
      75,
      /^shown to 1 of 3 sessions; nobody can say what became of it in 2 sessions$/,
    ],
    [
      'with 75 when the new server knows how many it does not know',
      [{shown: 1, unknown: 2}],
      75,
      /^shown to 1 of 3 sessions; nobody can say what became of it in 2 sessions$/,
    ],
    [
      'with 75 when a process ended while it showed it, and says in whose session',
      [{shown: 2, unknown: 1, interrupted: [DAVE]}],
      75,
      /^shown to 2 of 3 sessions; nobody can say whether dave@work\.example saw it: the session ended before that was known$/,
    ],
    [
      'with 75, though not all of those are named',
      [{unknown: 3, interrupted: [DAVE]}],
      75,
      /; nobody can say whether dave@work\.example saw it: .*; nobody can say what became of it in 2 other sessions$/,
    ],
    [
      'with 4 when somebody else never will be',
      [{unknown: 2, interrupted: [DAVE, DAVE], lost: 1, undelivered: [ENDED]}],
      4,
      /; undelivered to dave@work\.example, session ended; nobody can say whether dave@\S+, dave@/,
    ],
    [
      'with success when those not known answer after all',
      [{shown: 1, unknown: 2, unanswered: 1}, {shown: 3}],
      0,
      undefined,
    ],
    [
      'with 4 when the server before knew of a loss',
      [
        {shown: 1, lost: 1, undelivered: [ENDED]},
        {shown: 2, unknown: 1},
      ],
      4,
      /^shown to 2 of 3 sessions; undelivered to dave@work\.example, session ended$/,
    ],
    ['with success when a server that was away is back', [{shown: 1}, absent, {shown: 3}], 0, undefined],
    ['with 1 when what it says makes no sense', [invalid], 1, /^no sense$/],
    ['with 75 when the server knows nothing of it', [{shown: 1}, forgotten], 75, /^the server cannot say/],
  ])('%s', async (_, answers, status, said) => {
    const result = await outcome(answers);
    expect(result.status).toBe(status);
    if (said === undefined) expect(result.error).toBeUndefined();
    else expect(result.said).toMatch(said);
    expect(result.asked).toBe(answers.length);
  });
});

describe('time is over', () => {
  const wait = 1;

  test.each<[string, Answer[], RegExp]>([
    [
      'those who have not seen it are named',
      [{shown: 2, waiting: [DAVE]}],
      /^shown to 2 of 3 sessions within 0\.001 s; not yet to dave@work\.example$/,
    ],
    [
      'so are the first of many, and some who have not logged in',
      [{recipients: 9, waiting: Array(9).fill({user: null, host: 'h'})}],
      /not yet to \(none\)@h(, \(none\)@h){4}, and 4 more$/,
    ],
    ['at least they are counted', [{shown: 1}], /; not yet to 2 sessions$/],
    [
      'what is lost and unknown is said, too',
      [{lost: 1, undelivered: [ENDED], unknown: 1}],
      /; not yet to 1 session; undelivered to dave@.*; nobody can say what became of it in 1 session$/,
    ],
    [
      'what may become known is waited for until then',
      [{shown: 1, unknown: 2, unanswered: 1}],
      /^shown to 1 of 3 sessions within .*; nobody can say what became of it in 2 sessions$/,
    ],
    ['and no server is there', [absent], /^nobody can say what became of it: nobody listens at \/s$/],
    [
      'and the server has gone',
      [{shown: 1}, absent],
      /^shown to 1 of 3 sessions when the server was last asked; now nobody can say/,
    ],
  ])('%s: 75', async (_, answers, said) => {
    // The one that has gone is asked twice.
    const result = await outcome(answers, {wait: answers.length > 1 ? 100 : wait});
    expect(result.status).toBe(75);
    expect(result.said).toMatch(said);
  });
});

test('the recipients that count are those the message began with', async () => {
  const {seen} = await outcome([{recipients: 1, shown: 1}]);
  expect(seen).toEqual([receipt({recipients: 3, shown: 1, unknown: 2})]);
});

test('what is no error of ours is thrown', async () => {
  await expect(outcome([new TypeError('a bug')])).rejects.toThrow('a bug');
});
